"""What a fitted network says of itself: costs, budget, convergence."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from topfive.cnn import models
from topfive.cnn.convergence import converged

from .conftest import Striped, small
from .test_checkpoint import killed_in_third_epoch


def test_a_resumed_training_costs_the_whole_and_says_what_an_earlier_run_paid(
    striped: Striped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = striped(80)
    cut = small(cache_dir=str(tmp_path))
    killed_in_third_epoch(cut, images, labels, monkeypatch)
    resumed = clone(cut).fit(images, labels)
    records = resumed.history_
    assert resumed.timings_["train"] == pytest.approx(sum(r["seconds"] for r in records))
    assert resumed.cached_timings_ == {"train": pytest.approx(records[0]["seconds"] + records[1]["seconds"])}
    assert resumed.cached_cpu_seconds_ == pytest.approx(records[0]["cpu_seconds"] + records[1]["cpu_seconds"])
    assert all(r["cpu_seconds"] > 0 for r in records)
    again = clone(cut).fit(images, labels)  # served from the cache as a whole
    assert again.cached_timings_ == {"train": again.timings_["train"]} == {"train": resumed.timings_["train"]}
    assert again.cached_cpu_seconds_ == pytest.approx(sum(r["cpu_seconds"] for r in records))
    fresh = small().fit(images, labels)
    assert (fresh.cached_timings_, fresh.cached_cpu_seconds_) == ({}, 0.0)


def test_pretraining_is_part_of_the_cost_also_when_it_comes_from_the_cache(striped: Striped, tmp_path: Path) -> None:
    images, labels = striped(32)
    model = models.Dbn2006(layers="40", pretrain_epochs=3, epochs=2, device="cpu", cache_dir=str(tmp_path))
    first = model.fit(images, labels)
    again = clone(model).fit(images, labels)
    assert first.timings_["pretrain"] > 0
    assert again.timings_["pretrain"] == first.timings_["pretrain"]
    assert again.cached_timings_ == {"train": first.timings_["train"], "pretrain": first.timings_["pretrain"]}
    assert again.cached_cpu_seconds_ > sum(r["cpu_seconds"] for r in first.history_)


@pytest.mark.parametrize(
    ("name", "parameters", "budget"),
    [
        (
            "AlexNet", {"epochs": 1, "side": 32, "held_out": 0.2},
            {"side": 32, "width": 0.5, "epochs": 1, "views": 2, "augment": "crop+flip", "train_share": 0.8,
             "tuned": "best epoch on held-out images"},
        ),
        (
            "AlexNet2012", {"epochs": 2, "side": 28, "width": 0.125, "init": "he", "lr": 1e-4, "held_out": 0.2},
            {"side": 28, "width": 0.125, "epochs": 2, "views": 10, "augment": "paper", "train_share": 0.8,
             "tuned": "learning rate and best epoch on held-out images"},
        ),
        (
            "LeNet1998", {"epochs": 1, "held_out": 0.0},
            {"side": 32, "epochs": 1, "views": 2, "augment": "crop+flip", "train_share": 1.0, "tuned": "nothing"},
        ),
        (
            "ResNet2015", {"epochs": 1, "width": 0.25, "held_out": 0.2},
            {"side": 32, "width": 0.25, "epochs": 1, "views": 2, "augment": "crop+flip", "train_share": 0.8,
             "tuned": "best epoch on held-out images"},
        ),
    ],
)  # fmt: skip
def test_the_budget_is_what_the_network_was_given(
    name: str, parameters: dict[str, Any], budget: dict[str, Any], striped: Striped
) -> None:
    model = getattr(models, name)(device="cpu", batch=8, **parameters).fit(*striped(40))
    assert model.budget_ == {**budget, "parameters": model.n_parameters_}
    assert json.loads(json.dumps(model.budget_)) == model.budget_
    assert model.converged_["converged"] is False
    assert json.loads(json.dumps(model.converged_)) == model.converged_


def made_up(held_out: list[float], train: list[float] | None = None) -> list[dict[str, float]]:
    train = held_out if train is None else train
    return [{"held_out_loss": h, "loss": t} for h, t in zip(held_out, train, strict=True)]


def falling(n: int, share: float) -> list[float]:
    """n losses that fall from 5 to 3 in the first three quarters, and then by ``share``, at an even pace."""
    last = math.ceil(n / 4)
    return [*np.linspace(5, 3, n - last), *np.linspace(3, 3 * (1 - share), last + 1)[1:]]


@pytest.mark.parametrize("n", [4, 10, 23, 62])
@pytest.mark.parametrize(("share", "done"), [(0.0, True), (0.029, True), (0.031, False), (0.3, False), (-0.5, True)])
def test_a_training_has_converged_when_the_last_quarter_brings_less_than_three_per_cent(
    n: int, share: float, done: bool
) -> None:
    said = converged(made_up(falling(n, share)), n)
    assert said["converged"] is done
    assert f"{100 * max(0.0, share):.1f} % over the last {math.ceil(n / 4)} of {n} epochs" in said["why"]
    assert f"lowest after epoch {n if share > 0 else n - math.ceil(n / 4)}" in said["why"]


def test_overfitting_has_converged_though_the_training_loss_falls() -> None:
    said = converged(made_up([3.0, 2.0, 1.5, 1.6, 1.7, 1.8], [3.0, 2.0, 1.5, 1.0, 0.5, 0.2]), 6)
    assert said == {
        "converged": True,
        "why": "the held-out loss fell by only 0.0 % over the last 2 of 6 epochs; it was lowest after epoch 3",
    }


def test_without_held_out_images_the_training_loss_decides() -> None:
    nothing = [math.nan] * 4
    assert converged(made_up(nothing, [3.0, 2.0, 1.5, 1.0]), 4)["why"].startswith(
        "the training loss still fell by 33.3 %"
    )
    assert converged(made_up(nothing, [3.0, 2.0, 1.5, 1.49]), 4)["converged"] is True


def test_a_short_training_is_never_called_converged_and_a_stopped_one_always_is() -> None:
    assert converged(made_up([2.0]), 1) == {"converged": False, "why": "it trained for 1 epoch only, too few to tell"}
    assert converged(made_up([2.0, 2.0, 2.0]), 3)["converged"] is False
    assert converged(made_up([5.0, 4.0, 3.0, 2.0]), 90) == {
        "converged": True, "why": "the held-out error no longer fell: stopped after 4 of 90 epochs",
    }  # fmt: skip


@pytest.mark.parametrize(("n", "best", "done"), [(10, 10, False), (10, 7, True), (31, 31, True), (30, 30, False)])
def test_half_of_a_long_training_has_not_converged_where_it_was_best_at_its_end(n: int, best: int, done: bool) -> None:
    losses = [3.0, *[2.0] * (n - 1)]
    losses[best - 1] = 1.99
    said = converged(made_up(losses), n, long=62)
    assert said["converged"] is done
    if not done:
        assert said["why"] == f"it was at its best after epoch {best} of {n}; a long training has 62"
