"""Fixtures of the harness's tests: a quiet home for caches, and the plugin files."""

from __future__ import annotations

from pathlib import Path

import pytest

PLUGINS = Path(__file__).with_name("plugins")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOPFIVE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def contenders() -> str:
    return str(PLUGINS / "contenders.py")


@pytest.fixture
def unimportable() -> str:
    return str(PLUGINS / "unimportable.py")
