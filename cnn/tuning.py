"""The learning rate by trial: short trainings at a few rates, judged by images held out of the training set."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

import torch

from .feed import Feed
from .train import Job, Trainer, TrainingDiverged

log = logging.getLogger("topfive.cnn")

FACTORS = (0.25, 1.0, 4.0)  # of the default rate
SHARE = 3  # a trial has the epochs of the training divided by this, and a schedule of that length


def choose_rate(
    job: Job, feed: Feed, dtype: torch.dtype, rates: Sequence[float], rank: int = 0, world: int = 1
) -> float:
    """The one of ``rates`` that reached the lowest loss on ``job.held_out``, each from the same first weights.

    A trial that diverges is out. Neither the network of ``job`` nor its checkpoint is touched. Raises TrainingDiverged
    where every trial does.
    """
    short = replace(job.hyper, epochs=max(1, -(-job.hyper.epochs // SHARE)))
    losses: dict[float, float] = {}
    diverged: TrainingDiverged | None = None
    for rate in rates:
        trial = replace(job, network=deepcopy(job.network), hyper=replace(short, lr=rate), save_to=None)
        try:
            history = Trainer(trial, feed, dtype, rank, world).run().history
        except TrainingDiverged as error:
            diverged = error
            continue
        losses[rate] = min(record["held_out_loss"] for record in history)
    if not losses:
        assert diverged is not None
        raise diverged
    best = min(losses, key=lambda rate: losses[rate])
    tried = ", ".join(f"{rate:g}: {loss:.3f}" for rate, loss in losses.items())
    log.info("learning rate %g, by the held-out loss of %d epochs each (%s)", best, short.epochs, tried)
    return best
