"""Data sets of other packages: found by entry point, opened like any other."""

from __future__ import annotations

import importlib.metadata
import sys
import types

import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.photos import open_photos
from topfive.benchmark.errors import InputError


@pytest.fixture
def offer(monkeypatch):
    def make(**openers):
        module = types.ModuleType("datasets_of_a_test")
        points = []
        for name, opener in openers.items():
            setattr(module, name, opener)
            value = f"datasets_of_a_test:{name}"
            points.append(importlib.metadata.EntryPoint(name, value, "topfive.datasets"))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        found = importlib.metadata.EntryPoints(points)
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda **wanted: found.select(**wanted))

    return make


def test_a_plugin_is_opened_with_its_parameters(offer):
    def few(*, seed, limit, n_jobs, size=4):
        return open_photos(seed=seed, limit=limit, n_jobs=n_jobs, per_class=size)

    offer(few=few)
    assert len(open_dataset("few", seed=3).train) == 80
    assert len(open_dataset("few", size=8, limit=40).train) == 40
    with pytest.raises(InputError, match="did you mean 'size'"):
        open_dataset("few", sise=8)
    with pytest.raises(InputError, match="known: photos, few"):
        open_dataset("nowhere")


def test_a_plugin_that_fails_is_one_line(offer):
    offer(wrong=lambda **_: None)
    with pytest.raises(InputError, match="answered NoneType, not a Dataset"):
        open_dataset("wrong")
