"""The statistics of a report's first screen a second time, from the papers that name them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import stats
from scipy.optimize import brentq, minimize_scalar

POWER = 0.8


def wilson(errors: int, n: int) -> tuple[float, float]:
    """Wilson (1927), 95 %: the shares p with |errors / n - p| <= z √(p (1 - p) / n)."""
    z = stats.norm.ppf(0.975)
    middle, half = errors + z**2 / 2, z * np.sqrt(errors * (n - errors) / n + z**2 / 4)
    return (middle - half) / (n + z**2), (middle + half) / (n + z**2)


def mid_p(b: int, c: int) -> float:
    """McNemar's test, mid-p: twice the binomial tail, of the table seen only half."""
    if b == c:
        return 1.0
    tail = stats.binom.pmf(np.arange(min(b, c)), b + c, 0.5).sum()
    return float(min(1.0, 2 * (tail + stats.binom.pmf(min(b, c), b + c, 0.5) / 2)))


def tango(b: int, c: int, n: int, alpha: float) -> tuple[float, float]:
    """Tango (1998): the differences that a score test does not reject; the nuisance share by maximum likelihood."""

    def statistic(d: float) -> float:
        def loss(q: float) -> float:  # of the three cells b, c and the rest
            cells = [(b, q + d), (c, q), (n - b - c, 1 - 2 * q - d)]
            return -sum(count * np.log(max(p, 1e-300)) for count, p in cells if count)

        low, high = max(0.0, -d), (1 - d) / 2
        q = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
        return float((b - c - n * d) / np.sqrt(n * max(2 * q + d - d * d, 1e-300)))

    z, seen = stats.norm.isf(alpha / 2), (b - c) / n
    low = brentq(lambda d: statistic(d) - z, -0.9999, seen, xtol=1e-10)
    high = brentq(lambda d: statistic(d) + z, seen, 0.9999, xtol=1e-10)
    return float(low), float(high)


def power(n: int, b: float, c: float, alpha: float) -> float:
    """The chance that the mid-p test on n images gives p < alpha: summed over all numbers of discordant images."""
    m = np.arange(1, n + 1)
    weight = stats.binom.pmf(m, n, b + c)
    m, weight = m[weight > 1e-12], weight[weight > 1e-12]
    last = stats.binom.ppf(alpha / 2, m, 0.5)  # the largest count of the rarer kind that is rejected, or one more
    last -= 2 * stats.binom.cdf(last, m, 0.5) - stats.binom.pmf(last, m, 0.5) >= alpha
    share = b / (b + c)
    rejected = stats.binom.cdf(last, m, share) + stats.binom.cdf(last, m, 1 - share)
    return float((weight * rejected).sum())


def images_needed(b: int, c: int, n: int, alpha: float) -> tuple[int, int] | None:
    """(from, to): the power passes 80 % between them; it goes up in a saw's teeth, so there is no one number."""
    if b == c:
        return None
    share_b, share_c = b / n, c / n
    z = stats.norm.isf(alpha / 2) * np.sqrt(share_b + share_c) + stats.norm.ppf(POWER) * np.sqrt(
        share_b + share_c - (share_b - share_c) ** 2
    )
    guess = (z / (share_b - share_c)) ** 2  # Miettinen (1968)
    steps = np.unique((guess * np.linspace(0.85, 1.25, 41)).astype(int)).tolist()
    reached = [size for size in steps if size > 0 and power(size, share_b, share_c, alpha) >= POWER]
    missed = [size for size in steps if size < 1 or power(size, share_b, share_c, alpha) < POWER]
    step = max(int(guess * 0.01), 1)
    return min(reached) - step, max(missed) + step


def runs_not_told_apart(m: int, apart: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest runs of the ranking without a pair told apart."""
    whole = [
        (i, j) for i, j in combinations(range(m), 2) if not any(p in apart for p in combinations(range(i, j + 1), 2))
    ]
    return [(i, j) for i, j in whole if not any((a, b) != (i, j) and a <= i and j <= b for a, b in whole)]
