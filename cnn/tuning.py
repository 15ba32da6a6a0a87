"""The learning rate by trial: short trainings at a few rates, judged by images held out of the training set."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from math import inf

import torch

from .feed import Feed
from .train import Job, Trainer, TrainingDiverged

log = logging.getLogger("topfive.cnn")

STEP = 4.0  # between neighbouring rates
FACTORS = (1 / STEP, 1.0, STEP)  # of the default rate
MOST = 7  # trials at most
SHARE = 3  # a trial has the epochs of the training divided by this, and a schedule of that length


def choose_rate(
    job: Job, feed: Feed, dtype: torch.dtype, rates: Sequence[float], rank: int = 0, world: int = 1
) -> float:
    """The rate that reached the lowest loss on ``job.held_out``, each from the same first weights.

    ``rates`` are tried, and while the best one is the lowest or the highest of all, one ``STEP`` further. A trial that
    diverges is out. Neither the network of ``job`` nor its checkpoint is touched. Raises TrainingDiverged where every
    one of ``rates`` does.
    """
    short = replace(job.hyper, epochs=max(1, -(-job.hyper.epochs // SHARE)))
    losses: dict[float, float] = {}
    diverged: list[TrainingDiverged] = []

    def attempt(rate: float) -> None:
        trial = replace(job, network=deepcopy(job.network), hyper=replace(short, lr=rate), save_to=None)
        try:
            history = Trainer(trial, feed, dtype, rank, world).run().history
            losses[rate] = min(record["held_out_loss"] for record in history)
        except TrainingDiverged as error:
            losses[rate] = inf
            diverged.append(error)

    for rate in rates:
        attempt(rate)
    if len(diverged) == len(rates):
        raise diverged[-1]
    while len(losses) < MOST:
        best = min(losses, key=lambda rate: losses[rate])
        if best not in (min(losses), max(losses)):
            break
        attempt(best * STEP if best == max(losses) else best / STEP)
    best = min(losses, key=lambda rate: losses[rate])
    tried = ", ".join(f"{rate:g}: {loss:.3f}" for rate, loss in sorted(losses.items()) if loss < inf)
    log.info("learning rate %g, by the held-out loss of %d epochs each (%s)", best, short.epochs, tried)
    return best
