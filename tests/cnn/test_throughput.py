"""The measurement of a training's speed goes through the loop itself, on whatever device there is."""

from __future__ import annotations

import pytest
import torch
from topfive.cnn.models import AlexNet
from topfive.cnn.throughput import NETWORKS, figures, flops_of_training, make_trainer, parts_of_a_step

from ..pretended_gpu import pretended_gpu


def test_a_step_and_its_parts_are_timed_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    class Narrow(AlexNet):
        """Full width would be 57 million weights, on a processor."""

        def _width(self, on_gpu: bool) -> float:
            return 0.125

    monkeypatch.setitem(NETWORKS, "alexnet", Narrow)
    with pretended_gpu():
        trainer = make_trainer("alexnet", torch.device("cuda"), 16, 8, 50, 2)
        found = figures(trainer, 16)
        parts = parts_of_a_step(trainer, 16, 1)
    assert (found["captured"], found["batch"], len(trainer.held_out)) == ([16], 8, 1)
    assert found["images_per_second"] == trainer.history[1]["images_per_second"]  # without the first
    assert 0 < found["outside_steps"] < 1
    assert list(parts)[:2] == ["a step", "the same, not captured"]
    assert all(milliseconds > 0 for milliseconds in parts.values())


@pytest.mark.parametrize(("name", "batch", "how"), [("alexnet-2012", 128, "paper"), ("resnet-2015", 128, "scale+flip")])
def test_what_is_measured_is_the_contenders_own(name: str, batch: int, how: str) -> None:
    with pretended_gpu():
        trainer = make_trainer(name, torch.device("cuda"), 32, None, 200, 2)
    assert (trainer.batch, trainer.augment.how) == (batch, how)
    assert len(set(trainer.sides)) == (2 if NETWORKS[name].first_side < 1 else 1)


def test_the_floor_counts_what_training_computes() -> None:
    """One linear layer on the pixels: forward and the weights' gradient, but not the pixels'."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 5))
    assert flops_of_training(network, 8) == 3 * 2 * 192 * 5  # the first layer here has no product
