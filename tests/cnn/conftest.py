"""LazyImages that a network can learn in seconds, each class with its own colour and stripes; and small networks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from topfive.benchmark.data.images import LazyImages
from topfive.cnn import models
from torch import nn


class Striped:
    """``Striped()(n, classes, side, seed)`` → (images, labels)."""

    def __call__(
        self, n: int = 64, classes: int = 4, side: int = 32, seed: int = 0
    ) -> tuple[LazyImages, NDArray[np.int64]]:
        random = np.random.default_rng(seed)
        labels = np.arange(n, dtype=np.int64) % classes
        place = np.arange(side)
        pixels = random.integers(0, 80, (n, side, side, 3))
        for i, c in enumerate(labels):
            wave = (60 * (1 + np.sin(2 * np.pi * place * (c + 1) / 16 + random.uniform(0, 6)))).astype(np.int64)
            pixels[i] += wave[:, None, None] if c % 2 else wave[None, :, None]
            pixels[i, :, :, c % 3] += 50
        array = pixels.clip(0, 255).astype(np.uint8)
        return LazyImages(lambda i: array[i], n, fingerprint=f"striped-{n}-{classes}-{side}-{seed}"), labels


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks this small gain nothing from a second thread, and lose much where the cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def striped() -> Striped:
    return Striped()


class Small(nn.Sequential):
    """Batch normalisation and dropout: state and random numbers that a resumed training must get right."""

    def __init__(self, n_classes: int, side: int) -> None:
        super().__init__(
            nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
            nn.Dropout(0.3), nn.Linear(128, n_classes),
        )  # fmt: skip


def small(**parameters: Any) -> models.TorchClassifier:
    return models.TorchClassifier(module=Small, **{"batch": 16, "device": "cpu", "epochs": 4, **parameters})


class Even(nn.Sequential):
    def __init__(self, n_classes: int, side: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(3 * side * side, n_classes))
