"""Mixup and CutMix: how much of which image, and the loss that goes with it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from topfive.cnn import mix

from .test_step import make_trainer


def chances(n: int) -> torch.Tensor:
    return torch.rand(n, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("how", ["mixup", "cutmix"])
def test_half_of_the_images_keep_everything_the_others_any_share(how: str) -> None:
    kept = mix.draw(how, chances(4000))["kept"]
    whole = kept == 1
    assert float(whole.float().mean()) == pytest.approx(0.5, abs=0.03)
    assert float(kept.min()) >= 0
    if how == "mixup":  # uniform; CutMix's boxes are cut off at the image's edges
        for q in (0.1, 0.5, 0.9):
            assert float(kept[~whole].quantile(q)) == pytest.approx(q, abs=0.04)


def test_cutmix_takes_a_box_of_the_share_that_the_loss_gives_its_label() -> None:
    drawn = mix.draw("cutmix", chances(64))
    own, other = torch.zeros(64, 3, 200, 200), torch.arange(64) % 2
    images = own + other[:, None, None, None]
    result = mix.mixed(images, drawn)
    taken = (result != images)[:, 0]
    torch.testing.assert_close(taken.float().mean((1, 2)), 1 - drawn["kept"], atol=0.011, rtol=0)
    for mask, box in zip(taken, drawn["box"] * 200, strict=True):
        rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
        if len(rows):
            assert int(mask.sum()) == len(rows) * len(columns)  # one box
            edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            torch.testing.assert_close(torch.stack(edges).float(), box, atol=0.501, rtol=0)


def test_mixup_is_the_weighted_mean_of_two_neighbours() -> None:
    images = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(1))
    kept = torch.tensor([1.0, 0.25, 0.5, 0.0])
    expected = torch.stack([
        images[0],
        0.25 * images[1] + 0.75 * images[0],
        (images[2] + images[3]) / 2,
        images[2],
    ])  # fmt: skip
    torch.testing.assert_close(mix.mixed(images, {"kept": kept}), expected)


def test_neighbours_come_in_pairs() -> None:
    assert mix.neighbours(torch.arange(5)).tolist() == [1, 0, 3, 2, 4]


@pytest.mark.parametrize("at_once", [16, 5])
def test_the_loss_is_that_of_both_labels_by_their_shares(at_once: int) -> None:
    trainer = make_trainer("cpu", mixing="mixup")
    step, random = trainer.step, torch.Generator().manual_seed(2)
    images, kept = torch.randn(16, 3, 32, 32, generator=random), torch.rand(16, generator=random)
    labels = torch.arange(16) // 2 % 4
    labels[1::2] = (labels[1::2] + 1) % 4
    trainer.network.eval()  # without dropout
    step.backward(images, labels, at_once, kept)
    found = [p.grad.clone() for p in trainer.network.parameters() if p.grad is not None]
    logits = trainer.network(images)
    target = kept[:, None] * F.one_hot(labels, 4) + (1 - kept[:, None]) * F.one_hot(mix.neighbours(labels), 4)
    trainer.network.zero_grad()
    F.cross_entropy(logits, target.float(), label_smoothing=0.1).backward()
    for one, p in zip(found, trainer.network.parameters(), strict=True):
        torch.testing.assert_close(one, p.grad, atol=1e-5, rtol=1e-4)
