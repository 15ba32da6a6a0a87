"""The contenders as the harness meets them: fit, score, clone, cache, and nothing that depends on batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import topfive.baselines.classifier as classifier_module
import topfive.baselines.encoder as encoder_module
import torch
from sklearn.base import clone
from topfive.baselines.chance import Chance
from topfive.baselines.coates import CoatesNg
from topfive.baselines.encoder import Channel, Encoder, extract
from topfive.baselines.floors import PixelsSvm, RandomForest
from topfive.baselines.grid import Grid
from topfive.baselines.parts import Bovw, Fisher, Llc, SuperVector, Vlad
from topfive.baselines.presets import BestOf2012, IsiTwelve, NecUiuc, OxfordVgg, SiftBovw, SiftFisher, Xrce
from topfive.baselines.whole import ColorHistogram, Hog
from topfive.benchmark.data.images import Images

CLASSES = 3


def stripes(n: int, seed: int, side: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """(n, side, side, 3) uint8: noisy coloured stripes whose direction and tint tell the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    y, x = np.mgrid[:side, :side]
    out = np.empty((n, side, side, 3), dtype=np.uint8)
    for i, label in enumerate(labels):
        angle = np.pi * label / CLASSES
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 0.8 + rng.uniform(0, 6))
        tint = np.roll([1.0, 0.6, 0.4], label)
        out[i] = np.clip(128 + 80 * wave[..., None] * tint + rng.normal(0, 15, (side, side, 3)), 0, 255)
    return out, labels * 7


class Fingerprinted(Images):
    fingerprint: str | None = "stripes"


@pytest.fixture(scope="module")
def train() -> tuple[Images, np.ndarray]:
    pixels, labels = stripes(48, 0)
    return Images.from_array(pixels), labels


@pytest.mark.parametrize(
    "contender",
    [
        ColorHistogram(),
        Hog(),
        SiftFisher(),
        OxfordVgg(k=8, mirrored=True),
        Xrce(k=4),
        IsiTwelve(),
        NecUiuc(),
        Fisher(k=4, descriptor="sift+csift+hog+lbp", pyramid="1x1+2x2"),
        Bovw(k=32),
        Vlad(k=8),
        Llc(k=32),
        SuperVector(k=8, step=4),
        BestOf2012(k=8),
        CoatesNg(k=16),
        PixelsSvm(),
        RandomForest(),
    ],
    ids=lambda contender: type(contender).__name__,
)
def test_contender_learns_stripes(contender: Any, train: tuple[Images, np.ndarray]) -> None:
    images, labels = train
    unseen, truth = stripes(15, 1)
    model = clone(contender).fit(images, labels)
    scores = model.decision_function(Images.from_array(unseen))
    assert scores.shape == (15, CLASSES)
    assert np.isfinite(scores).all()
    # Stripes of random phase are hard for raw pixels: those only have to beat chance, a third.
    least = 0.4 if model.family == "floor" else 0.6
    assert (model.classes_[scores.argmax(1)] == truth).mean() > least
    assert model.classes_.tolist() == [0, 7, 14]
    assert sum(model.timings_.values()) > 0
    assert type(contender).family in {"hand-engineered", "learned, shallow", "floor"}
    assert clone(model).get_params() == contender.get_params()


@pytest.mark.parametrize(
    "contender",
    [
        BestOf2012(k=4),
        IsiTwelve(),
        NecUiuc(k=16),
        SiftBovw(k=16),
        Vlad(k=4),
        Llc(k=16),
        SuperVector(k=4, descriptor="hog+lbp"),
        CoatesNg(k=16),
        ColorHistogram(),
        Hog(),
    ],
    ids=lambda contender: type(contender).__name__,
)
def test_gpu_agrees(contender: Any, gpu: str) -> None:
    pixels, labels = stripes(24, 0)
    images, unseen = Images.from_array(pixels), Images.from_array(stripes(9, 1)[0])
    here, there = (
        clone(contender).set_params(device=device).fit(images, labels).decision_function(unseen)
        for device in ("cpu", gpu)
    )
    assert np.corrcoef(here.ravel(), there.ravel())[0, 1] > 0.98


def test_chance_draws_by_frequency_and_ignores_batches() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3000, 2, 2, 3), dtype=np.uint8)
    labels = np.repeat([1, 5, 9], [2000, 700, 300])
    model = Chance().fit(Images.from_array(pixels), labels)
    scores = model.decision_function(Images.from_array(pixels))
    drawn = np.bincount(scores.argmax(1), minlength=3) / 3000
    np.testing.assert_allclose(drawn, [2 / 3, 0.7 / 3, 0.1], atol=0.03)
    np.testing.assert_array_equal(model.decision_function(Images.from_array(pixels[::-1]))[::-1], scores)
    other = Chance(random_state=1).fit(Images.from_array(pixels), labels)
    assert (other.decision_function(Images.from_array(pixels)) != scores).all()
    assert len(np.unique(scores)) == scores.size


def test_images_of_many_shapes_are_encoded_in_place() -> None:
    rng = np.random.default_rng(0)
    shapes = [(40, 60), (64, 64), (40, 60), (9, 30), (1, 50), (64, 64)]
    images = [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]
    source = Images(lambda i: images[i], len(images))
    encoder = Encoder([Channel("sift", "fisher", 2), Channel("lcs", "bovw", 4)], Grid((2.0,), 4.0)).fit(source)
    together = encoder.encode(images).numpy()
    alone = np.concatenate([encoder.encode([image]).numpy() for image in images])
    np.testing.assert_allclose(together, alone, atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-3)


def test_mirrored_rows_are_those_of_the_mirror_image() -> None:
    pixels, _ = stripes(5, 2)
    source = Images.from_array(pixels)
    encoder = Encoder([Channel("sift", "fisher", 2)], Grid((2.0,), 4.0)).fit(source)
    out = np.empty((10, encoder.dim_), dtype=np.float16)
    extract(encoder.encode, source, np.arange(5)[::-1], out, device="cpu", mirrored=True)
    flipped = encoder.encode([image[:, ::-1] for image in pixels]).numpy()
    np.testing.assert_allclose(out[5:][::-1], flipped, atol=2e-3)


def test_stages_are_cached_and_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, labels = stripes(24, 3)
    images = Fingerprinted(lambda i: pixels[i], 24, fingerprint="stripes")
    first = Fisher(k=4, cache_dir=str(tmp_path)).fit(images, labels)
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert [name.split("-")[0] for name in kept] == ["codebook", "features"]

    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr(encoder_module.Encoder, "fit", forbidden)
    monkeypatch.setattr(encoder_module.Encoder, "_encode_alike", forbidden)
    second = Fisher(k=4, cache_dir=str(tmp_path)).fit(images, labels)
    np.testing.assert_array_equal(first.models_[0].coef_, second.models_[0].coef_)
    with pytest.raises(AssertionError, match="made again"):
        Fisher(k=5, cache_dir=str(tmp_path)).fit(images, labels)
    monkeypatch.setattr(classifier_module, "product_dtype", lambda device: torch.float64)  # as on another machine
    with pytest.raises(AssertionError, match="made again"):
        Fisher(k=4, cache_dir=str(tmp_path)).fit(images, labels)
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


def test_bad_parts_are_one_clear_error(train: tuple[Images, np.ndarray]) -> None:
    images, labels = train
    with pytest.raises(ValueError, match="unknown descriptor 'surf'"):
        Fisher(descriptor="sift+surf").fit(images, labels)
    with pytest.raises(ValueError, match="at least 1"):
        Fisher(k=0).fit(images, labels)
    with pytest.raises(ValueError, match="rows x columns"):
        Fisher(pyramid="three").fit(images, labels)
