"""From a contender's scores to where each image's truth stands among them; what is stored of a cell.

For an image let g be the classes scored strictly above the truth (``above``) and t the classes tied with it, itself
included (``tied``): every top-k error, however ties are counted, follows from these two numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

STORED_RANKS = 20
Scale = Literal["probability", "log-probability"]
TOLERANCE = 1e-3  # by which an image's probabilities may miss a sum of one, and one of them the range 0 to 1


class ScoreError(ValueError):
    """The scores cannot be ranked; the message says which rule they break, and how to mend it."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"{fault}; answer one finite score per image and class of classes_")


@dataclass(frozen=True)
class Ranking:
    """What is kept of a contender's scores on n images: all that any metric up to k = 20 needs.

    label, above, tied: (n,) int32; top_classes: (n, m) int32, best first, ties by class index; top_scores: (n, m)
    float32, m = min(20, C).

    scale       "probability" or "log-probability" where the scores are such (see ``confidence_of``), else None
    confidence  (n,) float32, the probability given to the first guess; None where none is given
    """

    n_classes: int
    label: NDArray[np.int32]
    above: NDArray[np.int32]
    tied: NDArray[np.int32]
    top_classes: NDArray[np.int32]
    top_scores: NDArray[np.float32]
    scale: Scale | None = None
    confidence: NDArray[np.float32] | None = None


def align(
    scores: NDArray[np.floating[Any]], classes: NDArray[Any], n_images: int, n_classes: int
) -> NDArray[np.floating[Any]]:
    """Check a contender's answer and put its columns in the data set's class order: (n_images, n_classes).

    ``classes`` are the contender's ``classes_``: labels 0…C-1 in the order of its columns. A two-class (n,) answer is
    widened as scikit-learn means it: positive for the second class. Raises ScoreError.
    """
    scores = np.asarray(scores)
    if not np.issubdtype(scores.dtype, np.number) or np.iscomplexobj(scores):
        raise ScoreError(f"the scores are {scores.dtype}, not real numbers")
    if scores.ndim == 1 and n_classes == 2:
        scores = np.stack([-scores, scores], axis=1)
    if scores.shape != (n_images, n_classes):
        raise ScoreError(f"the scores have shape {scores.shape}, expected ({n_images}, {n_classes})")
    if not np.isfinite(scores).all():
        bad = ~np.isfinite(scores)
        raise ScoreError(f"{int(bad.sum())} of {scores.size} scores are not finite, first for image {_first(bad)}")
    classes = np.asarray(classes)
    if not np.array_equal(np.sort(classes), np.arange(n_classes)):
        raise ScoreError(f"classes_ is not a permutation of the {n_classes} training labels")
    if np.array_equal(classes, np.arange(n_classes)):
        return scores
    return scores[:, np.argsort(classes)]


def rank(scores: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]]) -> Ranking:
    """Rank the truth of each image among (n, C) finite scores in the data set's class order."""
    n, n_classes = scores.shape
    rows = np.arange(n)
    truth = scores[rows, labels][:, None]
    above = (scores > truth).sum(axis=1)
    tied = (scores == truth).sum(axis=1)
    kept = min(STORED_RANKS, n_classes)
    top = np.argsort(-scores, axis=1, kind="stable")[:, :kept]
    scale = confidence_of(scores)
    return Ranking(
        n_classes,
        labels.astype(np.int32),
        above.astype(np.int32),
        tied.astype(np.int32),
        top.astype(np.int32),
        np.take_along_axis(scores, top, axis=1).astype(np.float32),
        scale,
        None if scale is None else as_probability(scores[rows, top[:, 0]], scale),
    )


def as_probability(given: NDArray[np.floating[Any]], scale: Scale) -> NDArray[np.float32]:
    """Probabilities, float32, of what a contender gives as such or as their logarithms."""
    return np.asarray(np.clip(np.exp(given) if scale == "log-probability" else given, 0, 1), dtype=np.float32)


def confidence_of(scores: NDArray[np.floating[Any]]) -> Scale | None:
    """ "probability" or "log-probability" where every row sums to one (or its exponentials do), else None.

    Calibration is reported only then. (n, C) scores; the one tolerance for "is a probability" is ``TOLERANCE``.
    """
    if not len(scores):
        return None
    if (scores >= -TOLERANCE).all():
        return "probability" if np.allclose(scores.sum(axis=1), 1, atol=TOLERANCE, rtol=0) else None
    if (scores <= TOLERANCE).all():
        total = np.exp(np.minimum(scores, 0.0), dtype=np.float64).sum(axis=1)
        return "log-probability" if np.allclose(total, 1, atol=TOLERANCE, rtol=0) else None
    return None


def _first(bad: NDArray[np.bool_]) -> int:
    return int(np.argmax(bad.any(axis=1)))
