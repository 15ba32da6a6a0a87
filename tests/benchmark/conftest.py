"""Fixtures of the harness's tests: a quiet home for caches, the plugin files, and quicker runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from topfive.benchmark.results.run import load_run, open_run
from topfive.benchmark.results.schema import Record

from tests.in_process import cells_here, no_report

PLUGINS = Path(__file__).with_name("plugins")


def records(folder: Path) -> dict[str, Record]:
    """The plain results in a run's folder by contender."""
    return {record.method: record for record in load_run(folder).records if record.probe is None}


def edit(folder: Path, change: Callable[[Record], Record] = lambda record: record, **described: Any) -> None:
    """Write a run's results anew: each record as ``change`` makes it, ``described`` in every data set's description."""
    run = open_run(folder)
    before = run.records
    run = type(run)(folder, {n: d.model_copy(update=described) for n, d in run.datasets.items()}, run.manifest)
    for record in before:
        run.put(change(record))
    run.save()


def add(folder: Path, *more: Record) -> None:
    """Put records beside those of a run."""
    run = open_run(folder)
    for record in more:
        run.put(record)
    run.save()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOPFIVE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def contenders() -> str:
    return str(PLUGINS / "contenders.py")


@pytest.fixture
def unimportable() -> str:
    return str(PLUGINS / "unimportable.py")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells run in the test's own process, and no page is drawn: where neither is what the test looks at."""
    cells_here(monkeypatch)
    no_report(monkeypatch)


@pytest.fixture
def unreported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells run in processes of their own, and no page is drawn."""
    no_report(monkeypatch)
