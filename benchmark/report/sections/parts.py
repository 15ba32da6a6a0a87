"""What a section of the report consists of: a heading, a sentence that leads, and parts that the page lays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from markupsafe import Markup

from ..analysis.contest import Contest
from ..charts.figure import Chart, Figure
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
    lead      how many parts stay in sight, the rest being folded; None: the first figure (see ``lead_parts``)
    more      what the folded rest is called; empty: its tables and charts are listed
    """

    key: str
    heading: str
    sentence: str = ""
    parts: Sequence[Part] = field(default_factory=tuple)
    short: str = ""
    framed: bool = True
    lead: int | None = None
    more: str = ""

    @property
    def lead_parts(self) -> list[Part]:
        """What stays in sight: the first figure, of small ones the first two; of a section of texts alone all."""
        return self._split()[0]

    @property
    def rest(self) -> list[Part]:
        """What is folded."""
        return self._split()[1]

    @property
    def contents(self) -> str:
        """What the rest holds, in a line."""
        if self.more:
            return self.more
        inner = _flat(self.rest)
        charts = sum(len(part.charts) for part in inner if isinstance(part, Charts))
        said = [part.table.caption for part in inner if isinstance(part, Numbers)]
        said = [*said[:3], "…"] if len(said) > 3 else said
        said += [f"{charts} more chart{'' if charts == 1 else 's'}"] if charts else []
        return "; ".join(said) or "How this was measured"

    def _split(self) -> tuple[list[Part], list[Part]]:
        parts = list(self.parts)
        if self.lead is not None:
            return parts[: self.lead], parts[self.lead :]
        if all(isinstance(part, Text | Output) for part in parts):
            return parts, []
        figures = [i for kind in (Charts, Html) for i, part in enumerate(parts) if isinstance(part, kind)]
        if not figures:
            return [], parts
        first = parts[figures[0]]
        before, after = parts[: figures[0]], parts[figures[0] + 1 :]
        if not isinstance(first, Charts):
            return [first], [*before, *after]
        beside = 2 if isinstance(first.charts[0], Figure) and first.charts[0].small else 1
        others = first.charts[beside:]
        more = [Charts(others, first.families)] if others else []
        return [Charts(first.charts[:beside], first.families, first.heading)], [*before, *more, *after]

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
