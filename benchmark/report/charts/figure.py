"""What a chart says, apart from how it is laid out and drawn. Errors, intervals and shares are fractions.

Every chart has a ``title``, what it shows in words a person would say, and a ``subtitle``, what is drawn; where nothing
can be said the title is what is drawn and the subtitle empty. ``summary`` is what a screen reader says. ``source`` is
the footer that only files show, so that each stands alone: data set, images, what the intervals are, version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ...families import Tone
from .axes import Axis

DOTTED = -1  # the dash of what was not itself measured


@dataclass(frozen=True)
class Mark:
    """A point: ``tip`` says its numbers on hover; ``low``/``high`` an interval in y; ``label`` is written beside it.

    ``at``: what its x means, where it is drawn a little beside that. ``opens``: which images of the explorer it opens.
    """

    x: float
    y: float
    tip: str
    label: str = ""
    low: float | None = None
    high: float | None = None
    weight: float = 1.0  # area, relative to an ordinary point
    at: str = ""
    opens: str = ""


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
class Figure:
    """An x-y figure. ``small`` ones stand side by side. ``key_to``: what its colours mean, where that is no family."""

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
    source: str = ""
    subtitle: str = ""
    key_to: Sequence[tuple[Tone, str]] = ()

    @property
    def tones(self) -> list[Tone]:
        return [series.tone for series in self.series]


@dataclass(frozen=True)
class Row:
    """A contender in the ranking: its error and the interval. ``title``: what is written instead of its name."""

    name: str
    tone: Tone
    value: float
    low: float
    high: float
    title: str = ""


@dataclass(frozen=True)
class RankingFigure:
    """Rows with their intervals, best first; ``groups``: runs of rows, first and last, that cannot be told apart."""

    key: str
    title: str
    summary: str
    measure: str
    rows: Sequence[Row]
    groups: Sequence[tuple[int, int]]
    chance: float
    axis: Axis
    source: str = ""
    subtitle: str = ""

    @property
    def tones(self) -> list[Tone]:
        return [row.tone for row in self.rows]


@dataclass(frozen=True)
class MatrixFigure:
    """A square of numbers with names on both sides; a value shades its cell by 0…1, None leaves it blank.

    ``texts``: what is written in the cells, ``tips`` what is said of them, ``opens`` which images of the explorer they
    open, all in the shape of ``values``.
    """

    key: str
    title: str
    summary: str
    names: Sequence[str]
    values: Sequence[Sequence[float | None]]
    texts: Sequence[Sequence[str]]
    tips: Sequence[Sequence[str]]
    rows_are: str
    columns_are: str
    values_are: str
    tone: Tone
    source: str = ""
    subtitle: str = ""
    opens: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Bar:
    """A step of a waterfall from one error to another. ``low`` and ``high``: an interval of where it ends.

    text      its size, written at its end
    decided   whether it is more than chance; else it is drawn pale
    """

    name: str
    tone: Tone
    start: float
    end: float
    low: float
    high: float
    text: str
    tip: str
    decided: bool = True


@dataclass(frozen=True)
class WaterfallFigure:
    """Steps below each other. ``joined``: each starts where the one above it ends; else all start at one level."""

    key: str
    title: str
    summary: str
    measure: str
    bars: Sequence[Bar]
    axis: Axis
    joined: bool = False
    source: str = ""
    subtitle: str = ""

    @property
    def tones(self) -> list[Tone]:
        return [bar.tone for bar in self.bars]


Chart = Figure | RankingFigure | MatrixFigure | WaterfallFigure


def subject(chart: Chart) -> str:
    """What is drawn."""
    return chart.subtitle or chart.title


def lines(drawn: Sequence[tuple[str, Tone, list[Mark]]], *, points: bool = False, named: int = -1) -> list[Series]:
    """(name, tone, marks) → lines with a name at their mark ``named``; dashes tell those of one tone apart."""
    out, dashes = [], dict[Tone, int]()
    for name, tone, marks in drawn:
        dash = dashes.get(tone, 0)
        dashes[tone] = dash + 1
        marks = marks.copy()
        marks[named] = replace(marks[named], label=name)
        out.append(Series(tone, marks, name, line=True, points=points, dash=dash))
    return out
