"""The learning rate by trial on held-out training images."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from topfive.cnn import estimator, tuning
from topfive.cnn.train import Job, Trainer, TrainingDiverged

from .conftest import Striped, small


def test_the_rate_with_the_lowest_held_out_loss_trains(striped: Striped, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = striped(64)
    trials: list[tuple[float, float]] = []
    run = Trainer.run

    def noted(trainer: Trainer) -> Any:
        trained = run(trainer)
        loss = min(record["held_out_loss"] for record in trained.history)
        trials.append((trainer.hyper.top_rate, loss))
        return trained

    monkeypatch.setattr(Trainer, "run", noted)
    monkeypatch.setattr(estimator, "FACTORS", (1e-4, 1.0))
    monkeypatch.setattr(tuning, "MOST", 2)
    model = small(lr="tuned", held_out=0.25, epochs=6).fit(images, labels)
    *tried, (trained_at, _) = trials
    assert [rate for rate, _ in tried] == pytest.approx([1e-7, 1e-3])
    assert trained_at == min(tried, key=lambda trial: trial[1])[0] == 1e-3
    assert model.budget_["lr"] == 1e-3
    assert "learning rate" in model.budget_["tuned"]
    assert len(model.history_) == 6
    assert model.timings_["tune"] > 0
    # Nothing of a trial is left in what is trained then.
    alone = small(lr=1e-3, held_out=0.25, epochs=6, batch=16).fit(images, labels)
    assert torch.equal(alone.model_[0].weight, model.model_[0].weight)


@pytest.fixture
def job(striped: Striped, monkeypatch: pytest.MonkeyPatch) -> tuple[Job, Any, Any]:
    """What ``choose_rate`` is given."""
    images, labels = striped(64)
    jobs: list[Any] = []

    def kept(job: Job, feed: Any, dtype: Any, rates: Any, *more: Any) -> float:
        jobs.append((job, feed, dtype))
        return choose(job, feed, dtype, rates, *more)

    choose = tuning.choose_rate
    monkeypatch.setattr(estimator, "choose_rate", kept)
    small(lr="tuned", held_out=0.25, epochs=1, optimizer="sgd").fit(images, labels)
    given, feed, dtype = jobs[0]
    return replace(given, hyper=replace(given.hyper, optimizer="sgd")), feed, dtype


def test_a_trial_that_diverges_is_out(job: tuple[Job, Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "MOST", 2)
    assert tuning.choose_rate(*job, [1e30, 0.02]) == 0.02
    with pytest.raises(TrainingDiverged):
        tuning.choose_rate(*job, [1e30])


@pytest.mark.parametrize(("best", "tried"), [(1.0, 3), (16.0, 5), (0.0625, 5), (4.0**9, 7)])
def test_the_grid_grows_while_its_edge_is_best(
    best: float, tried: int, job: tuple[Job, Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []

    def run(trainer: Trainer) -> Any:
        rates.append(trainer.hyper.top_rate)
        return SimpleNamespace(history=[{"held_out_loss": abs(np.log(trainer.hyper.top_rate / best))}])

    monkeypatch.setattr(Trainer, "run", run)
    chosen = tuning.choose_rate(*job, list(tuning.FACTORS))
    assert len(rates) == tried
    assert chosen == min(rates, key=lambda rate: abs(np.log(rate / best)))
    if tried < tuning.MOST:
        assert min(rates) < chosen == best < max(rates)


def test_where_it_cannot_be_tuned() -> None:
    for given in ({"held_out": 0.0}, {"device": "cuda:0,1"}):
        with pytest.raises(ValueError, match="lr must be a number, not 'tuned'"):
            small(lr="tuned", **given).fit(None, np.zeros(0, np.int64))
