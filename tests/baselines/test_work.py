"""What a contender of hand-engineered features says of its work, for a roofline."""

from __future__ import annotations

import numpy as np
import pytest
from topfive.baselines.parts import Fisher
from topfive.benchmark.data.images import LazyImages
from topfive.common import work


def test_the_arithmetic_of_fisher_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "SIDE", {"cpu": 64})
    monkeypatch.setattr(work, "COPIED", {"cpu": 2**16})
    pixels = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    images, labels = LazyImages.from_array(pixels), np.arange(12) % 3
    told = [Fisher(k=k, n_jobs=1, step=4).fit(images, labels).work(images) for k in (4, 8)]
    model = Fisher(k=4, n_jobs=1, step=4).fit(images, labels)
    patches = sum(model.encoder_.grid.n_patches(32, 32))
    # Four more Gaussians: two products of patches with [x, x squared, 1, 1], each multiply-add two operations.
    assert told[1]["train_flops"] - told[0]["train_flops"] == 2 * 2 * patches * (2 * 66 + 2) * 4
    # A test image has two views, and scores in three classes.
    assert told[0]["predict_flops"] == 2 * (told[0]["train_flops"] + 2 * model.encoder_.dim_ * 3)
    assert told[0]["train_images_per_second"] > 0
    assert told[0]["train_stage"] == "features"
    assert told[1]["train_bytes"] > told[0]["train_bytes"] > 12 * 32 * 32 * 3 / 12
