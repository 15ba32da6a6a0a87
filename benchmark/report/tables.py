"""Tables as the page shows them: what is read, what it sorts by, and what a CSV export holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SHOWN = 10  # rows; style.css says it again


@dataclass(frozen=True)
class Value:
    """A table cell: its text, the value to sort and export where that differs, and a tone for a family's mark.

    A value that is a longer text, such as all names of a class, is also what the pointer is told.
    """

    text: str
    raw: float | str | None = None
    tone: str = ""

    @property
    def solid(self) -> bool:
        """One word longer than any column: shown cut, whole on hover and to a screen reader."""
        return any(len(word) > 60 for word in self.text.split())

    @property
    def help(self) -> str:
        """What the pointer is told: the whole of a text that is shown shortened."""
        return self.raw if isinstance(self.raw, str) and self.raw != self.text else ""

    @property
    def sort(self) -> str:
        """Empty sorts last whichever way the column is turned."""
        if self.raw is None:
            return "" if self.text in ("–", "") else self.text
        if isinstance(self.raw, float):
            return "" if math.isnan(self.raw) else f"{self.raw:.6g}"
        return str(self.raw)


class Named(Protocol):
    """A contender, as far as a table names it."""

    name: str
    title: str

    @property
    def tone(self) -> str: ...


def who(contender: Named) -> Value:
    """A contender's title, with its family's mark; its specification under the pointer and in files."""
    return Value(contender.title, contender.name, contender.tone)


@dataclass(frozen=True)
class Column:
    """``numeric`` columns are aligned right and sort as numbers, ``slim`` ones hold a word, ``wide`` ones sentences.

    help: the heading's, under the pointer. extra: shown when all columns are asked for; files have it always.
    """

    name: str
    numeric: bool = False
    help: str = ""
    slim: bool = False
    wide: bool = False
    extra: bool = False


@dataclass(frozen=True)
class Table:
    """``key`` is unique on the page and names the exported file."""

    key: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]

    @property
    def long(self) -> bool:
        """Long tables get a filter."""
        return len(self.rows) > 8

    @property
    def cut(self) -> bool:
        """Whether only its first ``SHOWN`` rows are in sight until all are asked for."""
        return len(self.rows) > SHOWN + 2

    @property
    def extras(self) -> bool:
        """Whether some columns wait until they are asked for."""
        return any(column.extra for column in self.columns)


def text(value: object, tone: str = "") -> Value:
    """A cell that sorts by what it shows."""
    return Value(str(value), None, tone)


def number(shown: str, raw: float | None) -> Value:
    """A cell that shows ``shown`` and sorts by ``raw``; missing values sort last."""
    return Value(shown, math.nan if raw is None else float(raw))


def without_empty(table: Table) -> Table:
    """A column in which nobody has a value says nothing."""
    keep = [j for j in range(len(table.columns)) if any(row[j].text != "–" for row in table.rows)]
    return Table(
        table.key, table.caption, [table.columns[j] for j in keep], [[row[j] for j in keep] for row in table.rows]
    )
