"""STL-10 as it was published: ``train_X.bin``, ``train_y.bin`` and so on."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ..storage import cache
from ..storage.found import Found
from ..storage.left_out import NO_LABEL, NOT_IMAGE, Tally
from ..storage.location import Location
from ..storage.reader import MAX_BYTES
from .pixels import Pixels, from_pixels

_SIDE = 96
_BYTES = 3 * _SIDE * _SIDE
_FILES = {"train": ("train_X.bin", "train_y.bin"), "test": ("test_X.bin", "test_y.bin")}
_UNLABELLED = "unlabeled_X.bin"


def matches(location: Location) -> bool:
    """By the names of the training files."""
    return (location.is_folder or location.is_archive) and all(map(location.tree.has, _FILES["train"]))


def read(location: Location) -> Found:
    """5,000 + 8,000 pictures of ten classes; the 100,000 without a label are not used. Raises InputError."""
    tree = location.tree
    order = tree.text("class_names.txt").split() if tree.has("class_names.txt") else None
    parts, used = [], []
    for split, (images, labels) in _FILES.items():
        if not tree.has(images) or not tree.has(labels):
            continue
        pixels = np.frombuffer(tree.bytes(images, MAX_BYTES), np.uint8)
        if len(pixels) % _BYTES:
            raise InputError(f"{tree.path}: {images} is cut short; download it again")
        # Each picture is three planes, column by column.
        planes = pixels.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 3, 2, 1)
        numbers = np.frombuffer(tree.bytes(labels), np.uint8).astype(np.int64)
        if order is not None:
            numbers = numbers - 1  # from 1 on in the file
        parts.append(Pixels(split, planes, numbers, f"{tree.path}: {images}"))
        used += [images, labels]
    others = Tally()
    for i, name in enumerate(tree.names):
        if name == _UNLABELLED:
            others.add(NO_LABEL, name, int(tree.stored.length[i]) // _BYTES, told=False)
        elif name not in used:
            others.add(NOT_IMAGE, name, told=False)
    stamps = [cache.stamp(tree.where(name)) for name in used] if location.is_folder else [cache.stamp(tree.path)]
    return from_pixels("STL-10", parts, stamps, order, left_out=others.all())
