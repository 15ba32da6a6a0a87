"""Memory within a container's limits, read from files as the kernel writes them."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from topfive.common import machine

GB = 2**30


def limited(folder: Path, limit: str, used: int, cached: int, version: int = 2) -> None:
    names = ("memory.max", "memory.current", "memory.stat")
    if version == 1:
        names = tuple(f"memory/{name}" for name in ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"))
    stat = f"anon 5\n{'total_' * (version == 1)}inactive_file {cached}\n"
    for name, text in zip(names, (limit, str(used), stat), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize("version", [1, 2])
def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    limited(tmp_path, str(GB), used=GB // 2, cached=GB // 4, version=version)
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    assert machine.total_memory() == GB
    assert machine.available_memory() == GB - GB // 2 + GB // 4


@pytest.mark.parametrize("limit", ["max", str(2**63 - 4096)])
def test_without_a_limit_the_machines_memory_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    limited(tmp_path, limit, used=GB, cached=0)
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    assert machine.total_memory() == psutil.virtual_memory().total


def test_the_smallest_limit_above_the_process_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(tmp_path, str(4 * GB), used=0, cached=0)
    limited(tmp_path / "own", str(GB), used=0, cached=0)
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.setattr(machine, "_groups", lambda: [tmp_path, tmp_path / "own"])
    assert machine.total_memory() == GB
