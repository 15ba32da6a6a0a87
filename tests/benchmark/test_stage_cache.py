from __future__ import annotations

import os
from pathlib import Path

import pytest
from topfive.benchmark.data.storage.cache import folder
from topfive.benchmark.errors import InputError
from topfive.benchmark.running import stage_cache


def fill() -> list[Path]:
    with stage_cache.stages(fresh=False) as stages:
        pass
    paths = [stages / f"features-{i}.npy" for i in range(4)]
    for age, path in enumerate(paths):
        path.write_bytes(bytes(1000))
        os.utime(path, (1e9 + age, 1e9 + age))
    folder("indexes").joinpath("one.json").write_bytes(bytes(10))
    return paths


def test_the_oldest_stages_go_first_and_indexes_stay() -> None:
    paths = fill()
    os.utime(paths[0], (2e9, 1e9))  # read lately
    assert stage_cache.prune(2500) == 2000
    assert [path.exists() for path in paths] == [True, False, False, True]
    assert {kind.name: kind.size for kind in stage_cache.kinds()} == {"indexes": 10, "stages": 2000}
    assert stage_cache.prune(2500) == 0


def test_what_killed_runs_left_goes() -> None:
    fill()
    stages = folder("stages")
    old, new, left = stages / "features-x.part", stages / "features-y.part", folder("fresh-0") / "features-z.npy"
    for path in (old, new, left):
        path.write_bytes(bytes(1000))
    os.utime(old, (1e9, 1e9))
    os.utime(left, (0.5e9, 0.5e9))
    assert stage_cache.prune(6000) == 0
    assert not old.exists()
    assert new.exists()
    assert stage_cache.prune(5000) == 1000
    assert not left.exists()


def test_a_fresh_start_has_an_empty_folder_that_does_not_stay() -> None:
    fill()
    with stage_cache.stages(fresh=True) as one, stage_cache.stages(fresh=True) as other:
        assert one != other
        assert not list(one.iterdir())
        (one / "features.npy").write_bytes(bytes(10))
    assert not one.exists()
    with stage_cache.stages(fresh=False) as kept:
        assert len(list(kept.iterdir())) == 4


def test_clearing_empties_it() -> None:
    fill()
    assert stage_cache.clear() == 4010
    assert stage_cache.kinds() == []
    assert stage_cache.clear() == 0


def test_the_bound_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < stage_cache.limit() <= 50e9
    monkeypatch.setenv("TOPFIVE_CACHE_GB", "1.5")
    assert stage_cache.limit() == 1_500_000_000
    monkeypatch.setenv("TOPFIVE_CACHE_GB", "much")
    with pytest.raises(InputError, match="give a number"):
        stage_cache.limit()
