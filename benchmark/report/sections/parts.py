"""What a section of the report consists of: a heading, a sentence that leads, and parts that the page lays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from markupsafe import Markup

from ..analysis.contest import Contest
from ..charts.figure import Chart
from ..tables import Table


@dataclass(frozen=True)
class Charts:
    """Charts below each other; small ones side by side. ``families``: whose colours a legend above them explains.

    ``heading`` stands above a single chart instead of its title.
    """

    kind: ClassVar[str] = "charts"
    charts: Sequence[Chart]
    families: Sequence[str] = ()
    heading: str = ""


@dataclass(frozen=True)
class Numbers:
    """A table that can be sorted, filtered and exported."""

    kind: ClassVar[str] = "numbers"
    table: Table


@dataclass(frozen=True)
class Text:
    """Paragraphs, or with ``style`` "small", "lede" (as the sentence that leads), "list" or "notes"."""

    kind: ClassVar[str] = "text"
    lines: Sequence[str]
    style: str = ""


@dataclass(frozen=True)
class Heading:
    """A heading below the section's own."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    kind: ClassVar[str] = "facts"
    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Output:
    """Text as a program printed it. ``label``: what a screen reader calls it."""

    kind: ClassVar[str] = "output"
    label: str
    text: str


@dataclass(frozen=True)
class Html:
    """Markup that is safe as it is, for what no other part can show."""

    kind: ClassVar[str] = "html"
    markup: Markup


@dataclass(frozen=True)
class Folded:
    """Parts that are shown on demand; ``summary`` is what can be clicked."""

    kind: ClassVar[str] = "folded"
    summary: str
    parts: Sequence[Part]


Part = Charts | Numbers | Text | Heading | Facts | Output | Html | Folded


@dataclass(frozen=True)
class Section:
    """One part of the report.

    key       unique in the report: the anchor
    short     what the bar at the top calls it; empty keeps it out of the bar
    sentence  what the results say, in one or two sentences; it stands below the heading
    framed    False: without heading and frame, for the first screen
    """

    key: str
    heading: str
    sentence: str = ""
    parts: Sequence[Part] = field(default_factory=tuple)
    short: str = ""
    framed: bool = True

    def charts(self) -> list[Chart]:
        """Every chart, for the files beside the page."""
        return [chart for part in _flat(self.parts) if isinstance(part, Charts) for chart in part.charts]


class Builder(Protocol):
    """What makes a section. ``after``, where it is there: the key of the section that it should follow."""

    def build(self, contest: Contest) -> Section | None:
        """The section of one data set's results; None where they have nothing for it."""
        ...


def _flat(parts: Sequence[Part]) -> list[Any]:
    return [inner for part in parts for inner in ([part, *_flat(part.parts)] if isinstance(part, Folded) else [part])]
