"""IDX, the format of MNIST and its family: ``train-images-idx3-ubyte`` and so on, perhaps gzipped, in a folder."""

from __future__ import annotations

import gzip
import io
import math
import re
import zlib

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..storage import cache
from ..storage.found import Found
from ..storage.left_out import NOT_IMAGE, Tally
from ..storage.location import Location
from ..storage.reader import MAX_BYTES
from ..storage.tree import Tree
from .pixels import Pixels, from_pixels

_NAME = re.compile(r"(.*?)(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(?:\.gz)?$")


def matches(location: Location) -> bool:
    """By the files' names."""
    return (location.is_folder or location.is_archive) and any(map(_NAME.search, location.tree.texts))


def read(location: Location) -> Found:
    """The data set: digits, letters or clothes, told by numbers. Raises InputError."""
    tree = location.tree
    files: dict[str, dict[tuple[str, str], str]] = {}
    others = Tally()
    for name in tree.names:
        told = _NAME.search(name)
        if told is None:
            others.add(NOT_IMAGE, name, told=False)
            continue
        place = (told[2] == "train" and "train") or "test", told[3]
        known = files.setdefault(told[1], {}).setdefault(place, name)
        if known != name:  # gzipped, and unpacked beside it
            files[told[1]][place] = min(known, name, key=len)
            others.add("the same again, packed", max(known, name, key=len), told=False)
    if len(files) > 1:
        found = ", ".join(sorted(files)[:5])
        raise InputError(f"{tree.path} holds {len(files)} data sets ({found}); move the files of one into a folder")
    (own,) = files.values()
    parts = []
    for split in ("train", "test"):
        names = [own.get((split, what)) for what in ("images", "labels")]
        if None in names:
            if names != [None, None]:
                raise InputError(f"{tree.path} lacks the file of {split} {'images' if names[0] is None else 'labels'}")
            continue
        images, labels = (_array(tree, name or "") for name in names)
        parts.append(Pixels(split, images, labels, f"{tree.path}: {names[0]}"))
    stamps = [cache.stamp(tree.where(name)) for name in own.values()] if location.is_folder else []
    return from_pixels("IDX (MNIST)", parts, stamps or [cache.stamp(tree.path)], left_out=others.all())


def _array(tree: Tree, name: str) -> NDArray[np.uint8]:
    data = tree.bytes(name, MAX_BYTES)
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(MAX_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{tree.path}: {name} cannot be unpacked ({error}); download it again") from None
    if data[:3] != b"\0\0\x08" or len(data) < 4 + 4 * data[3]:
        raise InputError(f"{tree.path}: {name} is no IDX file of bytes; download it again")
    shape = tuple(int(size) for size in np.frombuffer(data, ">u4", data[3], 4))
    start = 4 + 4 * data[3]
    if len(data) != start + math.prod(shape):
        raise InputError(
            f"{tree.path}: {name} holds {len(data) - start:,} bytes for the shape {shape}; it is cut short"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
