"""The one scorer: a ranking in, errors out. Every metric is a row of ``METRICS``. Ties count against the contender.

A hit at k is g + t <= k (pessimistic: constant scores score no hits below k = C); the expected credit of breaking
ties at random is clip((k - g) / t, 0, 1). Why: docs/report.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .ranking import Ranking
from .statistics import expected_credit, hits_at, wilson

FEW_IMAGES = 1000  # with fewer validation images an error is known to within several points only

Tree = NDArray[np.floating[Any]] | None  # (C, C) hierarchical cost of guessing column for row's truth


@dataclass(frozen=True)
class Metric:
    """A number that follows from a ranking. From this row come its CSV columns, its table column and its tooltip.

    name     the column; title: the heading in tables, where "" keeps it out of them
    compute  (ranking, tree) → the value as a fraction or a count; None where it does not apply
    better   which way is better: "lower", "higher", or "" for what is no merit
    text     how it is printed: "percent", "count" or "decimal"
    k        the guesses it allows, for those that come in several; None for others
    range    its 95 % interval over images, as (low, high); further columns ``<name>_low`` and ``<name>_high``
    """

    name: str
    title: str
    compute: Callable[[Ranking, Tree], float | int | None]
    better: Literal["lower", "higher", ""] = ""
    text: Literal["percent", "count", "decimal"] = "percent"
    help: str = ""
    k: int | None = None
    range: Callable[[Ranking], tuple[float, float]] | None = None


def decisive_k(n_classes: int) -> int:
    """The k of the top-k error that decides: 5, but 1 with ten classes or fewer, where top-5 tells hardly anything."""
    return 5 if n_classes > 10 else 1


def metrics(ranking: Ranking, tree: Tree = None) -> dict[str, float | int | None]:
    """Every metric of a ranking by its column. ``tree``: where the classes are synsets (``data.wordnet``)."""
    found: dict[str, float | int | None] = {}
    for metric in METRICS:
        found[metric.name] = metric.compute(ranking, tree)
        if metric.range is not None:
            found[f"{metric.name}_low"], found[f"{metric.name}_high"] = metric.range(ranking)
    return found


def columns() -> Sequence[str]:
    """The columns of all metrics, in order."""
    out = []
    for metric in METRICS:
        ends = () if metric.range is None else (f"{metric.name}_low", f"{metric.name}_high")
        out += [metric.name, *ends]
    return out


def _error(ranking: Ranking, tree: Tree, k: int) -> float:
    return 1 - int(hits_at(ranking.above, ranking.tied, k).sum()) / len(ranking.label)


def _error_range(ranking: Ranking, k: int) -> tuple[float, float]:
    n = len(ranking.label)
    return wilson(n - int(hits_at(ranking.above, ranking.tied, k).sum()), n)


def _expected_error(ranking: Ranking, tree: Tree, k: int) -> float:
    return float(1 - expected_credit(ranking.above, ranking.tied, k).mean())


def _chance(ranking: Ranking, tree: Tree, k: int) -> float:
    return 1 - min(k, ranking.n_classes) / ranking.n_classes


def _hierarchical(ranking: Ranking, tree: Tree) -> float | None:
    if tree is None:
        return None
    return float(_least_costs(ranking, tree, min(5, ranking.n_classes)).mean())


def _least_costs(ranking: Ranking, tree: NDArray[Any], k: int) -> NDArray[np.float64]:
    """(n,) the least cost among each image's k guesses. Of classes that tie for the last of them the costliest count.

    Ties are those of the stored scores. Where they go on beyond what is stored any other class may be among them.
    """
    costs = np.take_along_axis(np.asarray(tree, np.float64)[ranking.label], ranking.top_classes.astype(np.intp), axis=1)
    scores = ranking.top_scores
    last = scores[:, k - 1 : k]
    sure, tied = scores > last, scores == last
    least = np.where(sure, costs, np.inf).min(axis=1)
    places = k - sure.sum(axis=1)
    open_end = tied[:, -1] & (scores.shape[1] < ranking.n_classes)
    # The places go to the costliest of the tied, so what counts is the cheapest of those.
    dearest = -np.sort(np.where(tied, -costs, np.inf), axis=1)
    counted = np.take_along_axis(dearest, places[:, None] - 1, axis=1)[:, 0]
    for row in np.flatnonzero(open_end):
        known = ranking.top_classes[row][sure[row]]
        others = np.delete(np.asarray(tree, np.float64)[ranking.label[row]], known)
        counted[row] = -np.sort(-others)[places[row] - 1]
    return np.asarray(np.minimum(least, counted), dtype=np.float64)


_MISSED = {1: "the truth is not the first guess", 5: "the truth is not among the five best guesses"}

METRICS: list[Metric] = [
    Metric("n", "", lambda ranking, tree: len(ranking.label), text="count", help="validation images"),
    Metric("n_classes", "", lambda ranking, tree: ranking.n_classes, text="count", help="classes"),
    *(
        Metric(
            f"top{k}_err",
            f"top-{k} error",
            partial(_error, k=k),
            "lower",
            help=_MISSED[k],
            k=k,
            range=partial(_error_range, k=k),
        )
        for k in (1, 5)
    ),
    *(
        Metric(
            f"top{k}_expected_err",
            f"expected top-{k}",
            partial(_expected_error, k=k),
            "lower",
            help="with ties broken at random instead of against the contender",
            k=k,
        )
        for k in (1, 5)
    ),
    *(
        Metric(f"chance_top{k}", "", partial(_chance, k=k), help=f"top-{k} error of guessing at random", k=k)
        for k in (1, 5)
    ),
    Metric(
        "hierarchical_err",
        "hierarchical",
        _hierarchical,
        "lower",
        "decimal",
        "ILSVRC-2010: how far off in the WordNet tree, 0 right, 1 unrelated; ties count against the contender",
    ),
    Metric(
        "tied_images",
        "ties",
        lambda ranking, tree: int((ranking.tied > 1).sum()),
        text="count",
        help="images on which a class ties with the truth",
    ),
]
