"""What every layout ends as: two splits of images with labels and ids, and a fingerprint over all of it."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from .images import Images

_AT_ONCE = 65536  # ids that are copied in one go: the places of all their letters take eight bytes each


class Ids(Sequence[str]):
    """Strings in one buffer: 1.3 million ids take 40 MB, where a list of str takes 120."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        joined, lengths = bytearray(), array("q", [0])
        for text in texts:
            encoded = text.encode("utf-8", "surrogateescape")
            joined += encoded
            lengths.append(len(encoded))
        self.ends = np.cumsum(np.frombuffer(lengths, np.int64))
        self.text = np.frombuffer(bytes(joined), np.uint8)

    @classmethod
    def of(cls, text: NDArray[np.uint8], ends: NDArray[np.int64]) -> Ids:
        """From the UTF-8 ``text`` of all, and the (n + 1,) places where each begins and the last ends."""
        ids = cls()
        ids.text, ids.ends = text, ends
        return ids

    def __len__(self) -> int:
        return len(self.ends) - 1

    @overload
    def __getitem__(self, i: int) -> str: ...
    @overload
    def __getitem__(self, i: slice) -> list[str]: ...
    def __getitem__(self, i: int | slice) -> str | list[str]:
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        if not -len(self) <= i < len(self):
            raise IndexError(f"id {i} of {len(self)}")
        i = int(i) % len(self)
        return bytes(self.text[self.ends[i] : self.ends[i + 1]]).decode("utf-8", "surrogateescape")

    def take(self, chosen: NDArray[np.integer[Any]]) -> Ids:
        """The ids at ``chosen``, in that order."""
        if len(chosen) == len(self) and np.array_equal(chosen, np.arange(len(self))):
            return self
        starts, lengths = self.ends[:-1][chosen], np.diff(self.ends)[chosen]
        ends = np.concatenate([[0], np.cumsum(lengths)])
        text = np.empty(ends[-1], np.uint8)
        for i in range(0, len(chosen), _AT_ONCE):
            some = slice(i, i + _AT_ONCE)
            first, last = ends[i], ends[min(i + _AT_ONCE, len(chosen))]
            text[first:last] = self.text[
                np.arange(first, last) + np.repeat(starts[some] - ends[:-1][some], lengths[some])
            ]
        return Ids.of(text, ends)


@dataclass(frozen=True)
class Problem:
    """An image that was left out, for every contender alike. ``split`` is "train" or "val"."""

    split: str
    id: str
    reason: str


@dataclass(frozen=True)
class Split:
    """n images, their (n,) int64 labels into the data set's classes, and one id each, unique within the split."""

    images: Images
    labels: NDArray[np.int64]
    ids: Sequence[str]

    def __len__(self) -> int:
        return len(self.labels)

    def nested(self, per_class: int, seed: int) -> Split:
        """At most ``per_class`` images of each class, drawn by ``seed``: a larger draw holds every smaller one."""
        shuffled = np.random.default_rng([seed, 2012]).permutation(len(self.labels))
        by_class = shuffled[np.argsort(self.labels[shuffled], kind="stable")]
        sorted_labels = self.labels[by_class]
        place = np.arange(len(by_class)) - np.searchsorted(sorted_labels, sorted_labels)
        chosen = np.sort(by_class[place < per_class])
        known = self.images.fingerprint
        ids = [self.ids[int(i)] for i in chosen]
        fingerprint = None
        if known is not None:
            fingerprint = hashlib.blake2b(known.encode() + chosen.tobytes(), digest_size=16).hexdigest()
        return Split(self.images.take(chosen, fingerprint), self.labels[chosen], ids)


@dataclass(frozen=True)
class Dataset:
    """A data set as every contender sees it.

    name: short and safe as a file name. layout: what was found on the disk, in words. classes: ids, for instance
    WordNet ids; class_names: the same, readable. fingerprint: hex, over ids, labels and bytes of both splits, the same
    for every layout that holds the same images. problems: images left out. notes: sentences a report should show.
    """

    name: str
    title: str
    description: str
    layout: str
    classes: tuple[str, ...]
    class_names: tuple[str, ...]
    train: Split
    val: Split
    fingerprint: str
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def split_fingerprint(ids: Ids, labels: NDArray[np.int64], digests: NDArray[np.uint8]) -> str:
    """Hex over one split: ids, labels and per-image (n, 16) digests, in their order."""
    state = hashlib.blake2b(digest_size=16)
    for column in (ids.ends.astype("<i8"), ids.text, labels.astype("<i8"), digests):
        state.update(np.ascontiguousarray(column).data)
    return state.hexdigest()


def dataset_fingerprint(classes: Sequence[str], train: Split, val: Split) -> str:
    """Hex over the class ids in their order and the fingerprints of both splits."""
    text = "\0".join([*classes, str(train.images.fingerprint), str(val.images.fingerprint)])
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def pixel_digests(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, 16) digests of images held in memory."""
    made = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in pixels]
    return np.frombuffer(b"".join(made), np.uint8).reshape(-1, 16)


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
