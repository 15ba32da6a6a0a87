"""How many images it takes to tell two contenders apart, were the shares seen the true ones."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, gammaln, ndtri, xlog1py, xlogy

from .seeds import Mean

POWER = 0.8
MANY = 20_000  # images, above which the formula is within a thousandth of the exact number


def power(n: int, only_a: float, only_b: float, alpha: float = 0.05) -> float:
    """The exact chance that the mid-p McNemar test on n images answers p < alpha.

    only_a, only_b: the shares of images that only one of the two gets. Summed over the number of discordant images,
    which is binomial, and over how they fall; what lies beyond eight standard deviations is left out.
    """
    discordant = only_a + only_b
    wide = 8 * np.sqrt(n * discordant * (1 - discordant)) + 8
    m = np.arange(max(1, int(n * discordant - wide)), min(n, int(n * discordant + wide)) + 1)
    c, share = _last_rejected(m, alpha), only_a / discordant
    rejected = bdtr(c, m, share) + bdtr(c, m, 1 - share)
    return float(np.sum(_binomial(m, n, discordant) * np.where(c < 0, 0.0, rejected)))


def _binomial(m: NDArray[np.int64], n: int, share: float) -> NDArray[np.float64]:
    """The chance of m out of n."""
    ways = gammaln(n + 1) - gammaln(m + 1) - gammaln(n - m + 1)
    return np.asarray(np.exp(ways + xlogy(m, share) + xlog1py(n - m, -share)), dtype=np.float64)


def _last_rejected(m: NDArray[np.int64], alpha: float) -> NDArray[np.float64]:
    """The largest count of the rarer kind among m discordant images whose mid-p is below alpha; -1: none."""

    def rejected(c: NDArray[np.float64]) -> NDArray[np.bool_]:
        below = np.where(c < 1, 0.0, bdtr(np.maximum(c - 1, 0), m, 0.5))
        return np.asarray((c >= 0) & (below + bdtr(np.maximum(c, 0), m, 0.5) < alpha))

    c: NDArray[np.float64] = np.maximum(np.floor((m + ndtri(alpha / 2) * np.sqrt(m)) / 2), -1.0)
    while (more := rejected(c + 1)).any():
        c += more
    while (less := ~rejected(c) & (c >= 0)).any():
        c -= less
    return c


@lru_cache(maxsize=4096)
def images_needed(only_a: int, only_b: int, n: int, alpha: float = 0.05, chance: float = POWER) -> int | None:
    """How many images tell the two apart with that ``chance``, were the shares seen on n images the true ones.

    The exact power of the mid-p test, searched from Miettinen's formula (1968). None: both miss equally many.
    """
    a, b = only_a / n, only_b / n
    if a == b:
        return None
    z = -float(ndtri(alpha / 2))
    root = (z * np.sqrt(a + b) + ndtri(chance) * np.sqrt(max(a + b - (a - b) ** 2, 0.0))) / abs(a - b)
    if root**2 > MANY:
        return int(np.ceil(root**2))
    for _ in range(3):  # the normal deviate of the power is close to a straight line over √n
        reached = power(max(int(root**2), 1), a, b, alpha)
        root *= (z + ndtri(chance)) / (z + ndtri(min(max(reached, 0.02), 0.999)))
    low, high = int(0.995 * root**2) - 1, int(1.005 * root**2) + 2
    while low > 0 and power(low, a, b, alpha) >= chance:
        low = int(0.8 * low) - 1
    while power(high, a, b, alpha) < chance:
        high = int(1.2 * high) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle, a, b, alpha) >= chance else (middle, high)
    return high


def images_needed_with_seeds(mean: Mean, n: int, alpha: float = 0.05, chance: float = POWER) -> int | None:
    """The same for a difference over several seeds on n images, by the normal approximation; None where no number of
    images would, as other training runs differ too much."""
    allowed = (mean.value / (ndtri(chance) - ndtri(alpha / 2))) ** 2 - mean.seeds
    return int(np.ceil(n * mean.images / allowed)) if allowed > 0 else None
