"""Operations, bytes and energy, against what can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from topfive.common import energy, work


def test_a_matrix_product_is_counted() -> None:
    a, b = torch.zeros(8, 16), torch.zeros(16, 4)
    assert work.count(lambda: a @ b) == (2 * 8 * 16 * 4, 4 * (8 * 16 + 16 * 4 + 8 * 4))
    assert work.count(lambda: torch.zeros(8, 4).addmm_(a, b))[0] == 2 * 8 * 16 * 4  # in place too
    assert work.count(lambda: a.view(16, 8).t()) == (0, 0)  # nothing is moved
    row = torch.zeros(16)
    assert work.count(lambda: a + row.expand(8, 16))[1] == 4 * (2 * 8 * 16 + 16)  # what is broadcast is read once


def test_what_a_batch_moves_once_is_told_from_what_each_image_moves() -> None:
    layer = torch.nn.Linear(32, 8, bias=False)
    with torch.inference_mode():
        found = work.work_of(lambda n: layer(torch.zeros(n, 32).contiguous()))
    assert found.flops == 2 * 32 * 8
    assert found.fixed_bytes == 4 * 32 * 8
    assert found.bytes == 4 * (32 + 32 + 8)  # zeros are written, read, and make 8 scores
    assert found.bytes_in(4) == found.bytes + 32 * 8


def test_peaks_are_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "SIDE", {"cpu": 64})
    monkeypatch.setattr(work, "COPIED", {"cpu": 2**16})
    clock = iter(range(100))
    monkeypatch.setattr(work.time, "perf_counter", lambda: float(next(clock)))
    assert work.peaks("cpu", torch.float32, 1) == (2 * 64**3, 2 * 2**16)


def zone(folder: Path, name: str, of: str, microjoules: int) -> None:
    (folder / name).mkdir(exist_ok=True)
    for file, text in (("name", of), ("energy_uj", str(microjoules)), ("max_energy_range_uj", "100000000")):
        (folder / name / file).write_text(text + "\n")


def test_packages_are_read_and_may_begin_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "_gpus", dict)
    assert energy.read(tmp_path) == {}
    assert energy.spent({}, {}, "cpu:") is None
    zone(tmp_path, "intel-rapl:0", "package-0", 2_000_000)
    zone(tmp_path, "intel-rapl:0:0", "core", 1_000_000)  # part of the package
    zone(tmp_path, "intel-rapl:1", "package-1", 99_000_000)
    before = energy.read(tmp_path)
    assert sorted(before) == ["cpu:0", "cpu:1"]
    zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    zone(tmp_path, "intel-rapl:1", "package-1", 1_000_000)
    after = energy.read(tmp_path)
    assert energy.spent(before, after, "cpu:") == pytest.approx(3 + 2)
    assert energy.spent(before, after, "GPU-1") is None
