"""What did not finish, with reasons and last words."""

from __future__ import annotations

from ...conditions import written
from ...families import tone_of
from ...results.schema import Record
from ..analysis.contest import Contest
from ..numbers import listed, named, short
from ..tables import Column, Table, Value, number, text
from .parts import Folded, Numbers, Output, Section

MOST = 5  # names in the sentence
LONGEST = 200  # characters of a reason in it


class Undone:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where everything finished."""
        if not contest.undone:
            return None
        said = [
            _last_words(contest.called[record.method], record)
            for record in contest.undone
            if record.log or record.traceback
        ]
        names = list(dict.fromkeys(named(contest.called[record.method]) for record in contest.undone))
        who = listed(names) if len(names) <= MOST else f"{', '.join(names[:MOST])} and {len(names) - MOST} more"
        sentence = f"{who}: not counted anywhere above."
        if len(contest.undone) == 1 and contest.undone[0].reason:
            (record,) = contest.undone
            reason = short(record.reason or "", LONGEST).removesuffix(".")
            sentence = f"{who}, {record.status}: {reason}. It is not counted anywhere above."
        return Section(
            "undone",
            "What did not finish",
            sentence,
            [Numbers(undone(contest)), *said],
            "Unfinished",
            lead=0,
            more="Each with its reason and what it last said",
        )


def _last_words(name: str, record: Record) -> Folded:
    output = Output(f"Last output of {name}", "\n".join([*record.log, record.traceback or ""]))
    return Folded(f"{name}, seed {record.seed}: what it last said", [output])


def undone(contest: Contest) -> Table:
    """Cells, and probes' questions, that did not finish, with their reasons."""
    some = any(record.condition or record.probe for record in contest.undone)
    columns = [
        Column("contender"),
        Column("seed", True),
        *([Column("under")] if some else []),
        Column("status"),
        Column("reason"),
    ]
    rows = [
        [
            Value(contest.called[record.method], record.method, tone_of(record.family)),
            number(str(record.seed), record.seed),
            *([text(", ".join(filter(None, [written(record.condition), record.probe or ""])))] if some else []),
            text(record.status),
            text(record.reason or "–"),
        ]
        for record in contest.undone
    ]
    return Table("undone", "Cells that did not finish", columns, rows)
