"""CIFAR-10 and CIFAR-100 as published for C programs: a byte or two of labels and 3,072 of pixels a picture."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ..storage import cache
from ..storage.found import Found
from ..storage.left_out import NOT_IMAGE, Tally
from ..storage.location import Location
from ..storage.reader import MAX_BYTES
from .pixels import Pixels, from_pixels

_PIXELS = 3 * 32 * 32
_TEN = {**{f"data_batch_{i}.bin": "train" for i in range(1, 6)}, "test_batch.bin": "test"}
_HUNDRED = {"train.bin": "train", "test.bin": "test"}


def matches(location: Location) -> bool:
    """By the files' names."""
    if not (location.is_folder or location.is_archive):
        return False
    tree = location.tree
    return tree.has("test_batch.bin") or (tree.has("train.bin") and tree.has("fine_label_names.txt"))


def read(location: Location) -> Found:
    """The data set; CIFAR-100 by its fine labels. Raises InputError."""
    tree = location.tree
    ten = tree.has("test_batch.bin")
    listed = "batches.meta.txt" if ten else "fine_label_names.txt"
    order = tree.text(listed).split() if tree.has(listed) else None
    files = {name: split for name, split in (_TEN if ten else _HUNDRED).items() if tree.has(name)}
    parts = []
    for split in ("train", "test"):
        own = [name for name, of in files.items() if of == split]
        data = np.frombuffer(b"".join(tree.bytes(name, MAX_BYTES) for name in own), np.uint8)
        labels = 1 if ten else 2
        if len(data) % (labels + _PIXELS):
            raise InputError(f"{tree.path}: the files of {split} are no whole number of pictures; download them again")
        rows = data.reshape(-1, labels + _PIXELS)
        images = rows[:, labels:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        parts.append(Pixels(split, images, rows[:, labels - 1].astype(np.int64), f"{tree.path}: {split}"))
    others = Tally()
    for name in tree.names:
        if name not in files:
            others.add(NOT_IMAGE, name, told=False)
    stamps = [cache.stamp(tree.where(name)) for name in files] if location.is_folder else [cache.stamp(tree.path)]
    layout = f"CIFAR-{10 if ten else 100} (binary)"
    return from_pixels(layout, parts, stamps, order, left_out=others.all())
