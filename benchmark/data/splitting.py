"""A stratified split where the data has none."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from .storage.found import FoundSplit, take

VALIDATION = 0.2


def stratified(one: FoundSplit, seed: int, copies: NDArray[np.int64] | None = None) -> dict[str, FoundSplit]:
    """A fifth of each class for validation, at least one image where the class has two.

    Each image's place is drawn from the seed and its id alone, so that the same images split the same way wherever and
    however they are stored. copies (k, 2): positions of an image and of one that it is a copy of; they stay on one
    side, which is drawn for the class of the first of them.
    """
    text = f"{seed}\0".encode()
    drawn = b"".join(
        hashlib.blake2b(text + image.encode("utf-8", "surrogateescape"), digest_size=8).digest() for image in one.ids
    )
    order = np.lexsort((np.frombuffer(drawn, "<u8"), one.labels))
    counts = np.bincount(one.labels)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    share = np.where(counts >= 2, np.maximum(1, np.rint(counts * VALIDATION)), 0).astype(np.int64)
    validation = place < share[one.labels]
    if copies is not None and len(copies):
        validation = _together(one.labels, order, share, validation, copies)
    return {"train": take(one, np.flatnonzero(~validation)), "val": take(one, np.flatnonzero(validation))}


def _together(
    labels: NDArray[np.int64],
    order: NDArray[np.int64],
    share: NDArray[np.int64],
    validation: NDArray[np.bool_],
    copies: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """The classes that hold copies drawn anew: an image and its copies at a time, as far as the share allows.

    A set of copies belongs to the first class that holds one of them; in other classes its members go where it goes.
    """
    of = {i: group for group in _groups(copies) for i in group}
    touched = sorted({int(labels[i]) for i in of})
    validation = np.where(np.isin(labels, touched), False, validation)
    drawn: set[int] = set()  # the images whose side an earlier class has drawn
    for label in touched:
        own = order[labels[order] == label].tolist()
        taken = sum(bool(validation[i]) for i in own)
        units = []
        for i in own:
            if i not in drawn:
                units.append(of.get(i, [i]))
                drawn.update(units[-1])
        sizes = [sum(int(labels[i]) == label for i in unit) for unit in units]
        for unit, size in zip(units, sizes, strict=True):
            if taken + size <= share[label]:
                validation[unit] = True
                taken += size
        # None is as small as the share: the smallest, unless it is the whole class.
        if not taken and share[label] and len(units) > 1:
            validation[units[sizes.index(min(sizes))]] = True
    return validation


def _groups(pairs: NDArray[np.int64]) -> list[list[int]]:
    """Sets of images that pairs connect."""
    leader: dict[int, int] = {}

    def find(i: int) -> int:
        while leader.setdefault(i, i) != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for a, b in pairs.tolist():
        leader[find(a)] = find(b)
    found: dict[int, list[int]] = {}
    for i in sorted(leader):
        found.setdefault(find(i), []).append(i)
    return list(found.values())
