"""The contenders as the harness meets them: fit, score, clone, cache, and nothing that depends on batches."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import topfive.baselines.encoder as encoder_module
import topfive.baselines.sampling as sampling_module
import torch
from sklearn.base import clone
from topfive.baselines.chance import Chance
from topfive.baselines.coates import CoatesNg
from topfive.baselines.descriptors import DESCRIPTORS, MAX_PIXELS, to_tensor
from topfive.baselines.encoder import Encoder
from topfive.baselines.extraction import extract
from topfive.baselines.floors import PixelsSvm, RandomForest
from topfive.baselines.grid import Grid, all_scales
from topfive.baselines.parts import Bovw, Fisher, Llc, SuperVector, Vlad
from topfive.baselines.presets import BestOf2012, IsiTwelve, NecUiuc, OxfordVgg, SiftBovw, SiftFisher, Xrce
from topfive.baselines.vocabulary import Channel
from topfive.baselines.whole import ColorHistogram, Hog
from topfive.benchmark.data.images import LazyImages
from topfive.common.machine import torch_threads

from ..pretended_gpu import pretended_gpu

CLASSES = 3
PENALTY = "SVM penalty on a held-out tenth"


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


class Fingerprinted(LazyImages):
    fingerprint: str | None = "stripes"


@pytest.fixture(autouse=True)
def _few_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codebooks from a twentieth of the patches: these images have few that differ."""
    monkeypatch.setattr(sampling_module, "PER_CENTRE", 20)
    monkeypatch.setattr(sampling_module, "LEAST", 2500)


@pytest.fixture(scope="module")
def train() -> tuple[LazyImages, np.ndarray]:
    pixels, labels = stripes(48, 0)
    return LazyImages.from_array(pixels), labels


@pytest.mark.parametrize(
    "contender",
    [
        ColorHistogram(),
        Hog(),
        SiftFisher(),
        OxfordVgg(k=8, mirrored=True),
        Xrce(k=4),
        IsiTwelve(),
        NecUiuc(k=64),
        Fisher(k=4, descriptor="sift+csift+hog+lbp", pyramid="1x1+2x2"),
        Bovw(k=32),
        Vlad(k=8),
        Llc(k=32),
        SuperVector(k=8, step=4),
        Fisher(k=4, descriptor="sift+gist+color+hog31", classifier="pa", fused=True, mirrored=True),
        BestOf2012(k=8),
        CoatesNg(k=16),
        PixelsSvm(views=1),  # in the mirror two of the directions change places
        RandomForest(views=1),
    ],
    ids=lambda contender: type(contender).__name__,
)
def test_contender_learns_stripes(contender: Any, train: tuple[LazyImages, np.ndarray]) -> None:
    images, labels = train
    unseen, truth = stripes(15, 1)
    model = clone(contender).fit(images, labels)
    scores = model.decision_function(LazyImages.from_array(unseen))
    assert scores.shape == (15, CLASSES)
    assert np.isfinite(scores).all()
    # Stripes of random phase are hard for raw pixels: those only have to beat chance, a third.
    least = 0.4 if model.family == "floor" else 0.6
    assert (model.classes_[scores.argmax(1)] == truth).mean() > least
    assert model.classes_.tolist() == [0, 7, 14]
    assert sum(model.timings_.values()) > 0
    assert type(contender).family in {"hand-engineered", "learned, shallow", "floor"}
    assert clone(model).get_params() == contender.get_params()
    assert set(model.budget_) - {"codebook"} == {"pixels", "views", "augment", "train_share", "tuned"}
    if model.family != "floor":
        assert set(model.converged_) == {"converged", "why"}


def test_sift_fisher_looks_at_strips_of_photographs_alone() -> None:
    for side, regions in ((32, "1x1"), (64, "1x1"), (96, "1x1"), (97, "1x1+3x1"), (256, "1x1+3x1")):
        assert [one.pyramid for one in SiftFisher().channels(Grid.for_size(side, 2 * side))] == [regions]


@pytest.mark.parametrize(
    ("contender", "budget"),
    [
        (Fisher(k=2, mirrored=True), {"pixels": 100_000, "codebook": 2, "augment": "flip", "tuned": PENALTY}),
        (
            Fisher(k=3, descriptor="sift+color", classifier="pa", fused=True, views=1),
            {"pixels": 100_000, "codebook": 3, "views": 1},
        ),
        (CoatesNg(k=5), {"pixels": 1024, "codebook": 5, "tuned": PENALTY}),
        (Hog(views=1), {"pixels": 4096, "views": 1, "tuned": PENALTY}),
        (PixelsSvm(), {"pixels": 256}),
        (Chance(), {"pixels": 0, "views": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_budget_is_told(contender: Any, budget: dict[str, Any], train: tuple[LazyImages, np.ndarray]) -> None:
    usual = {"views": 2, "augment": "none", "train_share": 1.0, "tuned": "nothing"}
    assert clone(contender).fit(*train).budget_ == usual | budget


@pytest.mark.parametrize(
    "contender",
    [Fisher(k=2, descriptor="sift+gist", fused=True), Fisher(k=2, mirrored=True), Hog(), CoatesNg(k=5), PixelsSvm()],
    ids=lambda value: type(value).__name__,
)
def test_two_views_are_the_mean_of_the_image_and_its_mirror_image(
    contender: Any, train: tuple[LazyImages, np.ndarray]
) -> None:
    model = clone(contender).fit(*train)
    unseen, _ = stripes(7, 3)
    both = model.decision_function(LazyImages.from_array(unseen))
    model.views = 1
    one, mirrored = (
        model.decision_function(LazyImages.from_array(np.ascontiguousarray(seen)))
        for seen in (unseen, unseen[:, :, ::-1])
    )
    assert np.abs(one - mirrored).max() > 1e-3  # there is something to average
    np.testing.assert_allclose(both, (one + mirrored) / 2, rtol=1e-5, atol=1e-6 * np.abs(both).max())


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
    images, unseen = LazyImages.from_array(pixels), LazyImages.from_array(stripes(9, 1)[0])
    here, there = (
        clone(contender).set_params(device=device).fit(images, labels).decision_function(unseen)
        for device in ("cpu", gpu)
    )
    assert np.corrcoef(here.ravel(), there.ravel())[0, 1] > 0.98


def test_chance_draws_by_frequency_and_ignores_batches() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3000, 2, 2, 3), dtype=np.uint8)
    labels = np.repeat([1, 5, 9], [2000, 700, 300])
    model = Chance().fit(LazyImages.from_array(pixels), labels)
    scores = model.decision_function(LazyImages.from_array(pixels))
    drawn = np.bincount(scores.argmax(1), minlength=3) / 3000
    np.testing.assert_allclose(drawn, [2 / 3, 0.7 / 3, 0.1], atol=0.03)
    np.testing.assert_array_equal(model.decision_function(LazyImages.from_array(pixels[::-1]))[::-1], scores)
    other = Chance(random_state=1).fit(LazyImages.from_array(pixels), labels)
    assert (other.decision_function(LazyImages.from_array(pixels)) != scores).all()
    assert len(np.unique(scores)) == scores.size


def test_images_of_many_shapes_are_encoded_in_place() -> None:
    rng = np.random.default_rng(0)
    shapes = [(40, 60), (64, 64), (40, 60), (9, 30), (1, 50), (64, 64)]
    images = [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]
    source = LazyImages(lambda i: images[i], len(images))
    encoder = Encoder([Channel("sift", "fisher", 2), Channel("lcs", "bovw", 4)], Grid((2.0,), 4.0)).fit(source)
    together = encoder.encode(images).numpy()
    alone = np.concatenate([encoder.encode([image]).numpy() for image in images])
    np.testing.assert_allclose(together, alone, atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-3)


def test_mirrored_rows_are_those_of_the_mirror_image() -> None:
    pixels, _ = stripes(5, 2)
    source = LazyImages.from_array(pixels)
    encoder = Encoder([Channel("sift", "fisher", 2)], Grid((2.0,), 4.0)).fit(source)
    out = np.empty((10, encoder.dim_), dtype=np.float16)
    extract(encoder.encode, source, np.arange(5)[::-1], out, device="cpu", mirrored=True)
    flipped = encoder.encode([image[:, ::-1] for image in pixels]).numpy()
    np.testing.assert_allclose(out[5:][::-1], flipped, atol=2e-3)


def test_every_core_encodes_batches_of_its_own() -> None:
    both_at_work = threading.Barrier(2, timeout=30)

    def encode(batch: list[np.ndarray]) -> torch.Tensor:
        both_at_work.wait()
        assert torch.get_num_threads() == 1
        return torch.tensor([[float(image.mean())] for image in batch])

    images = LazyImages.from_array(np.arange(64, dtype=np.uint8).repeat(12).reshape(64, 2, 2, 3))
    out = np.empty((64, 1), dtype=np.float16)
    with torch_threads(2):
        extract(encode, images, np.arange(64)[::-1], out, device="cpu")
    assert out[:, 0].tolist() == list(range(63, -1, -1))


def test_a_gpu_is_given_batches_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host waits for nothing while it queues a batch; only the copy of the rows from the GPU is waited for."""
    pixels, _ = stripes(40, 2)
    images, order = LazyImages.from_array(pixels), np.arange(40)[::-1]
    channels = [Channel(name, "fisher", 3, pyramid="1x1+2x2") for name in ("sift", "lcs", "csift", "lbp", "hog-lbp")]
    with pretended_gpu() as gpu:
        encoder = Encoder([*channels, Channel("gist", "whole")], Grid((2.0, 3.0), 4.0), device="cuda").fit(images)
        encoder.encode(list(pixels))  # what depends on the images' shape alone is made and sent
        waits: list[str] = []
        monkeypatch.setattr(gpu, "wait", waits.append)
        vectors = encoder.encode(list(pixels))
        assert waits == []
        out = np.empty((40, encoder.dim_), dtype=np.float16)
        extract(encoder.encode, images, order, out, device="cuda")
        assert waits == ["aten::_to_copy from the GPU"]  # one batch, which another thread waits for
        np.testing.assert_array_equal(out[::-1], vectors.half().cpu().numpy())


def test_stages_are_cached_and_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, labels = stripes(24, 3)
    images = Fingerprinted(lambda i: pixels[i], 24, fingerprint="stripes")
    first = Fisher(k=4, cache_dir=str(tmp_path)).fit(images, labels)
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert stages(tmp_path) == {"codebook": 1, "features": 1}

    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr(sampling_module, "learn", forbidden)
    monkeypatch.setattr(encoder_module.Encoder, "_encode_alike", forbidden)
    second = Fisher(k=4, cache_dir=str(tmp_path)).fit(images, labels)
    np.testing.assert_array_equal(first.models_[0].coef_, second.models_[0].coef_)
    with pytest.raises(AssertionError, match="made again"):
        Fisher(k=5, cache_dir=str(tmp_path)).fit(images, labels)
    monkeypatch.setattr(encoder_module, "product_dtype", lambda device: torch.float64)  # as on another machine
    with pytest.raises(AssertionError, match="made again"):
        Fisher(k=4, cache_dir=str(tmp_path)).fit(images, labels)
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


def stages(folder: Path) -> Counter[str]:
    """How many files of each stage a cache holds."""
    return Counter(path.name.split("-")[0] for path in folder.iterdir())


def test_what_contenders_have_in_common_is_made_once(tmp_path: Path) -> None:
    pixels, labels = stripes(24, 3)
    images = Fingerprinted(lambda i: pixels[i], 24, fingerprint="stripes")
    common: dict[str, Any] = {"k": 4, "cache_dir": str(tmp_path)}
    contenders = [
        (Fisher(**common), 1, 1),  # SIFT's mixture
        (Fisher(descriptor="sift+lcs", **common), 2, 2),  # that of LCS
        (Fisher(pyramid="1x1+3x1", **common), 2, 3),
        (Bovw(**common), 3, 4),  # visual words
        (Vlad(**common), 3, 5),
        (Llc(**common), 3, 6),
        (SuperVector(**common), 3, 7),
        (Fisher(classifier="pa", **common), 3, 7),
        (Fisher(descriptor="lcs+sift", mirrored=True, **common), 3, 8),
        (Fisher(descriptor="sift+gist", **common), 3, 9),
    ]
    for contender, codebooks, features in contenders:
        contender.fit(images, labels)
        assert stages(tmp_path) == {"codebook": codebooks, "features": features}, contender
        # What was found is what would have been made.
        alone = clone(contender).set_params(cache_dir=None).fit(images, labels)
        np.testing.assert_array_equal(alone.models_[0].coef_, contender.models_[0].coef_)


def test_a_vocabulary_does_not_depend_on_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling_module, "LEAST", 100)  # below what the larger codebook asks for
    images, grid = LazyImages.from_array(stripes(24, 3)[0]), Grid((2.0,), 4.0)
    channels = [Channel("sift", "bovw", 2), Channel("sift", "llc", 8), Channel("lcs", "bovw", 2)]
    together = Encoder(channels, grid).fit(images).learned_
    for channel in channels:
        [alone] = Encoder([channel], grid).fit(images).learned_.values()
        assert torch.equal(alone.codebook.centres, together[channel.vocabulary].codebook.centres)


def test_no_image_is_described_at_full_size(monkeypatch: pytest.MonkeyPatch) -> None:
    photographs = np.random.default_rng(0).integers(0, 256, (2, 1000, 1500, 3), dtype=np.uint8)
    seen = []
    parts = Encoder._parts

    def record(self: Encoder, rgb: torch.Tensor) -> list[torch.Tensor]:
        seen.append(rgb.shape[-2] * rgb.shape[-1])
        return parts(self, rgb)

    monkeypatch.setattr(Encoder, "_parts", record)
    Encoder([Channel("lcs", "bovw", 2)], Grid((16.0,), 32.0)).fit(LazyImages.from_array(photographs))
    assert seen
    assert max(seen) <= MAX_PIXELS


def test_places_weigh_as_much_as_descriptors_without_pca() -> None:
    images = LazyImages.from_array(stripes(24, 3)[0])
    encoder = Encoder([Channel("lcs", "vlad", 2, dims=0), Channel("lcs", "vlad", 2)], Grid((2.0,), 4.0)).fit(images)
    raw, whitened = encoder.learned_.values()
    rgb = to_tensor(list(stripes(24, 3)[0]), "cpu")
    spread = all_scales(DESCRIPTORS["lcs"](rgb, encoder.grid, torch.float32)).flatten(0, 1).std(0).mean()
    assert raw.spread / whitened.spread == pytest.approx(float(spread), rel=0.05)  # that of a sample


@pytest.mark.parametrize(
    ("contender", "said"),
    [
        (Fisher(descriptor="sift+surf"), "unknown descriptor 'surf'"),
        (Fisher(k=0), "k must be a whole number of at least 1, not 0"),
        (Fisher(k=2.5), "k must be a whole number of at least 1, not 2.5"),
        (Fisher(dims=2.5), "dims must be a whole number of at least 0, not 2.5"),
        (Fisher(xy="no"), "xy must be true or false, not 'no'"),
        (Fisher(mirrored="yes"), "mirrored must be true or false, not 'yes'"),
        (Fisher(views=10), "views must be one of 1, 2, not 10"),
        (Hog(views="2"), "views must be one of 1, 2, not '2'"),
        (CoatesNg(views=0), "views must be one of 1, 2, not 0"),
        (PixelsSvm(views=True), "views must be one of 1, 2, not True"),
        (Fisher(fused=1), "fused must be true or false, not 1"),
        (Fisher(step=-1), "step must be a number at least 0, not -1"),
        (Fisher(classifier="tree"), "classifier must be one of svm, pa, not 'tree'"),
        (Fisher(pyramid="three"), "rows x columns"),
        (Fisher(pyramid="²x1"), "rows x columns"),
        (BestOf2012(k=0), "k must be a whole number of at least 1, not 0"),
        (OxfordVgg(k=-3), "k must be a whole number of at least 0, not -3"),
        (Xrce(mirrored="yes"), "mirrored must be true or false, not 'yes'"),
        (SiftBovw(k=2.5), "k must be a whole number of at least 1, not 2.5"),
        (NecUiuc(k=0), "k must be a whole number of at least 1, not 0"),
        (CoatesNg(k=-3), "k must be a whole number of at least 1, not -3"),
        (CoatesNg(side=4), "side must be a whole number of at least 24, not 4"),
    ],
    ids=str,
)
def test_bad_parameters_are_one_clear_error(contender: Any, said: str, train: tuple[LazyImages, np.ndarray]) -> None:
    with pytest.raises(ValueError, match=said):
        contender.fit(*train)


def test_no_images_have_no_scores(train: tuple[LazyImages, np.ndarray]) -> None:
    model = Fisher(k=2, mirrored=True).fit(*train)
    assert model.decision_function(LazyImages.from_array(np.empty((0, 32, 32, 3), np.uint8))).shape == (0, CLASSES)


def test_features_of_coates_and_ng_are_standardised(train: tuple[LazyImages, np.ndarray]) -> None:
    images, _ = train
    model = CoatesNg(k=5)
    model._learn(images, np.arange(len(images)))
    [batch] = images.batches(len(images), side=model.side)
    rows = model.encode(batch).numpy() * np.sqrt(20)
    np.testing.assert_allclose(rows.mean(0), 0, atol=1e-2)
    np.testing.assert_allclose(rows.std(0), 1, atol=1e-2)
