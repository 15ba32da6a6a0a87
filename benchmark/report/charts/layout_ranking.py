"""The ranking laid out: a row a contender with its interval on one axis, tie groups as bars, the chance level."""

from __future__ import annotations

from collections.abc import Sequence

from ...families import MARKERS
from ..numbers import percent, shortened
from .figure import RankingFigure, Row
from .primitives import Item, Line, Rect, Shape, Sheet, Text
from .text import width, wrap
from .ticks import ticks_above

NARROW = 560  # px: below it a name stands above its row
LANE, KEY, GAP = 10, 18, 14  # px that a tie bracket, a family's marker and the room between columns take
INTERVAL = 10  # px: how thick an interval is
LONGEST, HEIGHT = 120, 18  # characters of a name, and px from one of its lines to the next
LARGE, SMALL = 15, 12.5  # the text sizes of style.py's "who" and "value", and of "range"


def lanes(groups: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Tie groups side by side: those that do not touch share a lane.

    More than eight lanes say nothing any more: then none are drawn, and the table of pairs has it all.
    """
    out: list[list[tuple[int, int]]] = []
    for first, last in groups:
        lane = next((lane for lane in out if all(last + 1 < f or t + 1 < first for f, t in lane)), None)
        if lane is None:
            out.append([(first, last)])
        else:
            lane.append((first, last))
    return out if len(out) <= 8 else []


def ranking(figure: RankingFigure, room: float) -> Sheet:
    rows, narrow = figure.rows, room < NARROW
    ties = lanes(figure.groups)
    texts = [(percent(row.value), f"{100 * row.low:.1f}–{100 * row.high:.1f}") for row in rows]
    values = max((width(value, LARGE, bold=True) for value, _ in texts), default=0) + 8
    ranges = max((width(text, SMALL) for _, text in texts), default=0)
    start = LANE * len(ties) + (4 if ties else 0)  # where names begin
    names = shortened([row.title or row.name for row in rows], LONGEST)
    longest = max((width(name, LARGE) for name in names), default=0)
    beside = room - start - KEY - GAP - values - ranges  # what a phone has for a name beside the numbers
    column = min(longest, 0.36 * room) + 1
    left = start + 6 if narrow else start + KEY + column + GAP
    right = room - 8 if narrow else room - values - ranges - GAP
    step = 34 if len(rows) <= 16 else 27
    lines_of, heights = [], []
    for name in names:
        lines = wrap(name, room - start - KEY if narrow and width(name, LARGE) > beside else column, LARGE)
        if narrow:
            # A name that does not fit beside the numbers has lines of its own above them.
            lines = [*lines, ""] if width(name, LARGE) > beside else [name]
        lines_of.append(lines)
        heights.append(HEIGHT * (len(lines) - 1) + step + (22 if narrow else 0))
    tops = [24.0]
    for height in heights:
        tops.append(tops[-1] + height)
    bottom = tops[-1]

    def x(value: float) -> float:
        return left + (right - left) * min(max(figure.axis.place(value), 0), 1)

    # Where names stand above their tracks, the lines of the axis leave out what is written.
    tracks = [(end - 27, end - 3) for end in tops[1:]] if narrow else [(tops[0], bottom)]
    items = ticks_above([(x(value), text) for value, text in figure.axis.ticks], tracks, room)
    if figure.axis.place(figure.chance) <= 1:
        items += [Line(x(figure.chance), top, x(figure.chance), end, "rule") for top, end in tracks]
    for row, lines, (error, span), top, height in zip(rows, lines_of, texts, tops, heights, strict=False):
        items.append(Rect(0, top, room, height, "row", tip=_tip(row)))
        middle = top + height - 15 if narrow else top + height / 2
        first = top + 19 if narrow else middle + 5 - HEIGHT / 2 * (len(lines) - 1)
        written = first + HEIGHT * (len(lines) - 1) if narrow else middle + 5
        items.append(Shape(start + 7, first - 5, 5.2, MARKERS[row.tone], "key", row.tone))
        items += [Text(start + KEY, first + HEIGHT * i, line, "who") for i, line in enumerate(lines) if line]
        items.append(Text(room - ranges - 8, written, error, "value", "end"))
        items.append(Text(room - ranges, written, span, "range"))
        if figure.axis.place(row.value) > 1:  # a floor far from the others
            items.append(Text(right, middle + 4, "beyond the axis →", "note", "end"))
            continue
        low, high = x(row.low), x(row.high)
        wide = max(high - low, 3)
        items.append(
            Rect((low + high - wide) / 2, middle - INTERVAL / 2, wide, INTERVAL, "interval", row.tone, radius=5)
        )
        items.append(Shape(x(row.value), middle, 5.2, MARKERS[row.tone], "mark", row.tone))
    for j, lane in enumerate(ties):
        for group in lane:
            x_at, first, last = LANE * j + 2, tops[group[0]] + 8, tops[group[1] + 1] - 8
            items.append(Line(x_at, first, x_at, last, "lane"))
            items += [Line(x_at - 0.6, end, x_at + 5, end, "lane") for end in (first, last)]
    items += _below(figure, x(figure.chance), bottom, room)
    return Sheet(room, bottom + (36 if narrow else 22), figure.summary, items)


def _below(figure: RankingFigure, chance: float, bottom: float, room: float) -> list[Item]:
    """The chance level's label under its line and the axis's name, on two lines where both do not fit on one."""
    text = f"chance {percent(figure.chance)}" + (" →" if figure.axis.place(figure.chance) > 1 else "")
    half = width(text, 11.5) / 2
    middle = min(max(chance, half), room - half)
    narrow = room < NARROW
    joined = "; brackets: not told apart" if figure.groups and not narrow else ""
    name = f"{figure.axis.label}, further left is better{joined}"
    at = 0.0 if middle - half > width(name, 12) + 20 else room
    return [
        Text(middle, bottom + 17, text, "note", "middle"),
        Text(room if narrow else at, bottom + (33 if narrow else 17), name, "axis", "end" if narrow or at else "start"),
    ]


def _tip(row: Row) -> str:
    name = f"{row.title} ({row.name})" if row.title not in ("", row.name) else row.name
    return f"{name}: {percent(row.value)} (95 % interval {percent(row.low)} to {percent(row.high)})"
