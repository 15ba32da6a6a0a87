"""The statistics of the report: pure functions over arrays, each checked in the tests against an outside reference.

Errors are fractions. ``hits`` are boolean arrays over the same images in the same order.
"""

from __future__ import annotations

from statsmodels.stats.proportion import proportion_confint


def wilson(hits: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """(low, high): Wilson's score interval of a share of ``hits`` (0…n) out of ``n`` images; fractions.

    Wilson 1927; unlike the normal interval it stays inside [0, 1] and does not collapse at 0 or n hits.
    """
    if n <= 0 or not 0 <= hits <= n:
        raise ValueError(f"an interval needs 0 <= hits <= n and n > 0, not {hits} of {n}")
    low, high = proportion_confint(hits, n, alpha=1 - confidence, method="wilson")
    return float(low), float(high)
