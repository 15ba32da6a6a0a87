"""What a network shows of itself: its gradient against finite differences, its filters, its layers; and the control."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from topfive.benchmark.data.images import LazyImages
from topfive.cnn.inside import _as_stored, sheet
from topfive.cnn.models import AlexNet, Mlp1986
from topfive.cnn.shuffled import AlexNetShuffled

SMALL: dict[str, Any] = {"epochs": 1, "side": 32, "width": 0.125, "batch": 16, "device": "cpu", "dropout": 0.0}


@pytest.fixture(scope="module")
def fitted() -> tuple[AlexNet, np.ndarray[Any, Any]]:
    images = np.random.default_rng(0).integers(0, 256, (32, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(32) % 4
    return AlexNet(**SMALL).fit(LazyImages(lambda i: images[i], 32), labels), images


@pytest.mark.parametrize("size", [(32, 32), (40, 48)])  # as stored, and resized and cut before
def test_the_gradient_is_that_of_the_loss(fitted: tuple[AlexNet, Any], size: tuple[int, int]) -> None:
    contender, _ = fitted
    rng = np.random.default_rng(1)
    pixels = rng.uniform(0, 255, (2, *size, 3)).astype(np.float32)
    labels = np.array([2, 0])
    found = contender.input_gradient(pixels, labels)
    assert found.shape == pixels.shape
    way = np.sign(found)
    contender.model_.double()
    try:
        losses = []
        for step in (0.25, -0.25):
            with torch.inference_mode():
                x = torch.from_numpy(pixels + step * way)
                views = contender.augment_.views(_as_stored(x, contender.stored_), contender.views)
                mean = torch.stack([contender.model_(view.double()).softmax(1) for view in views]).mean(0)
                losses.append(-mean[torch.arange(2), torch.from_numpy(labels)].log().sum())
    finally:
        contender.model_.float()
    slope = float(losses[0] - losses[1]) / 0.5
    assert float((found * way).sum()) == pytest.approx(slope, rel=0.05)


def test_filters_and_responses_are_sheets(fitted: tuple[AlexNet, Any]) -> None:
    contender, images = fitted
    shown = contender.parts_of(images[0])
    assert list(shown) == ["first filters", "their responses"]
    assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for picture in shown.values())
    steps = contender.pipeline()
    assert steps[0] == "32 × 32 pixels"
    assert steps[1] == "5 convolutional layers, learned"
    assert steps[2] == "3 full layers, learned"
    tiles = np.arange(5 * 2 * 3 * 3).reshape(5, 2, 3, 3)
    picture = sheet(tiles)
    assert picture.shape == (5, 11, 3)  # three in a row, a line of white between
    assert (picture[:2, 4:7] == tiles[1]).all()
    assert (picture[3:, :3] == tiles[3]).all()
    assert (picture[2] == 255).all()


def test_a_network_without_convolutions_shows_no_filters() -> None:
    images = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
    contender = Mlp1986(epochs=1, hidden=8, device="cpu").fit(LazyImages(lambda i: images[i], 16), np.arange(16) % 2)
    assert contender.parts_of(images[0]) == {}
    assert contender.pipeline()[1] == "2 full layers, learned"


def test_the_control_learns_from_shuffled_labels_and_is_a_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(AlexNet, "fit", lambda self, images, labels: seen.append(labels) or self)
    labels = np.arange(60) % 3
    for seed in (0, 0, 1):
        AlexNetShuffled(random_state=seed).fit(None, labels)
    assert (seen[0] == seen[1]).all()
    assert (seen[0] != seen[2]).any()
    assert (seen[0] != labels).mean() > 0.4
    assert np.bincount(seen[0]).tolist() == [20, 20, 20]
    assert labels.tolist() == (np.arange(60) % 3).tolist()
    assert AlexNetShuffled.family == "floor"
