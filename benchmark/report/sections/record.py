"""The record: ImageNet's entries of 2010–2015, quoted, with the best of each family measured here beside them."""

from __future__ import annotations

from ...families import tone_of
from ..analysis.contest import Contest
from ..charts import record
from ..history import CAVEATS, HUMAN_NOTE, RECORD
from ..tables import Column, Table, Value, number, text
from .parts import Charts, Folded, Numbers, Part, Section, Text


class TheRecord:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where nothing finished."""
        if not contest.ranked:
            return None
        figure = record.figure(contest)
        measured = any(not series.hollow for series in figure.series)
        families = [q.family for q in RECORD] + [c.family for c in contest.ranked if measured]
        beside = (
            "Filled marks are measured: the best contender of each family in this report."
            if measured
            else f"With {contest.dataset.n_classes} classes nobody can miss with five guesses, so no result of this "
            "report stands beside them."
        )
        shown = [family for family in families if tone_of(family) in figure.tones]
        parts: list[Part] = [
            Charts([figure], shown),
            Text([*CAVEATS, HUMAN_NOTE], "small"),
            Folded("Sources of the quoted results", [Numbers(sources())]),
        ]
        heading = "The record" + (", and your results beside it" if measured else "")
        sentence = f"Hollow marks are quoted: published results on ImageNet. {beside}"
        return Section("history", heading, sentence, parts, "Record")


def sources() -> Table:
    """The historical record, quoted."""
    columns = [
        Column("year", True),
        Column("entry"),
        Column("top-5 error", True),
        Column("top-1 error", True),
        Column("on"),
        Column("what it was"),
        Column("quoted from"),
    ]
    rows = [
        [
            number(str(q.year), q.year),
            Value(q.entry, tone=tone_of(q.family)),
            number(f"{q.top5:g} %", q.top5 / 100),
            number("–" if q.top1 is None else f"{q.top1:g} %", None if q.top1 is None else q.top1 / 100),
            text(q.data),
            text(q.note),
            text(q.source),
        ]
        for q in RECORD
    ]
    return Table("record", "The record of 2010–2015, quoted", columns, rows)
