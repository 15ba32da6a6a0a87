"""WebDataset: tars in which files of one name belong together, here ``key.jpg`` and ``key.cls``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import InputError
from ..storage.containers import GZIPPED, TARS, list_tar, listing, unpacked
from ..storage.found import Found
from ..storage.location import Location
from ..storage.reader import Reader, Unreadable
from ..storage.split_words import split_of_file
from ..storage.stored import Stored, join
from ..storage.tree import is_image
from .by_label import by_label


def matches(location: Location) -> bool:
    """Whether the first files of a tar, or of the first tar in a folder without images, are those of WebDataset."""
    if not location.is_folder:
        return _is_shard(location.stored)
    if any(map(is_image, location.tree.names)):
        return False
    tars = location.files(*TARS, *GZIPPED)
    return bool(tars) and _is_shard(listing(tars[0]))


def _is_shard(listed: Stored) -> bool:
    return any(name.lower().endswith(".cls") for name in listed.paths[:64])


def read(location: Location) -> Found:
    """Images and labels of tars, read where they lie. Splits are told by the tars' names. Raises InputError."""
    paths, root = (
        (location.files(*TARS, *GZIPPED), location.path)
        if location.is_folder
        else ([location.path], location.path.parent)
    )
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
