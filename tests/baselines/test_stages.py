"""What a fit keeps: files that are checked before they are used, features that take no memory, code that is named."""

from __future__ import annotations

import json
import logging
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import topfive.baselines.stages as stages_module
from hypothesis import given, settings
from hypothesis import strategies as st
from topfive.baselines import arrayfile
from topfive.baselines.arrayfile import Damaged, read_arrays, write_arrays
from topfive.baselines.parts import Fisher
from topfive.baselines.stages import Stages, read, release
from topfive.baselines.svm import LinearSVM
from topfive.benchmark.data.images import LazyImages


class Unsafe:
    """Unpickling it would raise."""

    def __reduce__(self) -> Any:
        return exec, ("raise AssertionError('a pickle was read')",)


def cut_short(data: bytes) -> bytes:
    return data[: len(data) // 2]


def cut_by_one(data: bytes) -> bytes:
    return data[:-1]


def longer(data: bytes) -> bytes:
    return data + b"\0"


def one_byte_of_the_arrays(data: bytes) -> bytes:
    return data[:-5000] + bytes([data[-5000] ^ 1]) + data[-4999:]


def one_byte_of_the_header(data: bytes) -> bytes:
    return data[:60] + bytes([data[60] ^ 1]) + data[61:]


def zeros_behind_the_prefix(data: bytes) -> bytes:
    return data[:8] + bytes(len(data) - 8)


def a_pickle(data: bytes) -> bytes:
    return pickle.dumps(Unsafe())


def nothing(data: bytes) -> bytes:
    return b""


@pytest.mark.parametrize(
    "damage",
    [
        cut_short, cut_by_one, longer, one_byte_of_the_arrays, one_byte_of_the_header, zeros_behind_the_prefix,
        a_pickle, nothing,
    ],
)  # fmt: skip
@pytest.mark.parametrize("stage", ["codebook", "features"])
def test_what_is_damaged_is_made_again(
    stage: str, damage: Callable[[bytes], bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(12) % 2
    images = LazyImages(lambda i: pixels[i], 12, fingerprint="noise")
    first = Fisher(k=2, cache_dir=str(tmp_path)).fit(images, labels)
    [path] = tmp_path.glob(f"{stage}-*")
    sound = {name: np.array(array) for name, array in read_arrays(path)[1].items()}
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING, "topfive.baselines"):
        again = Fisher(k=2, cache_dir=str(tmp_path)).fit(images, labels)
    [said] = [record.getMessage() for record in caplog.records if record.name == "topfive.baselines"]
    assert said.startswith(f"{path.name} in the cache is damaged and is made again: ")
    np.testing.assert_array_equal(first.models_[0].coef_, again.models_[0].coef_)
    made = read_arrays(path)[1]
    assert made.keys() == sound.keys()
    for name in made:
        np.testing.assert_array_equal(made[name], sound[name])
    assert len(list(tmp_path.iterdir())) == 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_byte_of_a_file_goes_unchecked(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("arrays") / "one"
    arrays = {"a": np.arange(3000, dtype=np.float32).reshape(3, -1), "empty": np.empty((0, 4)), "scalar": np.array(2.5)}
    arrays["by columns"] = np.asfortranarray(arrays["a"])
    with path.open("w+b") as file:
        write_arrays(file, {"cost": 1.5}, arrays)
    about, found = read_arrays(path)
    assert about == {"cost": 1.5}
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].strides == array.strides
        np.testing.assert_array_equal(found[name], array)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(Damaged):
        read_arrays(path)


def test_each_block_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrayfile, "BLOCK", 4096)
    path = tmp_path / "one"
    with path.open("w+b") as file:
        write_arrays(file, {}, {"a": np.arange(5000.0)})
    np.testing.assert_array_equal(read_arrays(path)[1]["a"], np.arange(5000.0))
    content = bytearray(path.read_bytes())
    body = len(content) - 40960
    content[body : body + 4096], content[body + 4096 : body + 8192] = (
        content[body + 4096 : body + 8192],
        content[body : body + 4096],
    )
    path.write_bytes(content)
    with pytest.raises(Damaged):
        read_arrays(path)


def test_stages_of_other_code_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = Stages(str(tmp_path / "cache"))
    stages.save("codebook", {"data": "a"}, {"n": 1}, {"x": np.ones(2)})
    assert stages.load("codebook", {"data": "b"}) is None
    found = stages.load("codebook", {"data": "a"})
    assert found is not None
    assert json.dumps(found[0]) == '{"n": 1}'
    changed = tmp_path / "other.py"
    changed.write_text("# another version of the code")
    monkeypatch.setattr(stages_module, "CODE", (*stages_module.CODE, changed))
    assert stages.load("codebook", {"data": "a"}) is None


def test_every_module_of_this_package_counts_as_its_code() -> None:
    package, common = stages_module.CODE
    assert (package / "presets.py").is_file()
    assert (package / "sift.py").is_file()
    assert (common / "sources.py").is_file()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the kernel of Linux what is resident")
def test_a_pass_over_features_on_disk_takes_no_memory(tmp_path: Path) -> None:
    def resident() -> int:
        return psutil.Process().memory_info().shared  # mapped files are counted here

    def fill(out: Any) -> None:
        for start in range(0, len(out), 64):
            out[start : start + 64] = np.arange(start, start + 64)[:, None] % 1000
            release(out[start : start + 64])

    before = resident()
    features, _ = Stages(str(tmp_path)).features({"data": "test"}, (4096, 8192), fill)  # 64 MiB
    assert resident() - before < 8 * 2**20
    columns = features[:, 5:4101]
    for start in range(0, 4096, 100):
        rows = read(columns, start, start + 100)
        assert rows.shape[1] == 4096
        assert (rows == np.arange(start, min(start + 100, 4096))[:, None] % 1000).all()
    assert resident() - before < 8 * 2**20
    assert read(np.eye(3), 1, 9).tolist() == [[0, 1, 0], [0, 0, 1]]  # arrays in memory stay as they are


def test_features_on_disk_give_the_same_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 600)
    half = (rng.normal(size=(4, 20))[labels] + rng.normal(size=(600, 20))).astype(np.float16)

    def fill(out: np.ndarray) -> None:
        out[:] = half

    stored, _ = Stages(str(tmp_path)).features({"data": "test"}, half.shape, fill)
    assert isinstance(stored, np.memmap)
    again, _ = Stages(str(tmp_path)).features({"data": "test"}, half.shape, lambda out: pytest.fail("made twice"))
    fits = [
        LinearSVM(solver="sgd", negative_weight=0.5, step=1.0, epochs=3).fit(x, labels) for x in (half, stored, again)
    ]
    np.testing.assert_array_equal(fits[0].coef_, fits[1].coef_)
    np.testing.assert_array_equal(fits[0].coef_, fits[2].coef_)


def test_nothing_half_made_stays(tmp_path: Path) -> None:
    stages = Stages(str(tmp_path))

    def broken(out: np.ndarray) -> None:
        raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError, match="power"):
        stages.features({"data": "a"}, (2, 2), broken)
    assert list(tmp_path.iterdir()) == []


def test_large_features_without_a_key_lie_below_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages_module, "IN_MEMORY", 0)
    folder = tmp_path / "cache"

    def fill(out: np.ndarray) -> None:
        assert [path.suffix for path in folder.iterdir()] == [".part"]
        out[:] = 1

    assert (Stages(str(folder)).features(None, (2, 3), fill)[0] == 1).all()
    assert list(folder.iterdir()) == []
