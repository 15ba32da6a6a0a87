"""Frozen networks with a linear SVM: what they see of an image, what they say is missing, and what is kept."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import topfive.baselines.pretrained as pretrained
import torch
from numpy.typing import NDArray
from topfive.baselines.frozen import OnnxNetwork, TimmNetwork
from topfive.baselines.pretrained import Onnx, Timm
from topfive.benchmark.data.images import LazyImages
from torch import nn

from .made_onnx import UINT8, convolution

needs_onnxruntime = pytest.mark.skipif(pretrained.find_spec("onnxruntime") is None, reason="onnxruntime is missing")

FILTERS = np.random.default_rng(0).normal(size=(6, 3, 4, 4)).astype(np.float32)
HEAD = np.random.default_rng(1).normal(size=(6, 5)).astype(np.float32)
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def made(file: Path, **how: Any) -> Path:
    return convolution(file, FILTERS, HEAD, **how)


def pictures(n: int = 40, side: int = 16) -> tuple[LazyImages, NDArray[np.int64]]:
    """Reddish and bluish noise."""
    labels = np.arange(n, dtype=np.int64) % 2
    pixels = np.random.default_rng(3).integers(0, 120, (n, side, side, 3))
    pixels[np.arange(n), :, :, np.where(labels == 0, 0, 2)] += 100
    array = pixels.astype(np.uint8)
    return LazyImages(lambda i: array[i], n, fingerprint=f"pictures-{n}-{side}"), labels


def batch(n: int = 3, side: int = 16) -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (n, side, side, 3)).astype(np.uint8)


def by_hand(floats: NDArray[Any]) -> NDArray[np.float32]:
    """(n, H, W, 3) → (n, 6): the made network's features."""
    maps = nn.functional.conv2d(
        torch.from_numpy(floats.transpose(0, 3, 1, 2).astype(np.float32)), torch.from_numpy(FILTERS), stride=4
    )
    return np.asarray(maps.mean((2, 3)).numpy())


@needs_onnxruntime
@pytest.mark.parametrize("output", ["features", "pooled", "maps"])
def test_any_value_inside_a_file_can_be_the_features(tmp_path: Path, output: str) -> None:
    network = OnnxNetwork(str(made(tmp_path / "net.onnx")), output, 16)
    assert (network.side, network.dim) == (16, 6)
    np.testing.assert_allclose(network(batch()), by_hand((batch() / 255 - MEAN) / STD), atol=1e-4)


@needs_onnxruntime
@pytest.mark.parametrize(
    ("pixels", "expected"),
    [("half", batch() / 127.5 - 1), ("unit", batch() / 255), ("bytes", batch().astype(np.float64))],
)
def test_pixels_are_scaled_as_the_network_wants_them(tmp_path: Path, pixels: str, expected: NDArray[Any]) -> None:
    network = OnnxNetwork(str(made(tmp_path / "net.onnx")), "", 16, pixels)
    np.testing.assert_allclose(network(batch()), by_hand(expected) @ HEAD, rtol=1e-3, atol=1e-3)


@needs_onnxruntime
def test_the_file_decides_where_it_says_how_images_come(tmp_path: Path) -> None:
    expected = by_hand((batch(5) / 255 - MEAN) / STD) @ HEAD
    two = OnnxNetwork(str(made(tmp_path / "two.onnx", shape=(2, 3, 16, 16))))  # two at a time, the last one padded
    np.testing.assert_allclose(two(batch(5)), expected, atol=1e-4)
    last = OnnxNetwork(str(made(tmp_path / "last.onnx", shape=("n", 16, 16, 3))))
    np.testing.assert_allclose(last(batch(5)), expected, atol=1e-4)
    assert two.side == last.side == 16
    bytes_ = OnnxNetwork(str(made(tmp_path / "bytes.onnx", kind=UINT8)), side=16)
    np.testing.assert_allclose(bytes_(batch(5)), by_hand(batch(5)) @ HEAD, rtol=1e-4)
    assert OnnxNetwork(str(made(tmp_path / "open.onnx"))).side == 224
    with pytest.raises(ValueError, match="takes images of 16 × 16 pixels, not squares of 32"):
        OnnxNetwork(str(tmp_path / "two.onnx"), side=32)
    with pytest.raises(ValueError, match="the file has no value 'nothing' to be the features"):
        OnnxNetwork(str(tmp_path / "open.onnx"), "nothing")
    with pytest.raises(ValueError, match="where one input of"):
        OnnxNetwork(str(made(tmp_path / "odd.onnx", shape=("n", 16, 16, 4))))


@needs_onnxruntime
def test_a_network_can_be_sent_to_another_process(tmp_path: Path) -> None:
    network = OnnxNetwork(str(made(tmp_path / "net.onnx")), "features", 16)
    again = pickle.loads(pickle.dumps(network))
    (tmp_path / "net.onnx").unlink()
    np.testing.assert_array_equal(again(batch()), network(batch()))


@needs_onnxruntime
def test_an_onnx_file_and_the_svm_learn_what_the_features_tell(tmp_path: Path) -> None:
    images, labels = pictures()
    contender = Onnx(model=str(made(tmp_path / "net.onnx")), output="features", side=16, n_jobs=1)
    assert contender.missing() is None
    fitted = contender.fit(images, labels)
    unseen, truth = pictures(60)
    assert (fitted.predict(unseen) == truth).mean() > 0.95
    assert fitted.decision_function(unseen).shape == (60, 2)
    assert fitted.budget_["side"] == 16
    assert fitted.n_parameters_ == 6 * 2 + 2  # what was learned here: the network's own weights were not
    assert fitted.family == "pre-trained"


@needs_onnxruntime
def test_features_are_kept_for_the_same_weights_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = pictures()
    file, cache = made(tmp_path / "net.onnx"), str(tmp_path / "cache")
    first = Onnx(model=str(file), side=16, n_jobs=1, cache_dir=cache).fit(images, labels)
    assert first.cached_timings_ == {}
    again = Onnx(model=str(file), side=16, n_jobs=1, cache_dir=cache).fit(images, labels)
    assert again.cached_timings_["features"] > 0
    np.testing.assert_array_equal(again.svm_.coef_, first.svm_.coef_)
    convolution(file, 2 * FILTERS[::-1], HEAD)
    other = Onnx(model=str(file), side=16, n_jobs=1, cache_dir=cache).fit(images, labels)
    assert other.cached_timings_ == {}
    assert not np.array_equal(other.svm_.coef_, first.svm_.coef_)


def test_what_is_missing_is_said_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"onnxruntime", "timm"}
    monkeypatch.setattr(pretrained, "import_module", lambda name: None)
    monkeypatch.setattr(pretrained, "find_spec", lambda name: name if name in there else None)
    assert Onnx().missing() == "no network was given: onnx[model=FILE.onnx]"
    assert Onnx(model=str(tmp_path / "none.onnx")).missing() == f"there is no file {tmp_path / 'none.onnx'}"
    lacks = str(Timm(weights="w.safetensors").missing())
    assert lacks.startswith(
        "w.safetensors is not on this machine: give weights=FILE, or fetch them once with python -c"
    )

    def breaks(name: str) -> None:
        raise RuntimeError("operator torchvision::nms does not exist\nmore")

    monkeypatch.setattr(pretrained, "import_module", breaks)
    assert Timm().missing() == (
        "timm cannot be imported (RuntimeError: operator torchvision::nms does not exist): its torchvision must fit "
        "this torch"
    )
    there.clear()
    assert Onnx(model="x.onnx").missing() == "onnxruntime is not installed: pip install 'topfive[pretrained]'"
    assert str(Timm().missing()).startswith("timm is not installed: pip install timm")
    with pytest.raises(FileNotFoundError, match="timm is not installed"):
        Timm().fit(*pictures())


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As much of timm as is asked for, with a network whose weights come from a file; that file."""

    def create_model(name: str, *, pretrained: bool, num_classes: int, pretrained_cfg_overlay: Any) -> nn.Module:
        assert (name, pretrained, num_classes) == ("tiny", True, 0)
        network = nn.Sequential(nn.Conv2d(3, 6, 4, 4, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        network.load_state_dict(torch.load(pretrained_cfg_overlay["file"], weights_only=True))
        network.pretrained_cfg = {"input_size": (3, 16, 16), "mean": MEAN.tolist(), "std": STD.tolist()}
        return network

    monkeypatch.setitem(sys.modules, "timm", SimpleNamespace(create_model=create_model))  # type: ignore[arg-type]
    monkeypatch.setattr(pretrained, "find_spec", lambda name: name)
    torch.save({"0.weight": torch.from_numpy(FILTERS)}, tmp_path / "tiny.pt")
    return tmp_path / "tiny.pt"


def test_a_network_of_timm_sees_pixels_as_it_says(timm: Path) -> None:
    network = TimmNetwork("tiny", str(timm), "cpu")
    assert (network.side, network.dim) == (16, 6)
    np.testing.assert_allclose(network(batch()), by_hand((batch() / 255 - MEAN) / STD), atol=1e-4)


def test_a_network_of_timm_and_the_svm_learn(timm: Path) -> None:
    images, labels = pictures()
    contender = Timm(model="tiny", weights=str(timm), n_jobs=1)
    assert contender.missing() is None
    fitted = contender.fit(images, labels)
    unseen, truth = pictures(60)
    assert (fitted.predict(unseen) == truth).mean() > 0.95
