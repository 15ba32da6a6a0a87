"""What is recorded of a run, as types: the one schema of ``results.json`` and ``manifest.json``.

A *record* is what one contender answered: its cell (data set × contender × seed × training condition), the condition,
what became of it, its metrics and costs, and where it was made. Fractions, seconds, bytes and joules throughout.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .. import conditions
from ..conditions import Scalar

SCHEMA_VERSION = 2

Status = Literal["done", "failed", "timeout", "oom", "skipped", "unavailable", "interrupted"]
Confidence = Literal["probability", "log-probability"]  # what a contender's scores are, where they are either
Number = int | float
ASKED_ABOUT = "asked"  # the table that says which images a probe's own tables count, by their places: id, label, box


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Environment(_Model):
    """The code, the versions and the machine of a result. ``uncommitted``: the commit alone does not tell the code."""

    commit: str | None = None
    uncommitted: bool | None = None
    topfive: str | None = None
    python: str = ""
    platform: str = ""
    packages: dict[str, str] = {}
    cpu: str = ""
    cores: int | None = None
    memory_bytes: int | None = None
    gpus: list[str] = []


class Costs(_Model):
    """What fitting and predicting took. None: not known.

    fit_seconds       what the whole fit costs, stages that came from the cache included
    cached_seconds    the part of it that came from the cache, so was not spent in this run
    peak_*_bytes      of fitting and of predicting, the larger; mapped files do not count
    """

    fit_seconds: float | None = None
    cached_seconds: float | None = None
    predict_seconds: float | None = None
    cpu_seconds: float | None = None
    images_per_second: float | None = None
    peak_rss_bytes: int | None = None
    peak_gpu_bytes: int | None = None
    energy_joules: float | None = None
    n_parameters: int | None = None
    flops_per_image: float | None = None
    fit_cpu_seconds: float | None = None
    predict_cpu_seconds: float | None = None
    fit_peak_rss_bytes: int | None = None
    predict_peak_rss_bytes: int | None = None


class Record(_Model):
    """See the module.

    cell         names the files of the cell; key: changes with anything the result depends on
    probe        the probe that asked, None for the plain result; ``condition`` then holds its axes too
    metrics      by the names in ``scoring.metrics.METRICS``
    device       what the work was done on, resolved: "cpu", a GPU's name
    budget       what the contender was given, in its own words: pixels, epochs, test views, …
    converged    whether it had stopped improving, and the sentence that says why; None where it does not say
    predictions  the file of its answers, and ``tables`` those of a probe's own answers, below the run's folder
    probes       in a plain record: the probes that were asked in its cell, each with a key like ``key``
    finished     when, ISO 8601, UTC
    """

    cell: str
    key: str | None = None
    dataset: str
    method: str
    params: dict[str, Any] = {}
    family: str = "other"
    seed: int = 0
    condition: dict[str, Scalar] = {}
    probe: str | None = None
    status: Status
    reason: str | None = None
    traceback: str | None = None
    log: list[str] = []
    metrics: dict[str, Number | None] = {}
    n_train: int | None = None
    n_train_per_class: float | None = None
    costs: Costs = Costs()
    timings: dict[str, float] = {}
    history: list[dict[str, Any]] = []
    budget: dict[str, Any] = {}
    converged: bool | None = None
    convergence: str | None = None
    confidence: Confidence | None = None
    predictions: str | None = None
    tables: dict[str, str] = {}
    probes: dict[str, str] = {}
    device: str | None = None
    limited: bool = False
    finished: str | None = None
    environment: Environment | None = None

    @property
    def identity(self) -> tuple[object, ...]:
        """What a later record with the same replaces."""
        return self.dataset, self.method, self.seed, tuple(self.condition.items()), self.probe

    @property
    def under(self) -> str:
        """What tells it from the plain result, to be put behind a name: ", fog, asked by corruptions"; or nothing."""
        some = conditions.written(self.condition)
        return (f", {some}" if some else "") + ("" if self.probe is None else f", asked by {self.probe}")

    @property
    def settled(self) -> bool:
        """Done, or not for anybody's fault: the contender skips the images, or said what this machine lacks for it.

        One that cannot be imported is unavailable too, but has a traceback.
        """
        return self.status in ("done", "skipped") or (self.status == "unavailable" and not self.traceback)

    def number(self, name: str) -> float | None:
        """A metric, a cost or a number of training images by its name; None where it is missing or not finite."""
        if name in self.metrics:
            value = self.metrics[name]
        else:
            value = getattr(self.costs, name, None) if name in Costs.model_fields else getattr(self, name, None)
        good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return float(value) if good else None  # type: ignore[arg-type]


class ProblemRecord(_Model):
    """An image that was left out for every contender."""

    split: str
    id: str
    reason: str


class DatasetRecord(_Model):
    """A data set as a run saw it; the report knows no more of it. ``branches``: of WordNet, one for each class."""

    name: str
    title: str
    description: str = ""
    layout: str = ""
    n_train: int
    n_val: int
    n_classes: int
    classes: list[str]
    class_names: list[str]
    branches: list[str] | None = None
    fingerprint: str | None = None
    image_size: tuple[int, int] | None = None
    limited: bool = False
    problems: list[ProblemRecord] = []
    notes: list[str] = []


class Results(_Model):
    """``results.json``."""

    schema_version: Literal[2] = 2
    topfive_version: str
    datasets: dict[str, DatasetRecord] = {}
    records: list[Record] = []


class Manifest(_Model):
    """``manifest.json``: how the newest invocation on this folder was called, and where it ran."""

    command: list[str] = []
    config: dict[str, Any] = {}
    started: str | None = None
    finished: str | None = None
    environment: Environment = Field(default_factory=Environment)
