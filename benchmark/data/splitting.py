"""A stratified split where the data has none."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from .found import Part, take

VALIDATION = 0.2


def stratified(one: Part, seed: int) -> dict[str, Part]:
    """A fifth of each class for validation, at least one image where the class has two.

    Each image's place is drawn from the seed and its id alone, so that the same images split the same way wherever and
    however they are stored.
    """
    text = f"{seed}\0".encode()
    drawn = b"".join(
        hashlib.blake2b(text + image.encode("utf-8", "surrogateescape"), digest_size=8).digest() for image in one.ids
    )
    order = np.lexsort((np.frombuffer(drawn, "<u8"), one.labels))
    counts = np.bincount(one.labels)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    share = np.where(counts >= 2, np.maximum(1, np.rint(counts * VALIDATION)), 0)
    validation = place < share[one.labels]
    return {"train": take(one, np.flatnonzero(~validation)), "val": take(one, np.flatnonzero(validation))}


def stratified_sample(labels: NDArray[np.int64], n: int | None, seed: int) -> NDArray[np.int64]:
    """Sorted positions of at most ``n`` of the images, as level over the classes as can be, drawn by ``seed``."""
    if n is None or n >= len(labels):
        return np.arange(len(labels))
    shuffled = np.random.default_rng([seed, 2019]).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    place = np.arange(len(by_class)) - np.searchsorted(labels[by_class], labels[by_class])
    # Every class's first image, then every class's second; which classes have one more is drawn too.
    rounds = np.lexsort((np.random.default_rng([seed, 2020]).permutation(labels.max() + 1)[labels[by_class]], place))
    return np.sort(by_class[rounds[:n]])
