"""Axes: linear, of errors, and logarithmic, with round ticks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..numbers import percent


@dataclass(frozen=True)
class Axis:
    """``ticks``: (value, text). ``log`` scales by the logarithm. ``text`` writes any value in the axis's unit."""

    label: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    log: bool = False
    text: Callable[[float], str] = "{:.6g}".format

    def place(self, value: float) -> float:
        """0…1 along the axis."""
        if self.log:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)


def linear(
    label: str, low: float, high: float, text: Callable[[float], str], *, about: int = 5, whole: bool = False
) -> Axis:
    """An axis over [low, high] widened to round ticks, ``about`` of them; ``whole``: of what is counted, as epochs."""
    if high <= low:
        low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
    raw = max((high - low) / about, 1.0 if whole else 0.0)
    power = 10 ** math.floor(math.log10(raw))
    step = next(s * power for s in ((1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10)) if s * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = [i * step for i in range(first, last + 1)]
    return Axis(label, ticks[0], ticks[-1], [(t, text(t)) for t in ticks], text=text)


def errors(label: str, low: float, high: float) -> Axis:
    """An axis of errors, per cent, within 0…100."""
    axis = linear(label, max(0.0, low), min(1.0, high), lambda t: f"{100 * t:g} %")
    ticks = [(v, t) for v, t in axis.ticks if -1e-9 <= v <= 1 + 1e-9]
    return Axis(label, ticks[0][0], ticks[-1][0], [(v, f"{100 * v:g} %") for v, _ in ticks], text=percent)


def logarithmic(
    label: str, low: float, high: float, text: Callable[[float], str], at: Sequence[Sequence[float]] = ()
) -> Axis:
    """A logarithmic axis with some room on both sides, and two to seven round ticks.

    ``at``: what ticks are chosen from, coarse and fine, where decimal numbers are not the round ones, as of times. The
    axis is widened to hold two.
    """
    low, high = low / 1.35, high * 1.35
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    steps = ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8))
    grids = at or [[m * 10.0**d for d in decades for m in of] for of in steps]
    ticks = next((t for t in (_within(grid, low, high) for grid in grids) if len(t) > 2), _within(grids[-1], low, high))
    if len(ticks) < 2:
        low = max((v for v in grids[-1] if v <= low), default=low)
        high = min((v for v in grids[-1] if v >= high), default=high)
        ticks = _within(grids[-1], low, high)
    while len(ticks) > 7:
        ticks = ticks[::2]
    return Axis(label, low, high, [(t, text(t)) for t in ticks], log=True, text=text)


def _within(values: Sequence[float], low: float, high: float) -> list[float]:
    return [v for v in values if low <= v <= high]


def around(values: Sequence[float]) -> tuple[float, float]:
    """A range that holds the values with some room on both sides."""
    low, high = min(values), max(values)
    room = max(0.02, 0.12 * (high - low))
    return low - room, high + room
