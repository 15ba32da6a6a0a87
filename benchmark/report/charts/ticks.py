"""The axis of charts that are rows one below the other: its lines through the rows, its numbers above them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .primitives import Item, Line, Text
from .text import width


def ticks_above(ticks: Sequence[tuple[float, str]], tracks: Sequence[tuple[float, float]], room: float) -> list[Item]:
    """``ticks``: x in px, and what is written there unless that would touch the one before; ``tracks``: (top, bottom)
    of each stretch that a line goes through; ``room``: width of the chart."""
    items: list[Item] = []
    last = -math.inf
    for x, text in ticks:
        half = width(text, 12) / 2
        middle = min(max(x, half), room - half)
        items += [Line(x, top, x, end, "grid") for top, end in tracks]
        if middle - half > last + 4:
            items.append(Text(middle, 13, text, "tick", "middle"))
            last = middle + half
    return items
