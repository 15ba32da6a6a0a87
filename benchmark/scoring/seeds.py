"""A mean over several training runs on the same images, and how far off it may be: by other images and by other runs.

Hits are (S, n) arrays, a row a seed. Three things vary: images (some are hard for everybody), runs (a good seed), and
what of an image's answer changes from run to run. The last is part of both of the first two, and is counted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit


@dataclass(frozen=True)
class Mean:
    """``value``; its variance by ``images`` and by ``seeds``, the first of which falls with their number; freedom."""

    value: float
    images: float
    seeds: float
    freedom: float

    @property
    def error(self) -> float:
        """Standard error."""
        return float(np.sqrt(self.images + self.seeds))


def mean_over_seeds(
    hits: Sequence[NDArray[Any]], signs: Sequence[float], labels: NDArray[Any], least: float = 0.5
) -> Mean:
    """A signed sum of contenders' mean hits.

    hits: (S, n) a contender; signs: 1.0 of one alone, 1.0 and -1.0 of a difference; labels: (n,), the strata of images.
    Variances of a crossed design, seeds × images: that of images within classes, plus that of seeds, minus that of
    their interaction, which both hold. A contender of one seed adds no spread of its own. Degrees of freedom after
    Welch and Satterthwaite, at least 1.

    least: the variance is never below this share of the interaction's. Two or three seeds that happen to agree say too
    little; at 1, which is what the true variance cannot fall below, tests of a draw reject 1 to 3 % at a nominal 5.
    """
    rows = [np.asarray(h, dtype=np.float64) for h in hits]
    strata = Strata(labels)
    total = np.sum([sign * h.mean(axis=0) for sign, h in zip(signs, rows, strict=True)], axis=0)
    several = [h for h in rows if len(h) > 1]
    images = strata.variance(total)
    runs = [float(h.mean(axis=1).var(ddof=1)) / len(h) for h in several]
    both = [sum(strata.variance(row) for row in h - h.mean(axis=0)) / (len(h) * (len(h) - 1)) for h in several]
    variance = max(max(images - sum(both), 0.0) + sum(runs), least * sum(both))
    uncertain = images**2 / strata.freedom
    uncertain += sum(v**2 / (len(h) - 1) for v, h in zip(runs, several, strict=True))
    uncertain += sum(v**2 / ((len(h) - 1) * strata.freedom) for v, h in zip(both, several, strict=True))
    freedom = max(variance**2 / uncertain, 1.0) if uncertain > 0 else 1.0
    return Mean(float(total.mean()), min(images, variance), max(variance - images, 0.0), freedom)


def interval_over_seeds(hits: NDArray[Any], labels: NDArray[Any], confidence: float = 0.95) -> tuple[float, float]:
    """(low, high) of the mean of (S, n) hits: Wilson's interval for as many images as would be as uncertain.

    That number is p (1 - p) over the variance, seeds included, and Student's t takes the place of the normal, as is
    done for samples of a complex design (Franco et al. 2019). It stays within 0 and 1.
    """
    mean = mean_over_seeds([hits], [1.0], labels, least=1.0)
    p, error, freedom = mean.value, mean.error, mean.freedom
    n = p * (1 - p) / error**2 if error > 0 else np.inf
    if not 0 < p < 1:  # no spread to go by: as of one run
        n, freedom = float(len(labels)), np.inf
    t = -float(stdtrit(freedom, (1 - confidence) / 2))
    middle, half = p + t**2 / (2 * n), t * (p * (1 - p) / n + (t / (2 * n)) ** 2) ** 0.5
    return max((middle - half) / (1 + t**2 / n), 0.0), min((middle + half) / (1 + t**2 / n), 1.0)


class Strata:
    """Classes of images: validation sets are drawn class by class. Given up where a class has a single image."""

    def __init__(self, labels: NDArray[Any]) -> None:
        _, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        if sizes.min() < 2:
            inverse, sizes = np.zeros(len(labels), dtype=np.int64), np.array([len(labels)])
        self.of, self.sizes, self.n = inverse, sizes, len(labels)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of ``variance``."""
        return float(max(self.n - len(self.sizes), 1))

    def variance(self, values: NDArray[np.float64]) -> float:
        """Of the mean of (n,) values, images drawn within classes."""
        means = np.bincount(self.of, values) / self.sizes
        squares = np.bincount(self.of, (values - means[self.of]) ** 2)
        return float(np.sum(squares * self.sizes / np.maximum(self.sizes - 1, 1))) / self.n**2
