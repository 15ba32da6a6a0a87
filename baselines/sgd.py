"""Averaged stochastic gradient descent of one-vs-rest linear classifiers, by matrix products. ``svm`` tunes it.

Deviations from Perronnin et al. 2012 (see ``svm``): no penalty on the weights unless ``alpha`` is above 0, as the
stopping point regularises; and the weights kept are an average that forgets, plain over the first epoch, then
exponential over about the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from topfive.common.machine import torch_threads

from .compute import on_cpu, product_dtype, threads
from .rows import Rows

Each = Callable[[Callable[[slice], Any]], list[Any]]
Model = tuple[torch.Tensor, torch.Tensor]

BATCH = 128
STRIP = 4096  # features of a step that are worked on at once, so that their weights stay in a core's cache
AVERAGE_EVERY = 4  # steps; averaging at each would cost as much as the step
MEAN_ROWS = 4096  # at most: centring only has to be about right, the intercept takes up the rest
INTERCEPT_STEP = 0.1  # against the weights' step: the constant feature would else dominate the curvature


@dataclass(frozen=True)
class Settings:
    """What is tuned: the weight of a negative against a positive's 1, the step, how many epochs, the penalty."""

    negative_weight: float
    step: float
    epochs: int
    alpha: float = 0.0


class DivergedError(ValueError):
    """Weights that are no numbers: of a step so long that they overflow, or of features that are none."""


class Trainer:
    """The rows, their targets and the SGD steps. It holds no model, so that all trials share its mean and curvature.

    A processor's cores share a step by strips of features, whose weights stay in a core's cache between the gradient
    and the sum. The strips do not depend on the number of cores, so neither does the result.
    """

    def __init__(self, features: Any, targets: torch.Tensor, n_classes: int, device: str, seed: int):
        self.rows, self.targets, self.n_classes = Rows(features, device), targets, n_classes
        self.there = targets.to(device)
        self.device, self.seed, self.dtype = device, seed, product_dtype(device)
        self.shape = features.shape
        dims = features.shape[1]
        width = STRIP if on_cpu(device) else dims
        self.strips = [slice(a, min(a + width, dims)) for a in range(0, dims, width)]
        self.workers = min(torch.get_num_threads(), len(self.strips))
        with torch_threads(1):  # sums in an order that does not depend on the number of cores
            self.mean = self.rows.mean(MEAN_ROWS)
            self.curvature = self._curvature()

    def epochs(self, settings: Settings, rows: Sequence[range]) -> Iterator[Model]:
        """The averaged weights (D, C) and intercepts (C,) after each epoch over ``rows``; the next one changes them."""
        weights = torch.zeros((self.shape[1], self.n_classes), device=self.device)
        intercept = torch.full((self.n_classes,), -1.0, device=self.device)
        mean_weights, mean_intercept = weights.clone(), intercept.clone()
        rounded = weights.to(self.dtype)  # what the scores are computed with; float32 weights themselves
        step = settings.step / self.curvature
        generator = torch.Generator().manual_seed(self.seed)
        batches = slices(rows)
        done = 0

        def update(strip: slice, x: torch.Tensor, slope: torch.Tensor, share: float) -> None:
            part = weights[strip]
            if settings.alpha:
                part.mul_(1 - step * settings.alpha * len(x))
            if rounded is weights:
                part.addmm_(x[:, strip].T, slope, alpha=-step)
            else:
                part.add_((x[:, strip].T @ slope).float(), alpha=-step)
                rounded[strip].copy_(part)
            if share:
                mean_weights[strip].lerp_(part, share)

        for _ in range(settings.epochs):
            shuffled = [batches[i] for i in torch.randperm(len(batches), generator=generator)]
            with self._cores() as each:
                for x, where in self._batches(shuffled):
                    y = self.there[where]
                    scores = self._scores(x, rounded, each) + intercept
                    hits = torch.zeros_like(scores).scatter_(1, y.unsqueeze(1), 1.0)
                    # The slope of the loss by the score; positives weigh 1.
                    slope = (scores + 1).clamp_(min=0).mul_(settings.negative_weight)
                    slope = torch.where(hits > 0, (scores - 1).clamp_(max=0), slope)
                    done += 1
                    # The plain mean of the weights in the first epoch, then an exponential mean over about an epoch.
                    share = min(1.0, AVERAGE_EVERY / min(done, len(batches)))
                    share *= done % AVERAGE_EVERY == 0 or done % len(batches) == 0

                    each(partial(update, x=x, slope=slope.to(self.dtype), share=share))
                    intercept.sub_(slope.sum(0), alpha=step * INTERCEPT_STEP)
                    if share:
                        mean_intercept.lerp_(intercept, share)
            require_finite(intercept)
            yield mean_weights, mean_intercept

    def loss(self, model: Model, rows: range) -> float:
        """Held-out loss of a model."""
        weights, intercept = model
        rounded = weights.to(self.dtype)
        # Room for all scores at once: small ones that stay, each between two large batches that are freed, would keep
        # the C library from using the memory of one batch for the next.
        scores = torch.empty((len(rows), self.n_classes), device=self.device)
        with self._cores() as each:
            for x, where in self._batches(slices([rows])):
                scores[where.start - rows.start : where.stop - rows.start] = self._scores(x, rounded, each) + intercept
        return held_out_error(scores.cpu(), self.targets[rows.start : rows.stop])

    def _scores(self, x: torch.Tensor, weights: torch.Tensor, each: Each) -> torch.Tensor:
        """(n, C) float32, the sum over the strips, in their order."""
        return torch.stack([part.float() for part in each(lambda strip: x[:, strip] @ weights[strip])]).sum(0)

    @contextmanager
    def _cores(self) -> Iterator[Each]:
        """A function that calls another for every strip, on all cores, and returns the results in order."""
        with torch_threads(1), threads(self.workers, "svm") as pool:
            yield lambda work: list(pool.map(work, self.strips))

    def _batches(self, wanted: list[slice]) -> Iterator[tuple[torch.Tensor, slice]]:
        """Centred rows in the product's dtype, made one batch ahead."""
        mean = self.mean.to(self.dtype)
        return self.rows.batches(wanted, lambda rows: rows.to(self.dtype, copy=True).sub_(mean))

    def _curvature(self) -> float:
        """Largest eigenvalue of a batch's Gram matrix, the mean of four batches: above 2 / it, a step diverges."""
        values = []
        starts = np.linspace(0, max(0, self.shape[0] - BATCH), 4).astype(int).tolist()
        for x, _ in self._batches([slice(start, start + BATCH) for start in starts]):
            gram = (x @ x.T).float()
            require_finite(gram)
            values.append(float(torch.linalg.eigvalsh(gram)[-1]))
        return max(float(np.mean(values)), 1e-6)


def require_finite(values: torch.Tensor) -> None:
    """DivergedError if one is not finite. One row that is not makes every sum over its batch so."""
    if not torch.isfinite(values).all():
        raise DivergedError("the features hold NaN or infinite values, or a step so long that the weights overflow")


def slices(rows: Sequence[range]) -> list[slice]:
    """Batches of neighbouring rows; a slice does not reach from one range into the next."""
    return [slice(a, min(a + BATCH, r.stop)) for r in rows for a in range(r.start, r.stop, BATCH)]


def held_out_error(scores: torch.Tensor, targets: torch.Tensor) -> float:
    """Mean of the top-1 and top-5 error; ties count against."""
    rank = (scores >= scores.gather(1, targets.unsqueeze(1))).sum(1)
    k = min(5, scores.shape[1] - 1)
    return float(((rank > 1).double().mean() + (rank > k).double().mean()) / 2)
