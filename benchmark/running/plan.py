"""What a run consists of: the data sets it opens, and its cells with a key for all that their results depend on."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from topfive.common.machine import cores

from .. import specs
from ..config import RunConfig
from ..contenders.discovery import Entry
from ..data import Dataset, open_dataset
from ..errors import InputError
from ..results.record import Results
from ..specs import Spec, slug

Opened = dict[str, tuple[Dataset, dict[str, Any]]]  # by the name its results go by; the arguments open it again


@dataclass(frozen=True)
class Cell:
    """One data set × contender × seed. ``key`` changes with anything the result depends on; ``id`` names its files."""

    dataset: str
    data_args: dict[str, Any]
    spec: Spec
    entry: Entry
    seed: int
    per_class: int | None
    key: str

    @property
    def id(self) -> str:
        some = "" if self.per_class is None else f".n{self.per_class}"
        return f"{slug(self.dataset)}.{slug(str(self.spec))}{some}.s{self.seed}"

    @property
    def name(self) -> str:
        some = "" if self.per_class is None else f" · {self.per_class} per class"
        return f"{self.dataset} · {self.spec}{some}" + (f" · seed {self.seed}" if self.seed else "")


def open_all(config: RunConfig) -> Opened:
    """Every data set by the name its results go by, with the arguments that open it again in a cell's process."""
    datasets: Opened = {}
    for spec in distinct(config.data):
        args: dict[str, Any] = {"name": spec.name, "seed": config.seed[0], "limit": config.limit, **spec.params}
        dataset = open_dataset(**args, n_jobs=cores())
        if Path(spec.name).exists():
            args["name"] = str(Path(spec.name).resolve())
        name = str(Spec(dataset.name, spec.params))
        if name in datasets:
            raise InputError(f"two data sets are called {name!r}; rename one of the folders")
        datasets[name] = dataset, args
    return datasets


def plan(config: RunConfig, datasets: Opened, contenders: list[tuple[Spec, Entry]]) -> Iterator[Cell]:
    """The cells, in the order they run. Raises InputError where a data set has too few images for ``--per-class``."""
    versions = {entry.target: entry.code_version() for _, entry in contenders}
    for name, (dataset, args) in datasets.items():
        largest = int(np.bincount(dataset.train.labels).max())
        sizes: list[int | None] = [*dict.fromkeys(config.per_class)] or [None]
        for size in sizes:
            if size is not None and size > largest:
                raise InputError(f"--per-class {size}: no class of {name} has more than {largest} training images")
        for size, seed, (spec, entry) in itertools.product(sizes, dict.fromkeys(config.seed), contenders):
            parts = (dataset.fingerprint, str(spec), entry.target, versions[entry.target], seed, config.device, size)
            key = hashlib.blake2b(repr((*parts, config.limit)).encode(), digest_size=10).hexdigest()
            yield Cell(name, args, spec, entry, seed, size, key)


def is_finished(results: Results, cell: Cell, folder: Path) -> bool:
    record = results.cells.get(cell.id)
    if record is None or record["key"] != cell.key or record["status"] not in ("done", "skipped"):
        return False
    return record["predictions"] is None or (folder / record["predictions"]).is_file()


def distinct(texts: list[str]) -> list[Spec]:
    return list({str(spec): spec for spec in map(specs.parse, texts)}.values())
