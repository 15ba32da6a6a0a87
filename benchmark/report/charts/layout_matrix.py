"""A matrix laid out: names on the left and, turned, on top; cells shaded by their value, with numbers that fit."""

from __future__ import annotations

from ..numbers import shortened
from .figure import MatrixFigure
from .primitives import Item, Rect, Sheet, Text
from .style import STYLES
from .text import width

NARROW = 560
CELL = (30.0, 24.0)  # px, the widest and the lowest ordinary cell


def matrix(figure: MatrixFigure, room: float) -> Sheet:
    narrow = room < NARROW
    name, number = ("small-class", "small-number") if narrow else ("class", "number")
    size = STYLES[name].size
    names = shortened(figure.names, 15 if narrow else 34)
    corner = [text for text in (f"{figure.rows_are} ↓", f"{figure.columns_are} →") if len(text) > 2]
    label = max(width(text, size) for text in names) + 8
    in_corner = max((width(text, STYLES["axis"].size) for text in corner), default=0.0) <= label
    n = len(figure.names)
    fits = max((width(text, STYLES[number].size) for row in figure.texts for text in row), default=0) + (
        0.5 if narrow else 4
    )
    wide = max(min((room - label) / n, max(CELL[0], fits + 6)), fits, size + 2)
    high = max(min(wide, CELL[1]), size + 4)
    # Turned names stand beside the text in the corner, or where it is wider than that, below it.
    top = max(label, 18.0 * len(corner)) if in_corner else label + 16.0 * len(corner)
    items: list[Item] = [Text(0, 12 + 16 * i, text, "axis") for i, text in enumerate(corner)]
    for i, text in enumerate(names):
        items.append(Text(label - 6, top + high * (i + 0.5) + size * 0.35, text, name, "end"))
        items.append(Text(label + wide * (i + 0.5) + size * 0.35, top - 6, text, name, turned=True))
    for i, row in enumerate(figure.values):
        for j, value in enumerate(row):
            text = figure.texts[i][j]
            if value is None or not text:
                continue
            x, y = label + wide * j, top + high * i
            shade = min(max(value, 0.0), 1.0)
            opens = figure.opens[i][j] if figure.opens else ""
            items.append(Rect(x, y, wide, high, "cell", figure.tone, figure.tips[i][j], shade=shade, opens=opens))
            at = y + high / 2 + STYLES[number].size * 0.36
            items.append(Text(x + wide / 2, at, text, number, "middle"))
    return Sheet(label + wide * n, top + high * n + 2, figure.summary, items)
