"""Images that a network can learn in seconds: each class has its own colour and stripes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from topfive.benchmark.data.images import Images


class Striped:
    """``Striped()(n, classes, side, seed)`` → (images, labels)."""

    def __call__(
        self, n: int = 64, classes: int = 4, side: int = 32, seed: int = 0
    ) -> tuple[Images, NDArray[np.int64]]:
        random = np.random.default_rng(seed)
        labels = np.arange(n, dtype=np.int64) % classes
        place = np.arange(side)
        pixels = random.integers(0, 80, (n, side, side, 3))
        for i, c in enumerate(labels):
            wave = (60 * (1 + np.sin(2 * np.pi * place * (c + 1) / 16 + random.uniform(0, 6)))).astype(np.int64)
            pixels[i] += wave[:, None, None] if c % 2 else wave[None, :, None]
            pixels[i, :, :, c % 3] += 50
        array = pixels.clip(0, 255).astype(np.uint8)
        return Images(lambda i: array[i], n, fingerprint=f"striped-{n}-{classes}-{side}-{seed}"), labels


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
