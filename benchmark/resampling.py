"""Bootstraps of the report: differences with their intervals, over images and over seeds, and where two curves cross.

Resampling is stratified by class, because validation sets are: each class keeps its size. Within a class of m images
m - 1 are drawn and averaged, and likewise of S seeds S - 1, so that the spread is right for small m and S too
(McCarthy & Snowden 1985); drawing all m would understate the variance by (m - 1)/m, half of it at two images a class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """Error of a minus error of b, and the interval of it; fractions."""

    value: float
    low: float
    high: float


class _Strata:
    """Draws class-stratified samples of images as weights that sum to one."""

    def __init__(self, labels: NDArray[Any]) -> None:
        _, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        if sizes.min() < 2:  # a class of one image has no spread of its own: give up the strata
            inverse, sizes = np.zeros(len(labels), dtype=np.int64), np.array([len(labels)])
        self.order = np.argsort(inverse, kind="stable")
        self.sizes = sizes
        self.n = len(labels)
        self._drawn = np.maximum(sizes - 1, 1)
        self._start = np.repeat(np.cumsum(sizes) - sizes, self._drawn)
        self._width = np.repeat(sizes, self._drawn)
        # What one draw counts: its class keeps its share of the images.
        self._weight = np.repeat(sizes / self.n / self._drawn, self._drawn)

    def weights(self, rng: np.random.Generator) -> Floats:
        place = self._start + rng.integers(0, self._width)
        drawn = np.bincount(place, self._weight, self.n)
        out = np.empty(self.n)
        out[self.order] = drawn
        return out

    def totals(self, outcome: NDArray[np.int64], rounds: int, rng: np.random.Generator) -> Floats:
        """(rounds,) resampled means of an outcome that is -1, 0 or 1: multinomial counts in place of single draws."""
        by_class = outcome[self.order]
        edges = np.cumsum(self.sizes) - self.sizes
        up = np.add.reduceat(by_class == 1, edges, dtype=np.float64) / self.sizes
        down = np.add.reduceat(by_class == -1, edges, dtype=np.float64) / self.sizes
        shares = np.stack([up, down, np.maximum(1 - up - down, 0)], axis=1)
        means = np.empty(rounds)
        scale = self.sizes / self.n / self._drawn
        for start in range(0, rounds, 100):  # bounded memory with 1,000 classes
            stop = min(start + 100, rounds)
            counts = rng.multinomial(self._drawn, shares, size=(stop - start, len(self.sizes)))
            means[start:stop] = ((counts[..., 0] - counts[..., 1]) * scale).sum(axis=1)
        return means


def _interval(value: float, samples: Floats, confidence: float) -> Difference:
    low, high = np.quantile(samples, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Difference(value, float(low), float(high))


def paired_difference(
    hits_a: NDArray[Any],
    hits_b: NDArray[Any],
    labels: NDArray[Any],
    *,
    rounds: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Error of a minus error of b on the same (n,) images, with the stratified paired percentile bootstrap."""
    outcome = np.asarray(hits_b, dtype=np.int64) - np.asarray(hits_a, dtype=np.int64)
    samples = _Strata(labels).totals(outcome, rounds, np.random.default_rng(seed))
    return _interval(float(outcome.mean()), samples, confidence)


def nested_difference(
    hits_a: NDArray[Any],
    hits_b: NDArray[Any],
    labels: NDArray[Any],
    *,
    rounds: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Difference:
    """The same over seeds × images: (S_a, n) and (S_b, n) hits, seeds and images drawn anew in each round.

    The interval then covers another training run as well as other images. One seed alone adds no spread of its own.
    """
    a, b = np.atleast_2d(np.asarray(hits_a, dtype=np.float64)), np.atleast_2d(np.asarray(hits_b, dtype=np.float64))
    rng, strata = np.random.default_rng(seed), _Strata(labels)
    samples = np.empty(rounds)
    for i in range(rounds):
        weights = strata.weights(rng)
        samples[i] = _redrawn(b, rng) @ weights - _redrawn(a, rng) @ weights
    return _interval(float(b.mean() - a.mean()), samples, confidence)


def nested_error(
    hits: NDArray[Any], labels: NDArray[Any], *, rounds: int = 1000, confidence: float = 0.95, seed: int = 0
) -> Difference:
    """The error of one contender, a mean over its seeds: (S, n) hits → value and interval over seeds × images."""
    always_right = np.ones((1, np.shape(hits)[-1]), dtype=bool)
    return nested_difference(hits, always_right, labels, rounds=rounds, confidence=confidence, seed=seed)


def _redrawn(hits: Floats, rng: np.random.Generator) -> Floats:
    seeds = len(hits)
    return hits[0] if seeds == 1 else np.asarray(hits[rng.integers(0, seeds, seeds - 1)].mean(axis=0))


def seeds_test(hits_a: NDArray[Any], hits_b: NDArray[Any], labels: NDArray[Any]) -> float:
    """Two-sided p for (S_a, n) against (S_b, n) hits: Welch's t over both sources of noise, images and seeds.

    McNemar's test speaks of two fitted models; with several seeds a side the claim is about the methods, so the
    spread between seeds is part of the noise. Degrees of freedom after Welch and Satterthwaite.
    """
    a, b = np.atleast_2d(np.asarray(hits_a, dtype=np.float64)), np.atleast_2d(np.asarray(hits_b, dtype=np.float64))
    gap = a.mean(axis=0) - b.mean(axis=0)
    strata = _Strata(labels)
    edges = np.cumsum(strata.sizes) - strata.sizes
    by_class = gap[strata.order]
    mean = np.add.reduceat(by_class, edges) / strata.sizes
    square = np.add.reduceat(by_class**2, edges) / strata.sizes
    spread = (square - mean**2) * strata.sizes / np.maximum(strata.sizes - 1, 1)
    parts = [(float(np.sum(strata.sizes * spread)) / strata.n**2, float(strata.n - len(strata.sizes)))]
    parts += [(float(x.mean(axis=1).var(ddof=1)) / len(x), len(x) - 1.0) for x in (a, b) if len(x) > 1]
    variance = sum(v for v, _ in parts)
    if variance <= 0:
        return 1.0 if gap.mean() == 0 else 0.0
    freedom = variance**2 / sum(v**2 / max(df, 1.0) for v, df in parts)
    return float(2 * stats.t.sf(abs(gap.mean()) / np.sqrt(variance), freedom))


@dataclass(frozen=True)
class Crossing:
    """Where two learning curves meet, in images per class. None where the measured curves do not meet.

    ``share``: in how many of the resampled validation sets they do; ``low`` and ``high`` hold the middle 95 % of those.
    """

    at: float | None
    low: float | None
    high: float | None
    share: float


def crossing(
    sizes: NDArray[Any],
    hits_a: NDArray[Any],
    hits_b: NDArray[Any],
    labels: NDArray[Any],
    *,
    rounds: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Crossing:
    """The last size at which the lead changes: (k,) sizes, (k, n) hits of both at each; straight lines over log size.

    Resampled over images, stratified, with the same images at every size. Nothing is extrapolated: curves that meet
    only beyond the measured sizes do not meet here.
    """
    log_size = np.log(np.asarray(sizes, dtype=np.float64))
    if len(log_size) < 2 or np.any(np.diff(log_size) <= 0):
        raise ValueError("a crossing needs two or more sizes, increasing")
    gap = np.asarray(hits_b, dtype=np.float64) - np.asarray(hits_a, dtype=np.float64)  # (k, n): error a - error b
    at = _last_zero(log_size, gap.mean(axis=1))
    rng, strata = np.random.default_rng(seed), _Strata(labels)
    draws = [_last_zero(log_size, gap @ strata.weights(rng)) for _ in range(rounds)]
    found = np.array([x for x in draws if x is not None])
    share = len(found) / rounds
    if at is None or not len(found):
        return Crossing(None if at is None else float(np.exp(at)), None, None, share)
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Crossing(float(np.exp(at)), float(np.exp(low)), float(np.exp(high)), share)


def _last_zero(x: Floats, y: Floats) -> float | None:
    """The last zero of the broken line through (x, y) at which its sign changes; None where it never does."""
    signs = np.sign(y)
    held = np.flatnonzero(signs)  # zeros between two signs are part of the change
    for i, j in zip(held[-2::-1], held[:0:-1], strict=True):
        if signs[i] != signs[j]:
            if j > i + 1:
                return float(x[i + 1 : j].mean())
            return float(x[i] + (x[j] - x[i]) * y[i] / (y[i] - y[j]))
    return None
