"""What every layout ends as: two splits of images with labels and ids, and a fingerprint over all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .images import LazyImages
from .sampling import stratified_sample
from .storage.ids import Ids
from .storage.left_out import LeftOut


@dataclass(frozen=True)
class Problem:
    """An image that was left out, for every contender alike. ``split`` is "train" or "val"."""

    split: str
    id: str
    reason: str


@dataclass(frozen=True)
class Split:
    """n images, their (n,) int64 labels into the data set's classes, and one id each, unique within the split."""

    images: LazyImages
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
        return self._of(np.sort(by_class[place < per_class]))

    def stratified(self, n: int, seed: int) -> Split:
        """At most ``n`` images, spread evenly over the classes, drawn by ``seed``; see ``stratified_sample``."""
        return self._of(stratified_sample(self.labels, n, seed))

    def _of(self, chosen: NDArray[np.int64]) -> Split:
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
    for every layout that holds the same images. problems: images that cannot be read.
    boxes: id of a validation image → (left, top, right, bottom), the first and last pixels of its object, where that is
    published. notes: sentences a report should show. left_out: what is there besides and not used, counted by reason.
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
    left_out: tuple[LeftOut, ...] = ()
    boxes: Mapping[str, tuple[int, int, int, int]] = field(default_factory=dict)


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
