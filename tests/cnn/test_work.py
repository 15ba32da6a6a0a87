"""What a network says of its work, for a roofline."""

from __future__ import annotations

import pytest
from topfive.cnn import models
from topfive.common import work

from .conftest import Striped


def test_a_networks_work(striped: Striped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "SIDE", {"cpu": 64})
    monkeypatch.setattr(work, "COPIED", {"cpu": 2**16})
    images, labels = striped(32)
    model = models.AlexNet(epochs=3, batch=8, side=32, width=0.125, lr=1e-4, device="cpu", precision="f32", n_jobs=1)
    told = model.fit(images, labels).work(images)
    assert told["predict_flops"] == 2 * model.flops_per_image_  # two views
    # Forward, and twice that backward, but that nobody asks for the gradient of the images: conv1 is 3 x 3 on 32 x 32.
    conv1 = 2 * 3 * 9 * 16 * 32 * 32
    assert told["train_flops"] == pytest.approx(3 * model.flops_per_image_ - conv1)
    # The weights are read three times and written, the moments of AdamW too: at least 20 bytes a parameter and batch.
    assert told["train_bytes"] > 20 * model.n_parameters_ / 8
    assert told["batch"] == 8
    assert told["precision"] == "float32"
    rates = [record["images_per_second"] for record in model.history_[1:]]
    assert min(rates) <= told["train_images_per_second"] <= max(rates)
    assert told["peak_flops"] > 0
    assert told["peak_bytes"] > 0
