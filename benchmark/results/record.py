"""A run's results: one record per cell, never dropped, in ``results.json`` and, flat, in ``results.csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from topfive.common.files import write_atomic

from ..errors import InputError
from .folder import RESULTS, read_json, write_json

SCHEMA_VERSION = 1
STATUSES = ("done", "failed", "timeout", "oom", "skipped", "unavailable", "interrupted")

METRICS = (
    *("n", "n_classes", "top1_err", "top1_err_low", "top1_err_high", "top5_err", "top5_err_low", "top5_err_high"),
    *("top1_expected_err", "top5_expected_err", "chance_top1", "chance_top5", "hierarchical_err", "tied_images"),
)
COSTS = (
    *("fit_seconds", "predict_seconds", "cpu_seconds", "images_per_second", "peak_rss_bytes", "peak_gpu_bytes"),
    *("energy_joules", "device", "n_parameters", "flops_per_image"),
    *("fit_cpu_seconds", "predict_cpu_seconds", "fit_peak_rss_bytes", "predict_peak_rss_bytes"),
)
COLUMNS = (
    *("dataset", "method", "family", "seed", "status", *METRICS, "n_train", "n_train_per_class", "per_class", *COSTS),
    *("limited", "reason", "cell", "key"),
)


@dataclass
class Results:
    """``datasets`` by name, ``cells`` by id and ``summaries`` over seeds, as they stand in ``results.json``."""

    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    cells: dict[str, dict[str, Any]] = field(default_factory=dict)
    summaries: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def load(cls, folder: Path) -> Results:
        """An earlier run's results; empty where there are none. Raises InputError for another schema."""
        path = folder / RESULTS
        if not path.is_file():
            return cls()
        stored = read_json(path)
        found = stored.get("schema_version") if isinstance(stored, Mapping) else None
        if found != SCHEMA_VERSION:
            raise InputError(f"{path} has schema version {found}, this topfive reads {SCHEMA_VERSION}; use another -o")
        return cls(stored["datasets"], {cell["cell"]: cell for cell in stored["cells"]})

    def put(self, record: Mapping[str, Any]) -> None:
        """Add or replace the record of one cell; what it does not say is null."""
        blank = dict.fromkeys((*COLUMNS, "traceback", "predictions")) | {"params": {}, "log": [], "timings": {}}
        self.cells[record["cell"]] = blank | {"history": [], "probabilities": False} | dict(record)

    def save(self, folder: Path) -> None:
        """Write ``results.json`` and ``results.csv``, each whole or not at all."""
        write_json(
            folder / RESULTS,
            {
                "schema_version": SCHEMA_VERSION,
                "topfive_version": version("topfive"),
                "datasets": self.datasets,
                "cells": list(self.cells.values()),
                "summaries": self.summaries,
            },
        )
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.cells.values())
        write_atomic(folder / "results.csv", text.getvalue().encode())
