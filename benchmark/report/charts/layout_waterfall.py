"""A waterfall laid out: a row a step with its bar, the interval of its end, and its size."""

from __future__ import annotations

from itertools import pairwise

from ..numbers import shortened
from .figure import WaterfallFigure
from .primitives import Line, Rect, Sheet, Text
from .text import width, wrap
from .ticks import ticks_above

NARROW = 560  # px: below it a name stands above its bar
THICK, STEP, LINE, GAP = 14, 30, 16, 14  # px: of a bar, of a row, of a further line of its name, between columns
TEXT = 12.5  # px: the sizes of style.py's "range"; a name's is 12


def waterfall(figure: WaterfallFigure, room: float) -> Sheet:
    """Bars start where the one above them ends, or all at one level, which is then a line."""
    narrow = room < NARROW
    names = shortened([bar.name for bar in figure.bars], 80)
    column = min(max((width(name, 12) for name in names), default=0), 0.4 * room) + 1
    said = max((width(bar.text, TEXT) for bar in figure.bars), default=0)
    left, right = (6.0, room - 8) if narrow else (column + GAP, room - said - GAP)
    lines = [wrap(name, room - said - GAP if narrow else column, 12, lines=3) for name in names]
    tops = [24.0]
    for of_name in lines:
        tops.append(tops[-1] + STEP + LINE * (len(of_name) - 1) + 20 * narrow)
    bottom = tops[-1]

    def x(value: float) -> float:
        return left + (right - left) * min(max(figure.axis.place(value), 0), 1)

    tracks = [(end - 28, end - 2) for end in tops[1:]] if narrow else [(tops[0], bottom)]
    items = ticks_above([(x(value), text) for value, text in figure.axis.ticks], tracks, room)
    if not figure.joined and figure.bars:
        start = x(figure.bars[0].start)
        items += [Line(start, top, start, end, "rule") for top, end in tracks]
    middles = [end - 15 if narrow else (top + end) / 2 for top, end in pairwise(tops)]
    for i, (bar, of_name, middle) in enumerate(zip(figure.bars, lines, middles, strict=True)):
        items.append(Rect(0, tops[i], room, tops[i + 1] - tops[i], "row", tip=bar.tip))
        first = tops[i] + 15 if narrow else middle + 4 - LINE / 2 * (len(of_name) - 1)
        items += [Text(0, first + LINE * j, line, "class") for j, line in enumerate(of_name)]
        begin, end = sorted((x(bar.start), x(bar.end)))
        role = "bar" if bar.decided else "interval"
        items.append(Rect(begin, middle - THICK / 2, max(end - begin, 1.5), THICK, role, bar.tone))
        items.append(Line(x(bar.low), middle, x(bar.high), middle, "base"))
        for edge in (bar.low, bar.high):
            items.append(Line(x(edge), middle - 4, x(edge), middle + 4, "base"))
        if figure.joined and i + 1 < len(middles):
            items.append(Line(x(bar.end), middle + THICK / 2, x(bar.end), middles[i + 1] - THICK / 2, "rule"))
        at = tops[i] + 15 if narrow else middle + 4
        items.append(Text(room, at, bar.text, "range", "end"))
    items.append(Text(room if narrow else right, bottom + 17, figure.axis.label, "axis", "end"))
    return Sheet(room, bottom + 24, figure.summary, items)
