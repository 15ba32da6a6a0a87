"""Some images of many, spread over the classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def spread(labels: NDArray[np.int64], limit: int | None) -> NDArray[np.int64]:
    """Sorted positions of at most ``limit`` images, spread evenly over the classes and over each class's images."""
    if limit is None or limit >= len(labels):
        return np.arange(len(labels))
    by_class = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    starts = np.cumsum(counts) - counts
    shares = _shares(counts, limit)
    chosen = [
        by_class[start + np.arange(share) * count // share]
        for start, count, share in zip(starts, counts, shares, strict=True)
        if share
    ]
    return np.sort(np.concatenate(chosen))


def _shares(counts: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """How many of each class: level, as far as the counts allow; what is left over goes to evenly spaced classes."""
    shares = np.zeros_like(counts)
    while (left := limit - int(shares.sum())) > 0:
        open_classes = np.flatnonzero(shares < counts)
        level = left // len(open_classes)
        if level == 0:
            shares[open_classes[np.arange(left) * len(open_classes) // left]] += 1
            break
        shares[open_classes] = np.minimum(counts[open_classes], shares[open_classes] + level)
    return shares


def stratified_sample(labels: NDArray[np.int64], n: int, seed: int) -> NDArray[np.int64]:
    """Sorted positions of at most ``n`` images, spread evenly over the classes and drawn by ``seed`` within each.

    Where ``n`` is no multiple of the number of classes, the seed also draws which classes give one more. A sample of
    more images need not contain one of fewer.
    """
    random = np.random.default_rng([seed, 1958])
    shuffled = random.permutation(len(labels))
    if n >= len(labels):
        return np.arange(len(labels))
    counts = np.bincount(labels)
    turn = random.permutation(len(counts))
    shares = np.empty_like(counts)
    shares[turn] = _shares(counts[turn], n)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    place = np.arange(len(by_class)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(by_class[place < np.repeat(shares, counts)])
