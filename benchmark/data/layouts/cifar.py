"""CIFAR-10 and CIFAR-100 as published for Python: pickles of pixel rows, read without letting a pickle do anything."""

from __future__ import annotations

import io
import pickle
import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..storage import cache
from ..storage.blob import blob
from ..storage.formats import is_image
from ..storage.found import Found
from ..storage.left_out import NOT_IMAGE, Tally
from ..storage.location import Location
from ..storage.reader import MAX_BYTES
from ..storage.tree import Tree
from .beside import BESIDE
from .by_label import by_label

_TEN = (*((f"data_batch_{i}", "train") for i in range(1, 6)), ("test_batch", "val"))
_HUNDRED = (("train", "train"), ("test", "val"))


def matches(location: Location) -> bool:
    """Whether the files' names are those of either data set."""
    tree = location.tree
    return (tree.has("batches.meta") and tree.has("test_batch")) or (tree.has("meta") and tree.has("train"))


def read(location: Location) -> Found:
    """The data set. Its images are written once, as BMP files, into the cache folder. Raises InputError."""
    tree = location.tree
    ten = tree.has("batches.meta")
    meta, words, field = (
        ("batches.meta", "label_names", "labels") if ten else ("meta", "fine_label_names", "fine_labels")
    )
    classes = [_text(name) for name in _list(_load(tree, meta), words, tree, meta)]
    names: list[str] = []
    labels: list[str] = []
    splits: list[str | None] = []
    batches = [(name, split) for name, split in (_TEN if ten else _HUNDRED) if tree.has(name)]
    with blob("cifar", *_stamps(tree, [meta, *(name for name, _ in batches)])) as images:
        for batch, split in batches:
            content = _load(tree, batch)
            array = content.get("data")
            pixels = array.pixels if isinstance(array, _PickledArray) else None
            own = _list(content, field, tree, batch)
            files = [_text(name) for name in _list(content, "filenames", tree, batch)]
            if pixels is None or pixels.shape != (len(own), 3072):
                raise InputError(f"{tree.path}: {batch} holds no ({len(own)}, 3072) bytes of pixels")
            if len(files) != len(own):
                raise InputError(f"{tree.path}: {batch} names {len(files)} files for {len(own)} labels")
            for row, label, file in zip(pixels, own, files, strict=True):
                if not isinstance(label, int) or not 0 <= label < len(classes):
                    raise InputError(f"{tree.path}: {batch} has the label {label!r}, {meta} has {len(classes)} classes")
                image = np.ascontiguousarray(row.reshape(3, 32, 32).transpose(1, 2, 0)[..., ::-1])
                images.add("", cv2.imencode(".bmp", image)[1].tobytes())
                names.append(f"{batch}/{file}")
                labels.append(classes[label])
                splits.append(split)
        stored = images.stored()
    if not labels:
        raise InputError(f"{tree.path} holds no batches of images")
    used = {meta, *(name for name, _ in batches)}
    others = Tally()
    for name in tree.names:
        if name not in used:
            others.add(BESIDE if is_image(name) else NOT_IMAGE, name, told=is_image(name))
    layout = "CIFAR-10" if ten else "CIFAR-100"
    return by_label(layout, stored, names, labels, splits, classes, left_out=others.all())


class _PickledArray:
    """Stands for a numpy array while a pickle is read: takes its bytes, allocates nothing that is not there."""

    def __init__(self, *_: object) -> None:
        self.pixels: NDArray[np.uint8] | None = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            return  # a dtype's state, which says nothing new: pixels are bytes
        _, shape, _, column_order, raw = state
        data = np.frombuffer(raw.encode("latin1") if isinstance(raw, str) else raw, np.uint8)
        self.pixels = data.reshape(shape, order="F" if column_order else "C")


class _Unpickler(pickle._Unpickler):
    """Only what these pickles hold. Python's own reader: that in C takes as much memory as a pickle claims."""

    def find_class(self, module: str, name: str) -> Any:
        if module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray") and name in _ARRAYS:
            return _PickledArray
        if (module, name) == ("_codecs", "encode"):
            return _encode
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


_ARRAYS = ("_reconstruct", "ndarray", "dtype")


def _encode(text: str, *_: object) -> bytes:
    return text.encode("latin1")


def _load(tree: Tree, name: str) -> dict[str, Any]:
    data = tree.bytes(name, MAX_BYTES)
    try:
        # latin1: the published pickles were written by Python 2, whose text is bytes.
        content = _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except (
        *(pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, ImportError, LookupError),
        *(MemoryError, OverflowError, RecursionError, struct.error, AssertionError, SystemError),
    ) as error:
        raise InputError(f"{tree.path}: {name} is no batch of CIFAR ({error}); download it again") from None
    if not isinstance(content, dict):
        raise InputError(f"{tree.path}: {name} is no batch of CIFAR; download it again")
    return {_text(key): value for key, value in content.items()}


def _list(content: dict[str, Any], word: str, tree: Tree, name: str) -> list[Any]:
    value = content.get(word)
    if not isinstance(value, list):
        raise InputError(f"{tree.path}: {name} lacks {word}; download it again")
    return value


def _text(word: Any) -> str:
    try:
        return word.decode("utf-8") if isinstance(word, bytes) else str(word)
    except UnicodeDecodeError:
        return str(word, "latin1")


def _stamps(tree: Tree, names: list[str]) -> list[str]:
    return [cache.stamp(tree.where(name)) for name in names] if tree.path.is_dir() else [cache.stamp(tree.path)]
