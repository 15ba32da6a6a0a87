"""Error against training images per class, with the crossing of the two sides."""

from __future__ import annotations

from ...families import FLOOR
from ..analysis.contest import Contest
from ..analysis.curves import Curves
from ..numbers import percent
from .axes import around, errors, logarithmic
from .figure import Figure, Mark, Rule, lines
from .wording import intervals, source, with_interval


def figure(contest: Contest, curves: Curves) -> Figure | None:
    """None where nobody was trained at more than one size."""
    shown = [line for line in curves.lines if line.family != FLOOR]
    if not shown:
        return None
    drawn = []
    for line in shown:
        marks = [
            Mark(s, e.value, f"{line.name}, {s:g} images per class: {with_interval(e)}", "", e.low, e.high)
            for s, e in line.points
        ]
        drawn.append((line.name, line.family, marks))
    sizes = sorted({s for line in shown for s, _ in line.points})
    values = [v for line in shown for _, e in line.points for v in (e.low, e.high)]
    meet = curves.crossing
    rules = [Rule("x", meet.at, f"cross at {meet.at:.0f}")] if meet and meet.at else []
    if contest.chance <= max(values) + 0.1:
        rules.append(Rule("y", contest.chance, f"chance {percent(contest.chance)}"))
    band = None if meet is None or meet.at is None else (max(meet.low, sizes[0]), min(meet.high, sizes[-1]))
    return Figure(
        "learning",
        "Error against training images per class",
        f"Top-{contest.k} error against training images per class. {curves.sentence}",
        logarithmic("training images per class", sizes[0], sizes[-1] * 1.3, lambda v: f"{v:g}", sizes),
        errors(f"top-{contest.k} error", *around(values)),
        lines(drawn, points=True),
        rules=rules,
        band=band,
        source=source(
            contest,
            intervals(contest),
            "Shaded: the 95 % interval of the crossing, over resampled images and seeds." if band else "",
            trained=False,
        ),
    )
