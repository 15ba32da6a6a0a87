"""The numbers of a horizontal axis, without touching each other; and the whole axis of charts that are rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from .primitives import Item, Line, Text
from .text import width


def written(ticks: Sequence[tuple[float, str]], room: float) -> Iterator[tuple[float, str]]:
    """Of ``ticks``, x in px and a text, those whose texts do not touch the one before, with the middle of each text:
    x, or where it stays within ``room`` px."""
    last = -math.inf
    for x, text in ticks:
        half = width(text, 12) / 2
        middle = min(max(x, half), room - half)
        if middle - half > last + 4:
            last = middle + half
            yield middle, text


def ticks_above(ticks: Sequence[tuple[float, str]], tracks: Sequence[tuple[float, float]], room: float) -> list[Item]:
    """``ticks``: x in px and a text; ``tracks``: (top, bottom) of each stretch of rows that their lines go through;
    ``room``: width of the chart."""
    lines = [Line(x, top, x, end, "grid") for x, _ in ticks for top, end in tracks]
    return [*lines, *(Text(middle, 13, text, "tick", "middle") for middle, text in written(ticks, room))]
