"""Two contenders on the same images: a difference whose test and interval always decide alike.

One training run each: the mid-p McNemar test, and Tango's score interval. Several: Welch's t over seeds and images, and
its interval. Everything is a fraction, and a difference is the error of b minus the error of a: positive, a is better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, ndtri, stdtr, stdtrit

from .power import images_needed, images_needed_with_seeds
from .seeds import Mean, mean_over_seeds

Floats = NDArray[np.float64]
EDGE = 1e-9  # how far an interval's end is kept from 0 when the test has decided, and from -1 and 1


class Difference(Protocol):
    """``value``: error of b minus error of a; ``p``: two-sided. ``interval(alpha)`` holds 0 exactly when p >= alpha.

    ``needed(alpha)``: images that would tell the two apart four times in five, were the difference seen the true one;
    None where no number would.
    """

    @property
    def value(self) -> float: ...
    @property
    def p(self) -> float: ...
    def interval(self, alpha: float = 0.05) -> tuple[float, float]: ...
    def needed(self, alpha: float = 0.05) -> int | None: ...


def difference(hits_a: NDArray[Any], hits_b: NDArray[Any], labels: NDArray[Any]) -> Difference:
    """Of two contenders with (S_a, n) and (S_b, n) hits, a row a seed, on the same n images with (n,) labels."""
    a, b = np.atleast_2d(hits_a), np.atleast_2d(hits_b)
    if len(a) == len(b) == 1:
        return Tables(int(np.sum(a[0] & ~b[0])), int(np.sum(b[0] & ~a[0])), len(labels))
    return Means(mean_over_seeds([a, b], [1.0, -1.0], labels), len(labels))


@dataclass(frozen=True)
class Tables:
    """One training run each. ``only_a``: images that a gets and b misses; ``only_b``: the other way round; n: all.

    The mid-p McNemar test, which Fagerland, Lydersen and Laake (2013) recommend over the exact one, as that rejects too
    seldom; Tango's score interval (1998). About 0 the two differ on one table in 13,000 (up to 1,000 discordant images,
    at 5 %): there the end of the interval is moved to just this or just that side of 0, as the test says.
    """

    only_a: int
    only_b: int
    n: int

    @property
    def value(self) -> float:
        return (self.only_a - self.only_b) / self.n

    @property
    def p(self) -> float:
        return float(mcnemar(self.only_a, self.only_b))

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """(low, high): the differences that a score test at ``alpha`` does not reject."""
        z = -float(ndtri(alpha / 2))
        low, high = tango(self.only_a, self.only_b, self.n, z)
        if self.p >= alpha:
            return min(low, 0.0), max(high, 0.0)
        return (max(low, EDGE), high) if self.value > 0 else (low, min(high, -EDGE))

    def needed(self, alpha: float = 0.05) -> int | None:
        """By the exact power of the mid-p test."""
        return images_needed(self.only_a, self.only_b, self.n, alpha)


@dataclass(frozen=True)
class Means:
    """Several training runs: Welch's t and its interval for a mean over seeds and n images (see ``seeds``)."""

    mean: Mean
    n: int

    @property
    def value(self) -> float:
        return self.mean.value

    @property
    def p(self) -> float:
        if self.mean.error <= 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * stdtr(self.mean.freedom, -abs(self.value) / self.mean.error))

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """(low, high), within -1 and 1."""
        wide = self.mean.error * -float(stdtrit(self.mean.freedom, alpha / 2)) if self.mean.error > 0 else 0.0
        low, high = max(self.value - wide, -1.0), min(self.value + wide, 1.0)
        if self.p >= alpha:  # as the last digit may differ
            return min(low, 0.0), max(high, 0.0)
        return (max(low, EDGE), high) if self.value > 0 else (low, min(high, -EDGE))

    def needed(self, alpha: float = 0.05) -> int | None:
        """By the normal approximation."""
        return images_needed_with_seeds(self.mean, self.n, alpha)


def holm_levels(p: ArrayLike, alpha: float = 0.05) -> Floats:
    """The level that Holm's correction (1979) leaves to each of m tests: it rejects exactly those with p below it.

    alpha / m to the smallest p, alpha / (m - 1) to the next, and so on up to the first that is not rejected; that
    one's level is also that of all larger p. An interval at this level agrees with the decision.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    levels = alpha / (len(values) - np.arange(len(values)))
    kept = np.flatnonzero(values[order] >= levels)
    levels[kept[0] if len(kept) else len(levels) :] = levels[kept[0]] if len(kept) else 0.0
    out = np.empty_like(values)
    out[order] = levels
    return out


def mcnemar(only_a: ArrayLike, only_b: ArrayLike) -> Floats:
    """Two-sided mid-p of McNemar's test (McNemar 1947; Lancaster 1961) from discordant counts; arrays of any shape.

    Under "no difference" the images that only one of the two gets fall to either like a fair coin; of the table seen
    itself half the probability counts. No discordant image at all is p = 1.
    """
    a, b = np.asarray(only_a, dtype=np.int64), np.asarray(only_b, dtype=np.int64)
    least, n = np.minimum(a, b), np.maximum(a + b, 1)
    p = bdtr(least, n, 0.5) + np.where(least > 0, bdtr(np.maximum(least - 1, 0), n, 0.5), 0.0)
    return np.asarray(np.where(a == b, 1.0, np.minimum(1.0, p)), dtype=np.float64)


def tango(only_a: int, only_b: int, n: int, z: float) -> tuple[float, float]:
    """(low, high): Tango's score interval (1998) of the difference of two paired proportions, (only_a - only_b) / n.

    All differences d whose score statistic |only_a - only_b - n d| / √(n (2 q + d (1 - d))) is at most ``z``, with q
    the likeliest share of ``only_b`` were d the true difference. The ends are found as roots.
    """

    def statistic(d: float) -> float:
        linear = -only_a - only_b + (2 * n - only_a + only_b) * d
        q = (np.sqrt(max(linear**2 + 8 * n * only_b * d * (1 - d), 0.0)) - linear) / (4 * n)
        variance = n * (2 * q + d * (1 - d))
        return float((only_a - only_b - n * d) / np.sqrt(max(variance, 1e-300)))

    seen, edge = (only_a - only_b) / n, 1 - EDGE
    low = -1.0 if statistic(-edge) <= z else _falls_to(statistic, z, -edge, min(seen, edge))
    high = 1.0 if statistic(edge) >= -z else _falls_to(statistic, -z, max(seen, -edge), edge)
    return low, high


def _falls_to(falling: Callable[[float], float], value: float, low: float, high: float) -> float:
    """Where a falling function passes ``value`` between the two, by bisection: importing scipy.optimize takes longer
    than all of a report's roots."""
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > value else (low, middle)
    return (low + high) / 2
