"""Names of contenders where the specification alone does not tell them apart: by device, by budget, by run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ...results.run import Run
from ...results.schema import Record

MOST = 2  # things of a budget that a name lists
Teller = Callable[[Record, Run], str]


class Named(Protocol):
    """A contender of ``contest``: one specification in one set-up at one training size."""

    spec: str
    per_class: float | None
    name: str

    @property
    def record(self) -> Record: ...

    @property
    def run(self) -> Run: ...


def set_up(record: Record) -> tuple[str, str]:
    """What tells two results of one method apart though its parameters are the same: device and budget."""
    return record.device or "", repr(sorted(record.budget.items()))


def name_all(contenders: Sequence[Named], alike: float) -> None:
    """Give each its name: the specification, and what tells it apart where several have the same at about one size.

    ``alike``: the share of the larger size from which two sizes are about the same. A method has one name in a set-up
    at every size, so that its learning curve stays one line.
    """
    for spec in dict.fromkeys(contender.spec for contender in contenders):
        mine = [contender for contender in contenders if contender.spec == spec]
        tellers: list[Teller] = []
        for group in _about_one_size(mine, alike):
            tellers += [teller for teller in _tellers(group) if teller not in tellers]
        for contender in mine if tellers else []:
            words = dict.fromkeys(teller(contender.record, contender.run) for teller in tellers)
            contender.name = f"{spec} ({', '.join(words)})"


def _about_one_size(contenders: Sequence[Named], alike: float) -> list[list[Named]]:
    """Groups that would stand in a ranking side by side; one of unknown training stands with the largest size."""
    groups: list[list[Named]] = [[]]
    for contender in sorted(contenders, key=lambda c: float("inf") if c.per_class is None else c.per_class):
        size, last = contender.per_class, groups[-1][-1].per_class if groups[-1] else None
        if size is not None and last is not None and last < alike * size:
            groups.append([])
        groups[-1].append(contender)
    # The same in the same set-up at two such sizes is one that lost an image: the larger is shown.
    return [group for group in groups if len({set_up(c.record) for c in group}) > 1 or _at_one_size(group)]


def _at_one_size(group: Sequence[Named]) -> bool:
    return len({contender.per_class for contender in group}) < len(group)


def _tellers(group: Sequence[Named]) -> list[Teller]:
    """What to write of each: its device if that is enough, else what differs in the budget too, else its run."""
    records = [contender.record for contender in group]
    devices = {record.device for record in records}
    tellers: list[Teller] = [_device] if len(devices) > 1 else []
    if len(devices) < len(records):
        known = [record for record in records if record.budget]
        keys = dict.fromkeys(key for record in known for key in record.budget)
        differing = [key for key in keys if len({repr(record.budget.get(key)) for record in known}) > 1]
        if not differing and len(known) < len(records):
            differing = list(keys)
        tellers += [_Budget(key) for key in differing[:MOST]]
    return tellers or [_run]


def _device(record: Record, run: Run) -> str:
    return record.device or "device unknown"


def _run(record: Record, run: Run) -> str:
    return f"of {run.path.name}"


class _Budget:
    """One thing of a budget."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Budget) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __call__(self, record: Record, run: Run) -> str:
        if not record.budget:
            return "budget not recorded"  # as in the first schema
        return f"{self.key} {record.budget.get(self.key, 'none')}"
