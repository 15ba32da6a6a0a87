"""WebDataset: tars in which files of one name belong together, here ``key.jpg`` and ``key.cls``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from .containers import GZIPPED, list_tar, unpacked
from .decode import Unreadable
from .found import Found
from .stored import Reader, Stored, join
from .tables import by_label, split_of_file
from .tree import is_image


def is_shard(listed: Stored) -> bool:
    """Whether a tar's first files are those of WebDataset."""
    return any(name.lower().endswith(".cls") for name in listed.paths[:64])


def shards(paths: Sequence[Path], root: Path) -> Found:
    """Images and labels of tars, read where they lie. Splits are told by the tars' names. Raises InputError."""
    parts, names, labels, splits = [], [], [], []
    for path in paths:
        listed = list_tar(unpacked(path) if path.name.lower().endswith(GZIPPED) else path)
        classes = _classes(path, listed)
        split = split_of_file(str(path.relative_to(root)))
        rows = []
        for i, name in enumerate(listed.paths):
            if is_image(name):
                key = _key(name)
                if key not in classes:
                    raise InputError(f"{path}: {name} has no label ({key}.cls)")
                rows.append(i)
                names.append(f"{path.stem}/{name}")
                labels.append(classes[key])
                splits.append(split)
        parts.append(listed.take(np.array(rows, np.int64)))
    if not labels:
        raise InputError(f"{root} holds no images")
    return by_label("WebDataset", join(parts), names, labels, splits)


def _classes(path: Path, listed: Stored) -> dict[str, str]:
    reader = Reader(listed)
    classes = {}
    for i, name in enumerate(listed.paths):
        if name.lower().endswith(".cls"):
            try:
                text = reader.read(i).decode("utf-8", "replace").strip() if listed.length[i] < 4096 else ""
            except Unreadable as error:
                raise InputError(f"{path}: {name}: {error}") from None
            if not text or "\n" in text:
                raise InputError(f"{path}: {name} holds no class")
            classes[_key(name)] = text
    return classes


def _key(name: str) -> str:
    """Everything before the first point of the file name, the folders included."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]
