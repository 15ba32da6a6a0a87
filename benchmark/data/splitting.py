"""A stratified split where the data has none."""

from __future__ import annotations

import hashlib

import numpy as np

from .storage.found import FoundSplit, take

VALIDATION = 0.2


def stratified(one: FoundSplit, seed: int) -> dict[str, FoundSplit]:
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
