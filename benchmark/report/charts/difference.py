"""The paired difference of the two that are compared, with its interval, drawn against zero."""

from __future__ import annotations

from ..analysis.contest import Contest
from ..numbers import points, shortened
from .axes import linear
from .primitives import Item, Line, Rect, Shape, Sheet, Text
from .text import width
from .ticks import written

HEIGHT, MIDDLE = 96, 40
LONGEST = 60  # characters of a name
MARGIN = 10  # px at both ends of the axis


def _better(names: list[str]) -> str:
    return f"{names[0]} errs less →"


def sheet(contest: Contest, room: float) -> Sheet | None:
    """``room`` px wide; None without a paired test. To the right the leader errs less; 0 is "no difference"."""
    pair = contest.pair(*contest.headline_pair) if contest.headline_pair else None
    if pair is None:
        return None
    low, high = min(pair.gap.low, 0.0), max(pair.gap.high, 0.0)
    axis = linear("", 100 * low, 100 * high, lambda t: points(t / 100, 0 if t == int(t) else 1), about=5)

    def x(value: float) -> float:
        return MARGIN + (room - 2 * MARGIN) * axis.place(100 * value)

    items: list[Item] = [
        Line(x(v / 100), 14, x(v / 100), MIDDLE + 18, "base" if v == 0 else "grid") for v, _ in axis.ticks
    ]
    ticks = [(x(value / 100), text) for value, text in axis.ticks]
    items += [Text(middle, MIDDLE + 32, text, "tick", "middle") for middle, text in written(ticks, room)]
    zero = x(0)
    items.append(Line(zero, 10, zero, MIDDLE + 18, "rule"))
    start, end = x(pair.gap.low), x(pair.gap.high)
    tip = (
        f"difference {points(pair.gap.value)} points (95 % interval {points(pair.gap.low)} to {points(pair.gap.high)})"
    )
    items.append(Rect(start, MIDDLE - 6, max(end - start, 2), 12, "interval", "ink", radius=5))
    items.append(Shape(x(pair.gap.value), MIDDLE, 5.5, "diamond", "mark", "ink", tip=tip))
    names = [contest.titles[pair.a], contest.titles[pair.b]]
    lengths = (length for length in range(LONGEST, 20, -1) if width(_better(shortened(names, length)), 12) <= room)
    names = shortened(names, next(lengths, 20))
    better = _better(names)
    items.append(Text(room, HEIGHT - 6, better, "axis", "end"))
    worse = f"← {names[1]}"
    if width(worse, 12) + width(better, 12) + 16 < room and low < 0:
        items.append(Text(0, HEIGHT - 6, worse, "axis"))
    return Sheet(room, HEIGHT, f"Paired {tip}; at 0 both err alike.", items)
