"""The record: ImageNet's entries of 2010–2015, quoted; and what was measured here, in a panel of its own."""

from __future__ import annotations

from ...families import tone_of
from ..analysis.contest import Contest
from ..charts import record
from ..history import CAVEATS, HERE, HUMAN_NOTE, RECORD
from ..tables import Column, Table, Value, number, text
from .parts import Charts, Folded, Numbers, Part, Section, Text


class TheRecord:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where nothing finished."""
        if not contest.ranked:
            return None
        figure = record.figure()
        parts: list[Part] = [
            Charts([figure], [q.family for q in RECORD]),
            Text([*CAVEATS, HUMAN_NOTE], "small"),
            Folded("Sources of the quoted results", [Numbers(sources())]),
        ]
        mine = record.reruns(contest) or record.here(contest)
        sentence = "Published results on ImageNet, quoted, not measured."
        if mine is None:
            sentence += (
                f" With {contest.dataset.n_classes} classes nobody misses with five guesses, so nothing of this "
            )
            sentence += "report can stand beside them."
        else:
            shown = [c.family for c in contest.ranked if c.tone in mine.tones]
            parts[1:1] = [Charts([mine], shown), Text([HERE], "small")]
        return Section("history", "The record", sentence, parts, "Record")


def sources() -> Table:
    """The historical record, quoted."""
    columns = [
        Column("made in", True),
        Column("entry"),
        Column("top-5 error", True),
        Column("top-1 error", True),
        Column("on"),
        Column("learned from", extra=True),
        Column("what it was", wide=True, extra=True),
        Column("quoted from", wide=True, extra=True),
        Column("to be found at", extra=True),
    ]
    rows = [
        [
            number(str(q.year), q.year),
            Value(q.entry, tone=tone_of(q.family)),
            number(_quoted(q.top5), q.top5 / 100),
            number("–" if q.top1 is None else _quoted(q.top1), None if q.top1 is None else q.top1 / 100),
            text(q.data),
            text(q.rule),
            text(q.note),
            text(q.source),
            text(q.url),
        ]
        for q in RECORD
    ]
    return Table("record", "The record of 2010–2015, quoted", columns, rows)


def _quoted(value: float) -> str:
    """Per cent with the digits of its source, which are one or two."""
    text = f"{value:g}"
    return f"{text} %" if "." in text else f"{text}.0 %"
