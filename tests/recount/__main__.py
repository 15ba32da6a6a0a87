"""Compare a report's first screen with the recount.

python -m tests.recount RUN [REPORT.html]
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from .count import FLOOR, Recount
from .screen import Page, tokens


def differences(recount: Recount, html: str) -> list[str]:
    """What the first screen of ``html`` says otherwise than the recount."""
    page, wrong = Page(html), []
    names = recount.names
    title = recount.dataset["title"]
    lines = [line for line in (line.replace(title, "") for line in page.lines) if re.search(r"\d", line)]
    for line in lines:
        allowed = [shown for pattern, shown in [*recount.lines, *recount.budgets] if re.search(pattern, line)]
        if not any(tokens(line, names) in shown for shown in allowed):
            wrong.append(f"{line!r}: recounted {allowed or 'nothing like it'}")
    missing = [
        pattern for pattern, shown in recount.lines if shown and not any(re.search(pattern, line) for line in lines)
    ]
    wrong += [f"no line matches {pattern!r}" for pattern in missing]
    if recount.headline() not in page.lines:
        wrong.append(f"the headline is not {recount.headline()!r}")
    return [*wrong, *_raw(recount, page), *_drawn(recount, page)]


def _raw(recount: Recount, page: Page) -> list[str]:
    """The numbers behind the table's cells, by which it sorts and which its CSV holds."""
    rows = [row for row in page.raw if row]
    counted = [[errors / recount.n, *ends] for errors, ends in zip(recount.errors, recount.ranges, strict=True)]
    expected = [[f"{value:.6g}" for value in row] for row in counted]
    return [] if rows == expected else [f"the table holds {rows}, recounted {expected}"]


def _drawn(recount: Recount, page: Page) -> list[str]:
    """Each drawing of the ranking and of the difference: its texts, and its intervals where its axis has them."""
    wrong, rankings = [], 0
    starts = [i for i, (kind, _, _) in enumerate(page.drawn) if kind == "svg"]
    for start, end in zip(starts, [*starts[1:], len(page.drawn)], strict=True):
        parts = page.drawn[start + 1 : end]
        intervals = 100 * np.array(recount.ranges)
        if not any(kind == "who" for kind, _, _ in parts):
            wrong += _interval_drawn(parts, 100 * np.array([recount.difference()[1:]]))
            continue
        rankings += 1
        texts = {kind: [text for which, _, text in parts if which == kind] for kind in ("who", "value", "range")}
        expected = {
            "who": [c.name for c in recount.ranked],
            "value": [f"{recount.percent(i)} %" for i in range(len(recount.ranked))],
            "range": ["–".join(recount.interval(i)) for i in range(len(recount.ranked))],
        }
        wrong += [f"drawn {texts[kind]}, recounted {expected[kind]}" for kind in texts if texts[kind] != expected[kind]]
        beyond = sum(text.startswith("beyond the axis") for kind, _, text in parts if kind == "note")
        floors = [c.family == FLOOR for c in recount.ranked[len(recount.ranked) - beyond :]]
        wrong += [] if all(floors) else ["a contender is left off the axis"]
        wrong += _interval_drawn(parts, intervals[: len(intervals) - beyond])
    return wrong if rankings else ["no ranking is drawn"]


def _interval_drawn(parts: list[tuple[str, dict[str, str], str]], intervals: np.ndarray[Any, Any]) -> list[str]:
    """Whether the intervals, (n, 2) in the unit of the ticks, are drawn where an even axis has them."""
    wrong = []
    ticks = [(float(text.rstrip(" %").replace("−", "-")), float(at["x"])) for kind, at, text in parts if kind == "tick"]
    value, x = np.array(ticks).T
    inner = slice(1, -1) if len(value) > 3 else slice(None)  # the outermost may be moved to stay inside
    scale, origin = np.polyfit(value[inner], x[inner], 1)
    if (
        len(set(np.diff(value).round(6))) > 1
        or np.abs(origin + scale * value - x).max() > 12
        or np.abs(origin + scale * value - x)[inner].max() > 0.2
    ):
        wrong.append(f"the axis is not even: {ticks}")
    bars = [(float(at["x"]), float(at["x"]) + float(at["width"])) for kind, at, _ in parts if kind == "interval"]
    places = origin + scale * intervals
    if np.shape(bars) != places.shape or np.abs(np.array(bars) - places).max() > 0.5:
        wrong.append(f"intervals are drawn at {bars}, recounted {places.round(1).tolist()}")
    return wrong


def main(run: Path, report: Path) -> int:
    """Print what was recounted; 1 where the report says anything else."""
    recount, html = Recount(run), report.read_text(encoding="utf-8")
    for line in Page(html).lines:
        if re.search(r"\d", line.replace(recount.dataset["title"], "")):
            print(line)
    wrong = differences(recount, html)
    print("\n".join(["", *wrong, f"{len(wrong)} lines differ"] if wrong else ["", "every number was found again"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    sys.exit(main(folder, Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "report.html"))
