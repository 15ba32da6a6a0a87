"""What a laid-out chart consists of, in px, y downwards. The page, the SVG files and the PNGs draw these and no more.

``role`` says what a thing is and ``tone`` whose: together they give its paint (style.py). ``tip`` is what is said of it
under the pointer or when the arrow keys reach it, ``opens`` which images of the explorer a click on it shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ...families import Marker, Tone
from .style import STYLES

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    role: str
    tone: Tone = "ink"


@dataclass(frozen=True)
class Rect:
    """``radius`` rounds its corners; ``shade``, 0…1, is how strongly it is filled."""

    x: float
    y: float
    width: float
    height: float
    role: str
    tone: Tone = "ink"
    tip: str = ""
    radius: float = 0.0
    shade: float | None = None
    opens: str = ""


@dataclass(frozen=True)
class Path:
    """A line through points. ``dash``: px on, off, on, …; empty: solid."""

    points: Sequence[tuple[float, float]]
    role: str
    tone: Tone
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class Shape:
    """A family's marker of about radius ``r`` around (x, y)."""

    x: float
    y: float
    r: float
    marker: Marker
    role: str
    tone: Tone
    tip: str = ""
    opens: str = ""


@dataclass(frozen=True)
class Text:
    """One line; (x, y) is the end of its baseline that ``anchor`` names. ``turned``: read from the bottom upwards."""

    x: float
    y: float
    text: str
    role: str
    anchor: Anchor = "start"
    tone: Tone = "ink"
    turned: bool = False


Item = Line | Rect | Path | Shape | Text


@dataclass(frozen=True)
class Sheet:
    """A chart laid out: its size, what a screen reader says of it, and its items from the back to the front."""

    width: float
    height: float
    summary: str
    items: list[Item] = field(default_factory=list)

    @property
    def visible(self) -> list[Item]:
        """Without what is there only for the pointer."""
        return [item for item in self.items if STYLES[item.role].opacity]

    def shapes(self, role: str) -> list[Shape]:
        """The markers of a role, in drawing order."""
        return [item for item in self.items if isinstance(item, Shape) and item.role == role]

    def texts(self, role: str) -> list[str]:
        """The texts of a role, in drawing order."""
        return [item.text for item in self.items if isinstance(item, Text) and item.role == role]


def lower(item: Item, by: float) -> Item:
    """The same, ``by`` px further down."""
    match item:
        case Line():
            return replace(item, y1=item.y1 + by, y2=item.y2 + by)
        case Path():
            return replace(item, points=[(x, y + by) for x, y in item.points])
        case _:
            return replace(item, y=item.y + by)


def outline(marker: Marker, x: float, y: float, r: float) -> list[tuple[float, float]]:
    """The corners of a marker of about radius ``r``; none for a circle."""
    unit: list[tuple[float, float]]
    match marker:
        case "circle":
            unit = []
        case "square":
            unit = [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]
        case "diamond":
            unit = [(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)]
        case "triangle":
            unit = [(0, -1.15), (1.15, 0.85), (-1.15, 0.85)]
        case "wedge":
            unit = [(0, 1.15), (1.15, -0.85), (-1.15, -0.85)]
        case "star":
            points = [(1.45 if i % 2 == 0 else 0.62, math.pi * i / 5) for i in range(10)]
            unit = [(reach * math.sin(turn), -reach * math.cos(turn)) for reach, turn in points]
        case "plus" | "cross":
            a, b = 0.42, 1.2
            arm = [(-a, -a), (-a, -b), (a, -b)]  # the upper one; a quarter turn at a time makes the others
            right, below, left = ([_turned(p, quarters) for p in arm] for quarters in (1, 2, 3))
            unit = [*arm, *right, *below, *left]
            if marker == "cross":
                unit = [((dx - dy) * 0.5**0.5, (dx + dy) * 0.5**0.5) for dx, dy in unit]
    return [(x + r * dx, y + r * dy) for dx, dy in unit]


def _turned(point: tuple[float, float], quarters: int) -> tuple[float, float]:
    for _ in range(quarters):
        point = (-point[1], point[0])
    return point
