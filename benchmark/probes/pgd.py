"""Projected gradient descent: the white-box attack, for contenders that have a gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .contract import Pixels
from .search import Scores, Searched, checkpoints, margins, stacked

Gradient = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.floating[Any]]]


def pgd(
    scores: Scores,
    gradient: Gradient,
    images: Sequence[Pixels],
    labels: NDArray[np.int64],
    generators: Sequence[np.random.Generator],
    epsilon: int,
    steps: int,
) -> Searched:
    """Climb the loss by the sign of its gradient, within ±``epsilon`` of 255, from a random start.

    Madry, Makelov, Schmidt, Tsipras and Vladu, "Towards deep learning models resistant to adversarial attacks", ICLR
    2018: steps of 2.5 ε / ``steps``, each projected onto the box. Deviates: what is scored, and kept, is each state
    rounded to whole values, so that it could be stored; the state itself is not rounded. An image that is broken is not
    attacked further. ``Searched.queries`` are steps.
    """
    best, least = list(images), np.full(len(images), np.inf)
    queries = np.zeros(len(images), np.int64)
    starts = zip(images, generators, strict=True)
    states = [_box(image + rng.uniform(-epsilon, epsilon, image.shape), image, epsilon) for image, rng in starts]
    noted, stops = [], checkpoints(steps)
    for step in range(1, steps + 1):
        still = np.flatnonzero(least > 0).tolist()
        for shape in sorted({images[k].shape for k in still}):
            those = [k for k in still if images[k].shape == shape]
            slope = np.asarray(gradient(np.stack([states[k] for k in those]), labels[those]))
            for k, one in zip(those, slope, strict=True):
                states[k] = _box(states[k] + 2.5 * epsilon / steps * np.sign(one), images[k], epsilon)
        if len(still):
            tried = [np.asarray(np.rint(states[k]), np.uint8) for k in still]
            queries[still] += 1
            for k, image, margin in zip(still, tried, margins(scores(stacked(tried)), labels[still]), strict=True):
                if margin < least[k]:
                    best[k], least[k] = image, margin
        if step in stops:
            noted.append(least.copy())
    return Searched(queries, np.array(noted).reshape(len(stops), len(images)), best)


def _box(state: NDArray[Any], image: Pixels, epsilon: int) -> NDArray[np.float32]:
    """``state`` brought back to within ±``epsilon`` of ``image``, and of 0 … 255."""
    low, high = np.maximum(image.astype(float) - epsilon, 0), np.minimum(image.astype(float) + epsilon, 255)
    return np.asarray(np.clip(state, low, high), np.float32)
