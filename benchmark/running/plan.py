"""What a run consists of: the data sets it opens, and its cells with a key for all that their results depend on."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from topfive.common.machine import cores

from .. import conditions, specs
from ..conditions import Scalar
from ..config import RunConfig
from ..contenders.discovery import Entry
from ..data import Dataset, data_spec, loader_version, located, open_dataset
from ..errors import InputError
from ..results.environment import resolved, versions
from ..results.run import Run
from ..specs import Spec, slug

Opened = dict[str, tuple[Dataset, dict[str, Any]]]  # by the name its results go by; the arguments open it again


@dataclass(frozen=True)
class Asked:
    """A probe that a run asks in every cell; ``key`` changes with its code and parameters.

    ``reads``: the probe whose answers, of all cells, it asks about; its key changes with those cells, too.
    """

    spec: Spec
    entry: Entry
    key: str
    reads: str | None = None


@dataclass(frozen=True)
class Cell:
    """One data set × contender × seed × training condition, and the probes to be asked in it.

    ``key`` changes with anything the result depends on; ``id`` names its files.
    """

    dataset: str
    data_args: dict[str, Any]
    spec: Spec
    entry: Entry
    seed: int
    condition: dict[str, Scalar]
    probes: tuple[Asked, ...]
    key: str

    @property
    def id(self) -> str:
        some = conditions.in_file_name(self.condition)
        return ".".join([slug(self.dataset), slug(str(self.spec)), *([slug(some)] if some else []), f"s{self.seed}"])

    @property
    def name(self) -> str:
        some = conditions.written(self.condition)
        parts = [self.dataset, str(self.spec), *([some] if some else []), *([f"seed {self.seed}"] if self.seed else [])]
        return " · ".join(parts)


def open_all(config: RunConfig) -> Opened:
    """Every data set by the name its results go by, with the arguments that open it again in a cell's process."""
    datasets: Opened = {}
    for spec in distinct(config.data, data_spec):
        args: dict[str, Any] = {"name": spec.name, "seed": config.seed[0], "limit": config.limit, **spec.params}
        dataset = open_dataset(**args, n_jobs=cores())
        args["name"] = located(spec.name)
        name = str(Spec(dataset.name, spec.params))
        if name in datasets:
            raise InputError(f"two data sets are called {name!r}; rename one of the folders")
        datasets[name] = dataset, args
    return datasets


def training_conditions(config: RunConfig) -> list[dict[str, Scalar]]:
    """What contenders are fitted under: the plain condition, or each size that was asked for."""
    return [{"train_per_class": size} for size in dict.fromkeys(config.per_class)] or [{}]


def plan(
    config: RunConfig, datasets: Opened, contenders: list[tuple[Spec, Entry]], probes: list[tuple[Spec, Entry]]
) -> Iterator[Cell]:
    """The cells, in the order they run. Raises InputError where a data set has too few images for ``--per-class``."""
    code = {entry.target: entry.code_version() for _, entry in [*contenders, *probes]}
    asked = tuple(Asked(spec, entry, _digest(str(spec), entry.target, code[entry.target])) for spec, entry in probes)
    made_by = (loader_version(), resolved(config.device), *versions().items())
    cells = []
    for name, (dataset, args) in datasets.items():
        largest = int(np.bincount(dataset.train.labels).max())
        for size in config.per_class:
            if size > largest:
                raise InputError(f"--per-class {size}: no class of {name} has more than {largest} training images")
        every = itertools.product(training_conditions(config), dict.fromkeys(config.seed), contenders)
        for condition, seed, (spec, entry) in every:
            made_of = (dataset.fingerprint, config.limit, str(spec), entry.target, code[entry.target], seed)
            key = _digest(*made_of, conditions.to_json(condition), *made_by, *_files(spec))
            cells.append(Cell(name, args, spec, entry, seed, condition, asked, key))
    read = tuple(_reading(one, cells) for one in asked)
    yield from (replace(cell, probes=read) for cell in cells)


def _reading(one: Asked, cells: list[Cell]) -> Asked:
    """The same probe; one that reads what others answered is asked again when those others change."""
    reads = getattr(one.entry.load(), "reads", None)
    if reads is None:
        return one
    sources = [other.key for other in cells[0].probes if other.spec.name == reads] if cells else []
    return replace(one, key=_digest(one.key, *sources, *(cell.key for cell in cells)), reads=str(reads))


def is_finished(run: Run, cell: Cell) -> bool:
    """Whether the run holds this cell's result, and the answers to all its probes."""
    record = run.plain(cell.id)
    if record is None or not has_plain_result(run, cell):
        return False
    return record.status == "skipped" or all(record.probes.get(str(one.spec)) == one.key for one in cell.probes)


def has_plain_result(run: Run, cell: Cell) -> bool:
    """Whether the run holds what this cell's contender answers without any probe, or why it skips the data."""
    record = run.plain(cell.id)
    if record is None or record.key != cell.key or record.status not in ("done", "skipped"):
        return False
    return record.predictions is None or run.predictions_path(record) is not None


def distinct(texts: list[str], parse: Callable[[str], Spec] = specs.parse) -> list[Spec]:
    """The specifications without repetitions, in order."""
    return list({str(spec): spec for spec in map(parse, texts)}.values())


def _files(spec: Spec) -> Iterator[tuple[str, int, int]]:
    """(parameter, bytes, ns of its last change) of the files that a contender's parameters name, of weights say."""
    for name, value in spec.params.items():
        if isinstance(value, str) and Path(value).is_file():
            about = Path(value).stat()
            yield name, about.st_size, about.st_mtime_ns


def _digest(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogateescape"), digest_size=10).hexdigest()
