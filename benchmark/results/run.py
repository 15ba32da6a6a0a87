"""A run's results on the disk: the one writer and the one reader of ``results.*`` and ``manifest.json``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError
from topfive.common.files import write_atomic

from .. import conditions
from ..errors import InputError
from ..scoring.metrics import columns as metric_columns
from ..scoring.predictions import read_predictions
from ..scoring.ranking import Ranking
from . import upgrade
from .folder import MANIFEST, RESULTS
from .schema import SCHEMA_VERSION, Costs, DatasetRecord, Manifest, Record, Results
from .thumbnails import read_thumbnails

_M = TypeVar("_M", bound=BaseModel)


@dataclass
class Run:
    """A run's folder: data sets by name, records by what they are of; predictions and pictures when asked for."""

    path: Path
    datasets: dict[str, DatasetRecord] = field(default_factory=dict)
    manifest: Manifest = field(default_factory=Manifest)
    version: str = field(default_factory=lambda: version("topfive"))
    _records: dict[tuple[object, ...], Record] = field(default_factory=dict)

    @property
    def records(self) -> list[Record]:
        """In the order in which they came; a later one took the place of an earlier one of the same."""
        return list(self._records.values())

    def put(self, record: Record) -> None:
        """Add a record, or replace the one of the same cell and condition."""
        self._records[record.identity] = record

    def forget_answers(self, cell: str, probes: Collection[str] | None = None) -> None:
        """Drop what was answered to these probes, or to any, in a cell that is run again."""
        for identity, record in list(self._records.items()):
            if record.cell == cell and record.probe is not None and (probes is None or record.probe in probes):
                del self._records[identity]

    def plain(self, cell: str) -> Record | None:
        """The record of a cell without any probe's condition."""
        return next((r for r in self._records.values() if r.cell == cell and r.probe is None), None)

    def predictions_path(self, record: Record) -> Path | None:
        """The stored answers; None where there are none or the file is gone."""
        path = self.path / record.predictions if record.predictions else None
        return path if path is not None and path.is_file() else None

    def predictions(self, record: Record) -> tuple[pa.Array, Ranking] | None:
        """(image ids, ranking) of a record; None as above."""
        path = self.predictions_path(record)
        return None if path is None else read_predictions(path)

    def table(self, record: Record, name: str) -> pa.Table | None:
        """A table that a probe answered; None where there is none."""
        path = self.path / record.tables[name] if name in record.tables else None
        return pq.read_table(path) if path is not None and path.is_file() else None

    def thumbnails(self, dataset: str) -> dict[str, bytes]:
        """image_id → JPEG bytes; empty where the run saved none."""
        return read_thumbnails(self.path, dataset)

    def save(self) -> None:
        """Write ``results.json`` and ``results.csv``, each whole or not at all."""
        results = Results(topfive_version=version("topfive"), datasets=self.datasets, records=self.records)
        write_model(self.path / RESULTS, results)
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(row, self.records))
        write_atomic(self.path / "results.csv", text.getvalue().encode())

    def save_manifest(self) -> None:
        """Write ``manifest.json``."""
        write_model(self.path / MANIFEST, self.manifest)


COLUMNS = (
    *("dataset", "method", "family", "seed", "condition", "probe", "status"),
    *metric_columns(),
    *("n_train", "n_train_per_class", *Costs.model_fields, "device"),
    *("limited", "reason", "commit", "uncommitted", "finished", "cell", "key"),
)


def row(record: Record) -> dict[str, Any]:
    """A record flat, as a row of ``results.csv``: ``COLUMNS``."""
    environment = record.environment
    made = {} if environment is None else {"commit": environment.commit, "uncommitted": environment.uncommitted}
    flat = record.model_dump() | record.metrics | record.costs.model_dump() | made
    return {name: flat.get(name) for name in COLUMNS} | {"condition": conditions.to_json(record.condition)}


def open_run(path: Path) -> Run:
    """A run's folder that is to be read. Raises InputError where it is not one."""
    if not (path / RESULTS).is_file():
        raise InputError(f"{path} is not the folder of a run: it holds no {RESULTS}")
    return load_run(path)


def load_run(path: Path) -> Run:
    """An earlier run's results; empty where the folder holds none. Raises InputError for what cannot be read."""
    told = _json(path / MANIFEST) if (path / MANIFEST).is_file() else {}
    old = "environment" not in told
    manifest = _model(Manifest, upgrade.manifest(told) if told and old else told, path / MANIFEST)
    if not (path / RESULTS).is_file():
        return Run(path, manifest=manifest)
    stored = _json(path / RESULTS)
    found = stored.get("schema_version")
    if found == 1:
        stored = upgrade.results(stored, told)
    elif found != SCHEMA_VERSION:
        raise InputError(
            f"{path / RESULTS} has schema version {found}, this topfive reads up to {SCHEMA_VERSION}; use another -o"
        )
    results = _model(Results, stored, path / RESULTS)
    run = Run(path, dict(results.datasets), manifest, results.topfive_version)
    for record in results.records:
        run.put(record)
    return run


def write_model(path: Path, model: BaseModel) -> None:
    """As JSON, whole or not at all; what stands at its default is left out."""
    write_json(path, model.model_dump(mode="json", exclude_defaults=True) | _version(model))


def write_json(path: Path, value: Any) -> None:
    """Whole or not at all."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomic(path, text.encode("utf-8", "backslashreplace"))  # a path that is no UTF-8 stays one, escaped


def _version(model: BaseModel) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION} if isinstance(model, Results) else {}


def _json(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not readable: {error}; move it away, or choose another folder") from None
    if not isinstance(value, Mapping):
        raise InputError(f"{path} is not readable: it holds no object; move it away, or choose another folder")
    return value


def _model(kind: type[_M], value: Mapping[str, Any], path: Path) -> _M:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{path} is not readable: {where}: {first['msg']}; move it away, or choose another folder"
        ) from None
