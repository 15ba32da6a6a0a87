"""The statistics of the report: pure functions over arrays, each checked in the tests against an outside reference.

``hits`` are (n,) boolean arrays, one entry an image; two contenders are compared on the same images in the same order.
Everything is a fraction, never per cent. Random resampling takes a seed and answers the same for the same seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .ranking import TOLERANCE

Hits = NDArray[np.bool_]
Floats = NDArray[np.float64]


def wilson(hits: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """(low, high): Wilson's score interval of a share of ``hits`` (0…n) out of ``n`` images; fractions.

    Wilson 1927; unlike the normal interval it stays inside [0, 1] and does not collapse at 0 or n hits.
    """
    if n <= 0 or not 0 <= hits <= n:
        raise ValueError(f"an interval needs 0 <= hits <= n and n > 0, not {hits} of {n}")
    z, share = NormalDist().inv_cdf((1 + confidence) / 2), hits / n
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
    return (0.0 if hits == 0 else low), (1.0 if hits == n else high)


def hits_at(above: NDArray[Any], tied: NDArray[Any], k: int) -> Hits:
    """(n,) bool. Pessimistic: the truth and all that tie with it must fit into the k best guesses."""
    return np.asarray(above, dtype=np.int64) + np.asarray(tied, dtype=np.int64) <= k


def expected_credit(above: NDArray[Any], tied: NDArray[Any], k: int) -> Floats:
    """(n,) in [0, 1]: the chance of a hit at k when ties are broken at random."""
    return np.asarray(np.clip((k - np.asarray(above)) / np.asarray(tied, dtype=np.float64), 0, 1), dtype=np.float64)


def discordant(hits: NDArray[Any]) -> NDArray[np.int64]:
    """(m, n) hits of m contenders → (m, m) counts: [a, b] is how many images a gets and b misses."""
    right = np.asarray(hits, dtype=np.float32)
    return np.asarray(np.rint(right @ (1 - right).T), dtype=np.int64)


def holm(p: ArrayLike) -> Floats:
    """Holm's step-down adjusted p values (Holm 1979): the chance of any false alarm in the family stays below alpha."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values)
    raised = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(raised, 1.0)
    return adjusted


def tie_groups(told_apart: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(m, m) symmetric "told apart" of ranked contenders → maximal runs (first, last) without a pair told apart.

    Runs of one are left out. Two runs may overlap: "not told apart" is not transitive. A pair outside every run may
    still be undecided when somebody between them is not; the table of pairs says so.
    """
    m, groups = len(told_apart), list[tuple[int, int]]()
    for first in range(m):
        last = first
        while last + 1 < m and not told_apart[last + 1, first : last + 1].any():
            last += 1
        if last > first and not (groups and groups[-1][1] >= last):
            groups.append((first, last))
    return groups


def error_consistency(hits_a: NDArray[Any], hits_b: NDArray[Any]) -> float | None:
    """Cohen's κ of "right or wrong" (Geirhos et al. 2020): 1 the same images, 0 as independent, < 0 complementary.

    None where both are always right or always wrong: there is nothing to agree on.
    """
    return consistency_from(float(np.mean(hits_a)), float(np.mean(hits_b)), float(np.mean(hits_a == hits_b)))


def consistency_from(share_a: float, share_b: float, agreed: float) -> float | None:
    """κ from both shares of hits and the share of images on which they agree."""
    chance = share_a * share_b + (1 - share_a) * (1 - share_b)
    return None if chance >= 1 else (agreed - chance) / (1 - chance)


@dataclass(frozen=True)
class Reliability:
    """Bins of equal width over confidence: shares of right answers, mean confidences, counts; NaN in empty bins."""

    confidence: Floats
    accuracy: Floats
    count: NDArray[np.int64]
    ece: float


def calibration(confidence: NDArray[Any], hit: NDArray[Any], bins: int = 15) -> Reliability:
    """Expected calibration error (Guo et al. 2017): the mean gap of confidence and accuracy, weighted by the bins.

    ``confidence``: (n,) probability of the first guess; ``hit``: (n,) whether it was right.
    """
    conf, right = np.asarray(confidence, dtype=np.float64), np.asarray(hit, dtype=np.float64)
    if not len(conf) or conf.min() < -TOLERANCE or conf.max() > 1 + TOLERANCE:
        raise ValueError("confidences are probabilities, one an image")
    conf = np.clip(conf, 0, 1)
    # Bin i is (i/bins, (i+1)/bins], as in the paper.
    index = np.clip(np.ceil(conf * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_conf = np.bincount(index, conf, bins) / count
        accuracy = np.bincount(index, right, bins) / count
    filled = count > 0
    ece = float(np.sum(count[filled] * np.abs(mean_conf - accuracy)[filled]) / len(conf))
    return Reliability(mean_conf, accuracy, count.astype(np.int64), ece)
