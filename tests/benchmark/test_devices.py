"""Which cell of a run computes on which device."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from topfive.benchmark.running import runner
from topfive.benchmark.running.isolation import Outcome

from tests.benchmark.conftest import records
from tests.benchmark.test_runner import start


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose driver tells of two GPUs."""
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho NVIDIA One\necho NVIDIA Two\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("here", "two_gpus")
@pytest.mark.parametrize(
    ("jobs", "inherited", "given"),
    [(1, None, {None}), (1, "5", {None}), (2, None, {"0", "1"}), (2, "3,7", {"3", "7"}), (2, "3", {None})],
)
def test_cells_that_run_together_are_given_a_gpu_each(
    tmp_path: Path,
    contenders: str,
    monkeypatch: pytest.MonkeyPatch,
    jobs: int,
    inherited: str | None,
    given: set[str | None],
) -> None:
    if inherited is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", inherited)
    gpus: list[str | None] = []

    def note(cell: Any, scratch: Path, *, gpu: str | None, **_: Any) -> Outcome:
        gpus.append(gpu)
        return Outcome({"status": "skipped", "reason": "only asked where it would run"})

    monkeypatch.setattr(runner, "run_isolated", note)
    methods = ["mean-color", "mean-color[shift=1.0]"]
    assert start(tmp_path / "run", contenders, methods, jobs=jobs, device="auto") == 0
    assert len(gpus) == 2
    assert set(gpus) == given


@pytest.mark.usefixtures("unreported", "two_gpus")
def test_a_cell_sees_the_gpu_that_it_is_given(tmp_path: Path, contenders: str) -> None:
    out = tmp_path / "run"
    assert start(out, contenders, ["says-gpu", "says-gpu[shift=1.0]"], jobs=2, device="auto") == 0
    said = [line for record in records(out).values() for line in record.log if line.startswith("sees")]
    assert sorted(said) == ["sees 0", "sees 1"]


@pytest.mark.usefixtures("here")
def test_several_devices_go_to_those_that_can_use_them(
    tmp_path: Path, contenders: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start(tmp_path / "run", contenders, ["says-device", "says-devices"], device="cpu,cpu") == 0
    assert capsys.readouterr().out.splitlines() == ["given cpu", "given cpu,cpu"]


@pytest.mark.usefixtures("unreported")
def test_a_network_trains_on_several_devices(tmp_path: Path, contenders: str) -> None:
    out = tmp_path / "run"
    assert start(out, contenders, ["lenet-1998[epochs=2]"], device="cpu,cpu") == 0
    (record,) = records(out).values()
    assert len(record.history) == 2


@pytest.mark.usefixtures("here")
def test_a_gpu_that_is_not_there_is_one_line(tmp_path: Path, contenders: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    out = tmp_path / "run"
    assert start(out, contenders, ["hog", "hog[device=cpu]"], device="cuda") == 1
    hog, other = records(out)["hog"], records(out)["hog[device=cpu]"]
    assert (hog.status, other.status) == ("failed", "done")
    assert "--device cuda: torch finds no GPU that it can use; take --device cpu, or auto" in str(hog.reason)
