"""The probe that times a fitted contender."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from topfive.benchmark.probes import throughput
from topfive.benchmark.probes.throughput import KEYS, Throughput
from topfive.common import energy
from topfive.common.energy import Reading

from .conftest import Sequence


class Timed:
    def __init__(self) -> None:
        self.asked: list[int] = []

    def scores(self, images: Any) -> np.ndarray[Any, Any]:
        self.asked.append(len(images))
        return np.zeros((len(images), 2))

    def hook(self, name: str) -> Any:
        return getattr(self, name, None)

    def work(self, images: Any) -> Mapping[str, Any]:
        return {"precision": "float32", "threads": 2, "peak_flops": 1e9, "counter": "GPU-1", "unknown": 3}


class Silent:
    def scores(self, images: Any) -> np.ndarray[Any, Any]:
        return np.zeros((len(images), 2))


def asked(contender: Any, images: Any, repeats: int) -> dict[str, Any]:
    """The one row that the probe answers."""
    (row,) = Throughput(repeats=repeats).ask(contender, images, np.zeros(4, np.int64))["throughput"].to_pylist()
    return dict(row)


def test_warm_rounds_are_timed_and_the_median_counts(sequence: Sequence, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 5.0, 10.0, 11.0, 20.0, 22.0])  # rounds of 5, 1 and 2 seconds
    monkeypatch.setattr(throughput.time, "perf_counter", lambda: next(clock))
    readings = iter([{"GPU-1": Reading(10, 1e9), "cpu:0": Reading(0, 1e9)}, {"GPU-1": Reading(16, 1e9)}])
    monkeypatch.setattr(throughput.energy, "read", lambda: next(readings))
    contender = Timed()
    row = asked(contender, sequence, repeats=3)
    assert contender.asked == [4, 4, 4, 4]  # the first to warm up
    assert (row["images"], row["predict_seconds"], row["predict_joules"]) == (4, 2.0, 2.0)
    assert (row["threads"], row["peak_flops"], row["train_flops"]) == (2, 1e9, None)
    assert set(row) == {"images", "predict_seconds", "predict_joules", *KEYS}


def test_rounds_go_on_until_a_counter_of_energy_can_tell(sequence: Sequence, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(np.arange(0, 3, 0.25).tolist())  # rounds of a quarter of a second
    monkeypatch.setattr(throughput.time, "perf_counter", lambda: next(clock))
    readings = iter([{"GPU-1": Reading(10, 1e9)}, {"GPU-1": Reading(18, 1e9)}])
    monkeypatch.setattr(throughput.energy, "read", lambda: next(readings))
    contender = Timed()
    row = asked(contender, sequence, repeats=2)
    assert len(contender.asked) == 1 + 4
    assert row["predict_joules"] == 2.0


def test_a_counter_that_stood_still_tells_nothing() -> None:
    still = {"GPU-1": Reading(10, 1e9)}
    assert energy.spent(still, still, "GPU-1") is None
    assert energy.spent({"GPU-1": Reading(9, 12)}, {"GPU-1": Reading(1, 12)}, "GPU-1") == 4


def test_a_contender_that_says_nothing_is_timed_too(sequence: Sequence) -> None:
    row = asked(Silent(), sequence, repeats=1)
    assert row["predict_seconds"] > 0
    assert row["precision"] is None
