"""The table of tests/speed/gpu.sh, from the lines that its parts have written: before, now, floor, aim.

    python tests/speed/gpu_table.py FILE

"Before" was measured on an NVIDIA H100 80GB HBM3 with torch 2.11, at commit 0af5b8a. Standard library only.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

# part: what it is, images a second before, floor then, aim
ROWS = {
    "alexnet": ("alexnet 64 px, training", 20_000, 320_000, 130_000),
    "resnet-2015": ("resnet-2015 64 px, training", 10_000, 26_000, 20_000),
    "alexnet-2012": ("alexnet-2012 224 px, batch 512", 24_289, 190_556, 75_000),
    "sift-fisher": ("sift-fisher 64 px, extraction", 2_400, 50_000, 30_000),
    "oxford-vgg-2012": ("oxford-vgg-2012 64 px, extraction", 2_700, 50_000, 30_000),
}


def main() -> None:
    file = Path(sys.argv[1])
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found: dict[str, list[dict[str, Any]]] = {}
    for row in map(json.loads, lines):
        found.setdefault(row["part"], []).append(row)
    cards = {row["hardware"] for rows in found.values() for row in rows}
    print(f"\nimages a second on {' and '.join(sorted(cards)) or 'nothing: every part failed'}")
    print(f"{'':36}{'before':>9}{'now':>9}{'floor':>9}{'aim':>9}   reached")
    for part, (name, before, floor, aim) in ROWS.items():
        rates = [row["images_per_second"] for row in found.get(part, [])]
        now = f"{max(rates):,.0f}" if rates else "none"
        reached = "not measured" if not rates else "yes" if max(rates) >= aim else f"{100 * max(rates) / aim:.0f} %"
        print(f"{name:36}{before:>9,}{now:>9}{floor:>9,}{aim:>9,}   {reached}")
    runs = found.get("resnet-2015", [])
    compiled = " and, in a second run, ".join(f"{row['compile_seconds']:.1f} s" for row in runs) or "not measured"
    sizes = len(runs[0]["by_side"]) if runs else "several"
    print(
        f"compiling and capturing resnet-2015 for {sizes} sizes, before the first epoch: {compiled} (before: 17 s each)"
    )


if __name__ == "__main__":
    main()
