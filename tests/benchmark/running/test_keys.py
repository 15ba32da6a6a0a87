"""A cell is run again when anything changes that its result depends on, and only then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from topfive.benchmark.config import RunConfig, load
from topfive.benchmark.contenders.discovery import PROBE, discover, resolve
from topfive.benchmark.results import environment
from topfive.benchmark.running import plan, stage_cache
from topfive.benchmark.running.plan import Opened, open_all

from tests.benchmark.conftest import PLUGINS

DATA = "photos[per_class=2]"


@pytest.fixture(scope="module")
def opened() -> Opened:
    return open_all(load(None, {"data": [DATA]}))


def keys(opened: Opened, plugin: Path = PLUGINS / "contenders.py", **flags: Any) -> dict[str, str]:
    """Of every cell by its id; and of its probes."""
    base: dict[str, Any] = {"data": [DATA], "method": ["mean-color"], "plugin": [str(plugin), *PROBES]}
    config: RunConfig = load(None, base | flags)
    contenders = [(spec, resolve(spec, discover(config.plugin))) for spec in plan.distinct(config.method)]
    probes = [(spec, resolve(spec, discover(config.plugin, PROBE), PROBE)) for spec in plan.distinct(config.probe)]
    found = {}
    for cell in plan.plan(config, opened, contenders, probes):
        found[cell.id] = cell.key
        found |= {f"{cell.id}?{one.spec}": one.key for one in cell.probes}
    return found


PROBES = [str(PLUGINS / "probes.py")]


def key(opened: Opened, **flags: Any) -> str:
    (only,) = keys(opened, **flags).values()
    return only


def gpus(monkeypatch: pytest.MonkeyPatch, *names: str, visible: str | None = None) -> None:
    monkeypatch.setattr(environment, "gpus", lambda: list(names))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)


def test_the_device_that_auto_means_is_part_of_it(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch)
    without = key(opened, device="auto")
    assert key(opened, device="cpu") == without
    gpus(monkeypatch, "NVIDIA One")
    one = key(opened, device="auto")
    assert one != without
    assert key(opened, device="cpu") == without
    gpus(monkeypatch, "NVIDIA One", "NVIDIA One")
    assert key(opened, device="auto") == one  # one more of the same kind changes nothing
    gpus(monkeypatch, "NVIDIA One", visible="")
    assert key(opened, device="auto") == without
    gpus(monkeypatch, "NVIDIA Two")
    other = key(opened, device="auto")
    assert other not in (one, without)
    gpus(monkeypatch, "NVIDIA One", "NVIDIA Two", visible="1")
    assert key(opened, device="auto") == other
    gpus(monkeypatch, "NVIDIA One", "NVIDIA Two")
    assert key(opened, device="cuda:0") != key(opened, device="cuda:1")


def test_so_are_the_loader_and_the_libraries_that_compute(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [key(opened)]
    assert key(opened) == seen[0]
    with monkeypatch.context() as patch:
        patch.setattr(plan, "loader_version", lambda: "another decoder")
        seen.append(key(opened))
    for name in environment.COMPUTING:
        with monkeypatch.context() as patch:
            another_version(patch, name)
            seen.append(key(opened))
    with monkeypatch.context() as patch:
        another_version(patch, "matplotlib")
        assert key(opened) == seen[0]
    assert len(environment.COMPUTING) >= 7
    assert len(set(seen)) == 2 + len(environment.COMPUTING)


def another_version(patch: pytest.MonkeyPatch, changed: str) -> None:
    known = environment.metadata.version
    patch.setattr(environment.metadata, "version", lambda name: "99.9" if name == changed else known(name))


def test_so_are_seed_training_and_parameters(opened: Opened) -> None:
    every = keys(opened, seed=[0, 1], per_class=[1, 2], method=["mean-color", "mean-color[shift=1.5]", "reversed"])
    assert len(set(every.values())) == len(every) == 2 * 2 * 3
    assert key(opened) not in every.values()


def test_so_is_the_code_even_when_it_changes_in_one_process(opened: Opened, tmp_path: Path) -> None:
    source = (PLUGINS / "contenders.py").read_text(encoding="utf-8")
    mine = tmp_path / "mine.py"
    mine.write_text(source)
    before = key(opened, plugin=mine)
    assert key(opened, plugin=mine) == before
    mine.write_text(source + "\n\nclass Another(MeanColor):\n    pass\n")
    assert key(opened, plugin=mine) != before
    assert "another" in discover([str(mine)])  # and what was added can be named


def test_a_probe_has_a_key_of_its_own_and_changes_nobodys(opened: Opened, tmp_path: Path) -> None:
    cell = next(iter(keys(opened)))
    plain = keys(opened)[cell]
    found = keys(opened, probe=["darker", "darker[images=20]", "margins"])
    assert found.pop(cell) == plain
    assert len(set(found.values())) == 3


def test_stages_of_other_libraries_or_another_loader_are_not_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def folder() -> Path:
        with stage_cache.stages(fresh=False) as path:
            return path

    seen = [folder()]
    assert folder() == seen[0]
    with monkeypatch.context() as patch:
        patch.setattr(stage_cache, "loader_version", lambda: "another decoder")
        seen.append(folder())
    for name in environment.COMPUTING:
        with monkeypatch.context() as patch:
            another_version(patch, name)
            seen.append(folder())
    assert len(set(seen)) == 2 + len(environment.COMPUTING)
    assert all(path.parent.name == "stages" for path in seen)


def test_a_file_that_a_parameter_names_is_part_of_it(opened: Opened, tmp_path: Path) -> None:
    weights = tmp_path / "weights.onnx"
    method = [f"onnx[model={weights}]"]
    absent = key(opened, method=method)
    weights.write_bytes(b"one")
    first = key(opened, method=method)
    assert key(opened, method=method) == first
    weights.write_bytes(b"another")
    assert len({absent, first, key(opened, method=method)}) == 3
