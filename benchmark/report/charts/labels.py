"""Where to write the names beside the points of a figure so that they lie neither on each other nor on a point."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .primitives import Anchor

Box = tuple[float, float, float, float]  # left, top, right, bottom; y grows downwards
Spot = tuple[float, float, Anchor]  # x and y of the baseline's end that the anchor names


def place(
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    *,
    frame: Box,
    measure: Callable[[str], float],
    height: float,
    gap: float = 8.0,
    kept: Sequence[Box] = (),
) -> list[Spot | None]:
    """(x, y, anchor) of each text's baseline; None where it fits nowhere (its numbers are still in tip and table).

    Greedy, in the given order: to the right, the left, above, below, then the diagonals; first the important ones.
    ``measure``: the width of a text. ``kept``: boxes that hold text already.
    """
    taken: list[Box] = [*kept, *((x - 5, y - 5, x + 5, y + 5) for x, y in points)]
    placed: list[Spot | None] = []
    for (x, y), text in zip(points, texts, strict=True):
        if not text:
            placed.append(None)
            continue
        width = measure(text)
        spots: list[Spot] = [
            (x + gap, y + height * 0.35, "start"),
            (x - gap, y + height * 0.35, "end"),
            (x, y - gap, "middle"),
            (x, y + gap + height * 0.75, "middle"),
            (x + gap * 0.8, y - gap * 0.9, "start"),
            (x + gap * 0.8, y + gap + height * 0.6, "start"),
            (x - gap * 0.8, y - gap * 0.9, "end"),
            (x - gap * 0.8, y + gap + height * 0.6, "end"),
            (x + gap * 0.8, y + gap * 1.6 + height * 0.6, "start"),
            (x + gap * 0.8, y - gap * 1.5, "start"),
        ]
        for spot in spots:
            box = box_of(spot, width, height)
            own = (x - 5, y - 5, x + 5, y + 5)
            if _inside(box, frame) and not any(_overlap(box, other) for other in taken if other != own):
                taken.append(box)
                placed.append(spot)
                break
        else:
            placed.append(None)
    return placed


def box_of(spot: Spot, width: float, height: float) -> Box:
    """What a text takes that stands there."""
    x, y, anchor = spot
    left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width
    return left, y - height * 0.8, left + width, y + height * 0.2


def _inside(box: Box, frame: Box) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
