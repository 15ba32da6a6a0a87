"""What a run's folder holds, read back: cells, data sets, manifest; predictions and thumbnails only when asked for."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..errors import InputError
from ..specs import slug

SCHEMA = 1


@dataclass(frozen=True)
class Dataset:
    """A data set as a run describes it; ``key`` tells apart data sets that share a name but not their images."""

    name: str
    title: str
    description: str
    layout: str
    n_train: int
    n_val: int
    n_classes: int
    classes: list[str]
    class_names: list[str]
    fingerprint: str | None
    limited: bool
    image_size: tuple[int, int] | None
    problems: list[Mapping[str, Any]]
    notes: list[str]
    branches: list[str] | None  # one of a WordNet branch for each class, where the run knows them

    @property
    def key(self) -> tuple[str, str | None, bool]:
        return self.name, self.fingerprint, self.limited


@dataclass(frozen=True)
class Predictions:
    """One cell's answers on n images: (n,) arrays, ``first`` the best guess and ``confidence`` its score."""

    ids: pa.Array
    label: NDArray[np.int32]
    above: NDArray[np.int32]
    tied: NDArray[np.int32]
    first: NDArray[np.int32]
    confidence: NDArray[np.float32]


@dataclass(frozen=True)
class Cell:
    """One data set x method x seed: the record of results.json, and where its files lie."""

    run: Path
    record: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.record["cell"])

    @property
    def method(self) -> str:
        return str(self.record["method"])

    @property
    def family(self) -> str:
        return str(self.record.get("family") or "other")

    @property
    def status(self) -> str:
        return str(self.record["status"])

    @property
    def seed(self) -> int:
        return int(self.record.get("seed") or 0)

    @property
    def probabilities(self) -> bool:
        return bool(self.record.get("probabilities"))

    @property
    def history(self) -> list[Mapping[str, Any]]:
        return list(self.record.get("history") or [])

    def number(self, name: str) -> float | None:
        """A numeric field; None where it is missing or not finite."""
        value = self.record.get(name)
        if value is None or isinstance(value, str | bool) or not math.isfinite(value):
            return None
        return float(value)

    @property
    def predictions_path(self) -> Path | None:
        """The stored predictions; None where the cell has none or the file is gone."""
        name = self.record.get("predictions")
        path = self.run / name if name else None
        return path if path is not None and path.is_file() else None

    def predictions(self, path: Path) -> Predictions:
        table = pq.read_table(path)
        guesses, scores = table["top_classes"].combine_chunks(), table["top_scores"].combine_chunks()
        return Predictions(
            ids=table["image_id"].combine_chunks().cast(pa.string()),
            label=table["label"].to_numpy(),
            above=table["above"].to_numpy(),
            tied=table["tied"].to_numpy(),
            first=pc.list_element(guesses, 0).to_numpy(zero_copy_only=False).astype(np.int32),
            confidence=pc.list_element(scores, 0).to_numpy(zero_copy_only=False).astype(np.float32),
        )

    def guesses(self, path: Path, rows: NDArray[np.int64], k: int = 5) -> NDArray[np.int32]:
        """(len(rows), k) best classes of some images, -1 where fewer were stored."""
        guesses = pq.read_table(path, columns=["top_classes"])["top_classes"].combine_chunks().take(pa.array(rows))
        return np.array([(row + [-1] * k)[:k] for row in guesses.to_pylist()], dtype=np.int32).reshape(-1, k)


@dataclass(frozen=True)
class Run:
    """A run's folder."""

    path: Path
    datasets: Mapping[str, Dataset]
    cells: list[Cell]
    manifest: Mapping[str, Any]
    version: str

    def thumbnails(self, dataset: str) -> dict[str, bytes]:
        """image_id → JPEG bytes; empty where the run saved none."""
        path = self.path / "thumbnails" / f"{slug(dataset)}.parquet"
        if not path.is_file():
            return {}
        table = pq.read_table(path, columns=["image_id", "jpeg"])
        return dict(zip(table["image_id"].to_pylist(), table["jpeg"].to_pylist(), strict=True))


def read_run(path: Path) -> Run:
    """Read a run's folder. Raises InputError where it is not one."""
    try:
        results = json.loads((path / "results.json").read_text(encoding="utf-8"))
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} is not a run's folder: it has no {Path(str(error.filename)).name}") from error
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: its results cannot be read: {error}") from error
    version = results.get("schema_version")
    if version != SCHEMA:
        raise InputError(f"{path}: results of schema version {version}; this topfive reads version {SCHEMA}")
    return Run(
        path=path,
        datasets={name: _dataset(name, record) for name, record in results["datasets"].items()},
        cells=[Cell(path, record) for record in results["cells"]],
        manifest=manifest,
        version=str(results.get("topfive_version", "unknown")),
    )


def _dataset(name: str, record: Mapping[str, Any]) -> Dataset:
    size = record.get("image_size")
    classes = [str(c) for c in record["classes"]]
    return Dataset(
        name=name,
        title=str(record.get("title") or name),
        description=str(record.get("description") or ""),
        layout=str(record.get("layout") or ""),
        n_train=int(record["n_train"]),
        n_val=int(record["n_val"]),
        n_classes=int(record["n_classes"]),
        classes=classes,
        class_names=[str(c) for c in record.get("class_names") or classes],
        fingerprint=record.get("fingerprint"),
        limited=bool(record.get("limited")),
        image_size=(int(size[0]), int(size[1])) if size else None,
        problems=list(record.get("problems") or []),
        notes=[str(note) for note in record.get("notes") or []],
        branches=[str(b or "") for b in record["branches"]] if record.get("branches") else None,
    )
