"""What ``topfive run --dry-run`` foresees, beside what the same run then takes.

    python tests/speed/dry_run.py [-d photos] [-m alexnet …]

Without options: the six default contenders on the built-in photographs. It needs a quiet machine: what else runs makes
the pilots slower, or the run. Exit status 1 where a cell took less or more than its range says.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOPFIVE = [str(Path(sys.executable).with_name("topfive"))]
FORESEEN = re.compile(r"^\S.* · (\S+): (?:about )?([\d:.]+(?: s)?)(?: to ([\d:.]+(?: s)?))?,")


def seconds(clock: str) -> float:
    """ "4.2 s" → 4.2, "3:07" → 187."""
    total = 0.0
    for part in clock.removesuffix(" s").split(":"):
        total = 60 * total + float(part)
    return total


def main() -> int:
    """Print a line for each contender."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-d", dest="data", default="photos")
    parser.add_argument("-m", dest="methods", action="append", default=[])
    given = parser.parse_args()
    asked = ["run", "-d", given.data, *(word for method in given.methods for word in ("-m", method))]
    start = time.monotonic()
    said = subprocess.run([*TOPFIVE, *asked, "--dry-run"], check=True, capture_output=True, text=True).stdout
    pilots = time.monotonic() - start
    found = {m[1]: (seconds(m[2]), seconds(m[3] or m[2])) for m in map(FORESEEN.match, said.splitlines()) if m}
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        subprocess.run([*TOPFIVE, *asked, "--fresh", "-q", "-o", f"{folder}/run"], check=True)
        took = time.monotonic() - start
        records = json.loads(Path(folder, "run", "results.json").read_text(encoding="utf-8"))["records"]
    print(said.splitlines()[-1])
    print(f"the pilots took {pilots:.0f} s, the run {took:.0f} s, with the start of each cell and the report")
    good = True
    for record in records:
        actual = record["costs"]["fit_seconds"] + record["costs"]["predict_seconds"]
        low, high = found[record["method"]]
        holds = low - 0.1 <= actual <= high + 0.1  # what is printed is rounded
        good = good and holds
        off = max(actual, 0.1) / max((low * high) ** 0.5, 0.1)
        print(
            f"{record['method']:<20} foreseen {low:7.1f} to {high:7.1f} s, took {actual:7.1f} s: "
            f"{'holds' if holds else 'DOES NOT HOLD'}; {off:.2f} of the middle"
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
