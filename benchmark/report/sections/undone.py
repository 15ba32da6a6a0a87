"""What did not finish, with reasons and last words."""

from __future__ import annotations

from ...conditions import written
from ...families import tone_of
from ..analysis.contest import Contest
from ..tables import Column, Table, Value, number, text
from .parts import Folded, Numbers, Output, Section


class Undone:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where everything finished."""
        if not contest.undone:
            return None
        said = [
            Folded(
                f"{record.method}, seed {record.seed}: what it last said",
                [Output(f"Last output of {record.method}", "\n".join([*record.log, record.traceback or ""]))],
            )
            for record in contest.undone
            if record.log or record.traceback
        ]
        sentence = "Nothing of these is counted above. Each is listed with its reason."
        return Section(
            "undone", "What did not finish", sentence, [Numbers(undone(contest)), *said], "Unfinished", lead=1
        )


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
            Value(record.method, tone=tone_of(record.family)),
            number(str(record.seed), record.seed),
            *([text(", ".join(filter(None, [written(record.condition), record.probe or ""])))] if some else []),
            text(record.status),
            text(record.reason or "–"),
        ]
        for record in contest.undone
    ]
    return Table("undone", "Cells that did not finish", columns, rows)
