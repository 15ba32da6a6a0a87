"""Bootstraps of the report: errors and differences over images and over seeds, and where two learning curves cross.

Resampling is stratified by class, because validation sets are: each class keeps its size. Within a class of m images
m - 1 are drawn and averaged, and likewise of S seeds S - 1, so that the spread is right for small m and S too
(McCarthy & Snowden 1985); drawing all m would understate the variance by (m - 1)/m, half of it at two images a class.
All contenders see the same resampled images in each round, which is what makes their differences paired.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CHUNK = 2**22  # weights held at a time: 16 MiB of float32


class _Strata:
    """Draws class-stratified samples of images as weights that sum to one."""

    def __init__(self, labels: NDArray[Any]) -> None:
        _, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        if sizes.min() < 2:  # a class of one image has no spread of its own: give up the strata
            inverse, sizes = np.zeros(len(labels), dtype=np.int64), np.array([len(labels)])
        self.order = np.argsort(inverse, kind="stable")
        self.sizes = sizes
        self.n = len(labels)
        drawn = np.maximum(sizes - 1, 1)
        self._start = np.repeat(np.cumsum(sizes) - sizes, drawn)
        self._width = np.repeat(sizes, drawn)
        # What one draw counts: its class keeps its share of the images.
        self._weight = np.repeat(sizes / self.n / drawn, drawn)

    def weights(self, rounds: int, rng: np.random.Generator) -> Iterator[NDArray[np.float32]]:
        """Chunks of (r, n) float32 weights over the images in their own order, ``rounds`` rows in all."""
        step = max(1, CHUNK // self.n)
        for start in range(0, rounds, step):
            rows = min(step, rounds - start)
            out = np.empty((rows, self.n), dtype=np.float32)
            for row in out:
                row[self.order] = np.bincount(self._start + rng.integers(0, self._width), self._weight, self.n)
            yield out


def resampled_errors(
    hits: Sequence[NDArray[Any]], labels: NDArray[Any], *, rounds: int = 2000, seed: int = 0
) -> Floats:
    """(rounds, m) errors of m contenders, each a mean over its seeds, under resampled images and resampled seeds.

    ``hits``: one (S, n) array a contender, S seeds on the same n images; ``labels``: (n,). Column differences are the
    paired bootstrap. With several seeds the spread covers another training run as well as other images; a single
    seed adds no spread of its own.
    """
    rng, strata = np.random.default_rng(seed), _Strata(labels)
    stacked = np.concatenate([np.atleast_2d(h) for h in hits]).astype(np.float32)
    errors = np.concatenate([1 - w @ stacked.T for w in strata.weights(rounds, rng)]).astype(np.float64)
    out, first = np.empty((rounds, len(hits))), 0
    for i, h in enumerate(hits):
        seeds = len(np.atleast_2d(h))
        pick = rng.integers(0, seeds, (rounds, max(seeds - 1, 1)))
        out[:, i] = np.take_along_axis(errors[:, first : first + seeds], pick, axis=1).mean(axis=1)
        first += seeds
    return out


def interval(samples: NDArray[Any], confidence: float = 0.95) -> tuple[float, float]:
    """(low, high): the middle ``confidence`` of the samples, the percentile interval."""
    low, high = np.quantile(samples, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Crossing:
    """Where two learning curves meet, in images per class. ``at`` None: the measured curves do not meet.

    share      in how many of the resamples they do
    low, high  the middle 95 % of all resamples; 0 and infinity stand for below and above the sizes measured, where the
               curves of a resample that do not meet must do so: whose lead it shows tells on which side
    """

    at: float | None
    low: float
    high: float
    share: float


def crossing(
    sizes: NDArray[Any],
    hits_a: Sequence[NDArray[Any]],
    hits_b: Sequence[NDArray[Any]],
    labels: NDArray[Any],
    *,
    rounds: int = 1000,
    seed: int = 0,
) -> Crossing:
    """The last size at which the lead changes: (k,) sizes, (S, n) hits of both at each; straight lines over log size.

    Resampled over images, stratified, the same ones at every size; and where there are several seeds, over seeds, of
    either side at each size apart: each seed is another training on another subset. Nothing is extrapolated: curves
    that meet only beyond the measured sizes do not meet here.
    """
    log_size = np.log(np.asarray(sizes, dtype=np.float64))
    if len(log_size) < 2 or np.any(np.diff(log_size) <= 0):
        raise ValueError("a crossing needs two or more sizes, increasing")
    errors = resampled_errors([*hits_a, *hits_b], labels, rounds=rounds, seed=seed)
    gaps = errors[:, : len(log_size)] - errors[:, len(log_size) :]  # (rounds, k): error a - error b
    measured = np.array([np.mean(b) - np.mean(a) for a, b in zip(hits_a, hits_b, strict=True)])
    at, ahead = _last_zero(log_size, measured), measured[np.flatnonzero(measured)[-1:]]
    found = [_last_zero(log_size, row) for row in gaps]
    # Above the crossing the leader at the largest size is ahead: one that is ahead everywhere meets the other below.
    beyond = [-np.inf if row[-1] * (ahead[0] if len(ahead) else 1) > 0 else np.inf for row in gaps]
    where = np.array([other if x is None else x for x, other in zip(found, beyond, strict=True)])
    low, high = np.quantile(where, [0.025, 0.975], method="nearest")
    share = float(np.mean([x is not None for x in found]))
    return Crossing(None if at is None else float(np.exp(at)), float(np.exp(low)), float(np.exp(high)), share)


def _last_zero(x: NDArray[Any], y: NDArray[Any]) -> float | None:
    """The last zero of the broken line through (x, y) at which its sign changes; None where it never does."""
    signs = np.sign(y)
    held = np.flatnonzero(signs)  # zeros between two signs are part of the change
    for i, j in zip(held[-2::-1], held[:0:-1], strict=True):
        if signs[i] != signs[j]:
            if j > i + 1:
                return float(x[i + 1 : j].mean())
            return float(x[i] + (x[j] - x[i]) * y[i] / (y[i] - y[j]))
    return None
