"""Probes that read what other contenders answered: they are asked in a second round, when all cells have been asked."""

from __future__ import annotations

from dataclasses import replace

from ..results.run import Run
from .plan import Cell


def rounds(pending: list[Cell]) -> tuple[list[Cell], list[Cell]]:
    """The cells as they ask alone, and then those with probes that read what the others answered."""
    alone = [replace(cell, probes=tuple(one for one in cell.probes if one.reads is None)) for cell in pending]
    reading = [replace(cell, probes=tuple(one for one in cell.probes if one.reads is not None)) for cell in pending]
    return alone, [cell for cell in reading if cell.probes]


def can_follow(run: Run, cell: Cell) -> bool:
    """Whether the cell has what its probes read: always, but for those that read others' answers."""
    plain = run.plain(cell.id)
    return not any(one.reads for one in cell.probes) or (plain is not None and plain.status == "done")


def read_by(run: Run, cell: Cell, reads: str | None) -> dict[str, dict[str, str]]:
    """contender → table → file: what a probe answered in each cell of the same data, seed and training condition."""
    found = {}
    for record in run.records:
        named = record.probe is not None and record.probe.partition("[")[0] == reads and record.status == "done"
        if named and (record.dataset, record.seed, record.condition) == (cell.dataset, cell.seed, cell.condition):
            found[record.method] = {name: str((run.path / file).absolute()) for name, file in record.tables.items()}
    return found
