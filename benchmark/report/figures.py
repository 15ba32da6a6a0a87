"""What a figure says, apart from how it is drawn: the page draws it as SVG, the PNGs come from matplotlib."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .numbers import percent

Tone = Literal["hand", "deep", "shallow", "floor", "other", "ink"]
TONES: dict[str, Tone] = {"hand-engineered": "hand", "deep": "deep", "learned, shallow": "shallow", "floor": "floor"}


def tone_of(family: str) -> Tone:
    """The colour role of a family; both families of the question always get the same one."""
    return TONES.get(family, "other")


@dataclass(frozen=True)
class Mark:
    """A point: ``tip`` says its numbers on hover; ``low``/``high`` an interval in y; ``label`` is written beside it.

    ``at``: what its x means, where it is drawn a little beside that.
    """

    x: float
    y: float
    tip: str
    label: str = ""
    low: float | None = None
    high: float | None = None
    weight: float = 1.0  # area, relative to an ordinary point
    at: str = ""


@dataclass(frozen=True)
class Series:
    """Marks of one colour; joined by a line, shown as points, or both."""

    tone: Tone
    marks: Sequence[Mark]
    name: str = ""
    line: bool = False
    points: bool = True
    hollow: bool = False
    dash: int = 0  # which of a few dash patterns, to tell lines of one family apart
    listed: bool = True  # in the table of the figure's numbers


@dataclass(frozen=True)
class Rule:
    """A straight reference line across the figure at ``value`` on one axis.

    ``left``: a level's label stands at its left end, where the right one is taken.
    """

    axis: Literal["x", "y"]
    value: float
    label: str
    left: bool = False


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


@dataclass(frozen=True)
class Figure:
    """An x-y figure. ``summary`` is what a screen reader says; ``small`` figures stand side by side."""

    key: str
    title: str
    summary: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    rules: Sequence[Rule] = ()
    diagonal: bool = False
    band: tuple[float, float] | None = None  # a shaded range on the x axis
    small: bool = False
    square: bool = False
    tall: bool = False
    notes: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class Row:
    """A contender in the ranking: error and interval as fractions, and what is written beside it."""

    name: str
    tone: Tone
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Ranking:
    """Rows with their intervals, best first; chance level; ``groups``: runs of rows that cannot be told apart."""

    key: str
    title: str
    measure: str
    rows: Sequence[Row]
    groups: Sequence[tuple[int, int]]
    chance: float
    axis: Axis


@dataclass(frozen=True)
class Matrix:
    """A square of numbers from 0 to 1 with names; None is left blank."""

    key: str
    title: str
    names: Sequence[str]
    values: Sequence[Sequence[float | None]]
    rows_are: str
    columns_are: str
    texts: Sequence[Sequence[str]]


def lanes(groups: Sequence[tuple[int, int]], rows: int) -> list[list[str]]:
    """Tie groups side by side: lanes of one word a row, "in" with "first" or "last" at the ends, "" outside.

    Groups that do not touch share a lane. More than eight lanes say nothing any more: then none are drawn, and the
    table of pairs has it all.
    """
    out: list[list[str]] = []
    for first, last in groups:
        lane = next((lane for lane in out if not any(lane[max(first - 1, 0) : last + 1])), None)
        if lane is None:
            lane = [""] * rows
            out.append(lane)
        for i in range(first, last + 1):
            lane[i] = "in" + (" first" if i == first else "") + (" last" if i == last else "")
    return out if len(out) <= 8 else []


def linear(label: str, low: float, high: float, text: Callable[[float], str], *, about: int = 5) -> Axis:
    """An axis over [low, high] widened to round ticks, ``about`` of them."""
    if high <= low:
        low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
    raw = (high - low) / about
    power = 10 ** math.floor(math.log10(raw))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = [i * step for i in range(first, last + 1)]
    return Axis(label, ticks[0], ticks[-1], [(t, text(t)) for t in ticks], text=text)


def errors(label: str, low: float, high: float) -> Axis:
    """An axis of errors, per cent, within 0…100."""
    axis = linear(label, max(0.0, low), min(1.0, high), lambda t: f"{100 * t:g} %")
    ticks = [(v, t) for v, t in axis.ticks if -1e-9 <= v <= 1 + 1e-9]
    return Axis(label, ticks[0][0], ticks[-1][0], [(v, f"{100 * v:g} %") for v, _ in ticks], text=percent)


def logarithmic(
    label: str,
    low: float,
    high: float,
    text: Callable[[float], str],
    at: Sequence[float] = (),
    finer: Sequence[float] = (),
) -> Axis:
    """A logarithmic axis with some room on both sides; ticks at powers of ten, or at those of ``at`` that fit.

    ``finer``: what to try where fewer than three of ``at`` fit.
    """
    low, high = low / 1.35, high * 1.35
    if at:
        ticks = [v for v in at if low <= v <= high]
        if len(ticks) < 3:
            ticks = [v for v in finer if low <= v <= high]
    else:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [10.0**d for d in decades if low <= 10.0**d <= high]
        for steps in ((1, 2, 5), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)):
            if len(ticks) < 3:
                ticks = [m * 10.0**d for d in decades for m in steps if low <= m * 10.0**d <= high]
    if len(ticks) < 2:
        ticks = [low * 1.35, high / 1.35] if high > low * 2 else [low * 1.35]
    while len(ticks) > 7:
        ticks = ticks[::2]
    return Axis(label, low, high, [(t, text(t)) for t in ticks], log=True, text=text)
