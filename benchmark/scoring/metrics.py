"""The one scorer: a ranking in, top-k errors out. Ties count against the contender.

A hit at k is g + t <= k (pessimistic: constant scores score no hits below k = C); the expected credit of breaking
ties at random is clip((k - g) / t, 0, 1). Why: docs/report.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.wordnet import hierarchical_cost, known
from .ranking import Ranking
from .statistics import expected_credit, hits_at, wilson

FEW_IMAGES = 1000  # with fewer validation images an error is known to within several points only


def decisive_k(n_classes: int) -> int:
    """The k of the top-k error that decides: 5, but 1 with ten classes or fewer, where top-5 tells hardly anything."""
    return 5 if n_classes > 10 else 1


def metrics(ranking: Ranking, costs: NDArray[np.floating[Any]] | None = None) -> dict[str, Any]:
    """The columns of a result: errors as fractions with 95 % Wilson intervals, chance levels, ties.

    ``costs``: (C, C) hierarchical cost of guessing column for row's truth, where the classes are synsets.
    """
    n = len(ranking.label)
    result: dict[str, Any] = {"n": n, "n_classes": ranking.n_classes}
    for k in (1, 5):
        right = int(hits_at(ranking.above, ranking.tied, k).sum())
        low, high = wilson(n - right, n)
        result[f"top{k}_err"] = 1 - right / n
        result[f"top{k}_err_low"], result[f"top{k}_err_high"] = float(low), float(high)
        result[f"top{k}_expected_err"] = float(1 - expected_credit(ranking.above, ranking.tied, k).mean())
        result[f"chance_top{k}"] = 1 - min(k, ranking.n_classes) / ranking.n_classes
    result["tied_images"] = int((ranking.tied > 1).sum())
    result["hierarchical_err"] = None
    if costs is not None:
        guesses = ranking.top_classes[:, : min(5, ranking.n_classes)]
        result["hierarchical_err"] = float(costs[ranking.label[:, None], guesses].min(axis=1).mean())
    return result


def costs_of(classes: Sequence[str]) -> NDArray[np.float64] | None:
    """(C, C) ILSVRC-2010's hierarchical costs where all the classes are synsets, else None."""
    return hierarchical_cost(classes) if known(classes) else None
