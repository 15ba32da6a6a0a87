"""Arrays of images in one ``.npz``: Keras' copies (``x_train``), MedMNIST (``train_images``), or ``images, labels``."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..storage import cache
from ..storage.found import Found
from ..storage.location import Location
from ..storage.split_words import split_of_word
from .beside import beside
from .pixels import Pixels, from_pixels

_IMAGES, _LABELS = ("x", "images", "image", "data"), ("y", "labels", "label", "targets", "target")
_MOST = 16 * 2**30  # bytes of one array


def matches(location: Location) -> bool:
    """A ``.npz``, or a folder that holds one and no images."""
    if not location.is_folder:
        return location.suffix == ".npz"
    return len(location.files(".npz")) == 1 and not location.tree.images


def read(location: Location) -> Found:
    """The data set; its arrays are told by their names. Raises InputError."""
    path = location.files(".npz")[0] if location.is_folder else location.path
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            names = list(archive.files)
            parts = []
            for split, (images, labels) in _pairs(path, names).items():
                pair = _array(path, archive, images), _array(path, archive, labels)
                parts.append(Pixels(split, *pair, f"{path}: {images}"))
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be read as npz: {str(error).splitlines()[0]}") from None
    return from_pixels("arrays (npz)", parts, [cache.stamp(path)], left_out=beside(location, [path]).all())


def _pairs(path: Path, names: list[str]) -> dict[str | None, tuple[str, str]]:
    """Split → the names of its images and its labels."""
    found: dict[str | None, dict[str, str]] = {}
    for name in names:
        words = name.lower().replace("-", "_").split("_")
        split = next((told for told in map(split_of_word, words) if told is not None), None)
        for what, known in (("images", _IMAGES), ("labels", _LABELS)):
            if any(word in known for word in words):
                found.setdefault(split, {}).setdefault(what, name)
    pairs = {split: (pair["images"], pair["labels"]) for split, pair in found.items() if len(pair) == 2}
    if not pairs:
        held = ", ".join(names[:8]) or "nothing"
        raise InputError(f"{path} holds {held}; name the arrays x_train, y_train, x_test, y_test, or images and labels")
    return pairs


def _array(path: Path, archive: Any, name: str) -> NDArray[Any]:
    """One array, whose size is looked at before it is read."""
    with archive.zip.open(name + ".npy") as file:
        version = np.lib.format.read_magic(file)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0}.get(version, np.lib.format.read_array_header_2_0)
        shape, _, kind = read_header(file)
    if kind.hasobject or math.prod(shape) * kind.itemsize > _MOST:
        raise InputError(f"{path}: {name} is no array of numbers that fits ({shape}, {kind})")
    array: NDArray[Any] = archive[name]
    return array
