"""What a fitted contender says of itself is recorded as it can be stored, and never costs it its result."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from topfive.benchmark.results.schema import Record
from topfive.benchmark.running.engine import _no_gpu, _told


def test_numbers_that_no_file_can_hold_are_left_out() -> None:
    method = SimpleNamespace(
        timings_={"svm": np.float32(1.5), "lost": float("nan"), "never": float("inf")},
        cached_timings_={"svm": 0.5},
        cached_cpu_seconds_=float("nan"),
        n_parameters_=float("inf"),
        flops_per_image_=np.float64("nan"),
        energy_joules_=np.float32(7.0),
        history_=[{"loss": np.float64("inf"), "epoch": np.int64(3), "rates": (0.5, 0.25)}],
        budget_={"pixels": np.int64(64), "views": 2},
        converged_={"converged": np.bool_(False), "why": "still falling"},
    )
    told = _told(method)
    assert told == {
        "timings": {"svm": 1.5},
        "cached_timings": {"svm": 0.5},
        "cached_cpu_seconds": None,
        "history": [{"loss": None, "epoch": 3, "rates": [0.5, 0.25]}],
        "budget": {"pixels": 64, "views": 2},
        "converged": False,
        "convergence": "still falling",
        "costs": {"n_parameters": None, "flops_per_image": None, "energy_joules": 7.0},
    }
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_one_that_says_nothing() -> None:
    told = _told(SimpleNamespace())
    assert (told["timings"], told["history"], told["budget"], told["converged"]) == ({}, [], {}, None)


def test_a_gpu_that_a_parameter_names_and_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    there = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: True))
    absent = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False))
    monkeypatch.setitem(sys.modules, "torch", absent)
    assert _no_gpu("cuda:1") == "device=cuda:1: torch finds no GPU here that it can use"
    assert _no_gpu("cpu") == _no_gpu("") == ""
    monkeypatch.setitem(sys.modules, "torch", there)
    assert _no_gpu("cuda") == ""


@pytest.mark.parametrize(
    ("status", "traceback", "settled"),
    [
        ("done", None, True), ("skipped", None, True), ("unavailable", None, True),
        ("unavailable", "Traceback: ImportError", False), ("failed", "Traceback", False), ("timeout", None, False),
    ],
)  # fmt: skip
def test_what_a_machine_lacks_is_nobodys_fault_but_a_failed_import_is(
    status: Any, traceback: str | None, settled: bool
) -> None:
    assert Record(cell="x", dataset="d", method="m", status=status, traceback=traceback).settled is settled
