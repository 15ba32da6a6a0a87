"""ILSVRC-2012 as Hugging Face's hub hands it out: flat archives with the WordNet id at the end of each file's name."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import numpy as np

from ..storage.containers import listing
from ..storage.formats import is_image
from ..storage.found import Found
from ..storage.location import Location
from ..storage.split_words import split_of_file
from ..storage.stored import join
from ..storage.tree import Tree
from .beside import beside
from .by_label import by_label

_TAR = re.compile(r"(?:train|val|test)_images(?:_\d+)?\.(?:tar|tar\.gz|tgz)$", re.IGNORECASE)
_NAME = re.compile(r"(.*)_(n\d{8})(\.[^./]+)$")


def matches(location: Location) -> bool:
    """By the names of the archives, or of the images in one archive or folder: ``n01440764_10026_n01440764.JPEG``."""
    if location.is_folder and _tars(location):
        return True
    if not (location.is_folder or location.is_archive):
        return False
    images = list(islice(filter(is_image, location.tree.names), 50))
    return bool(images) and all(_NAME.match(name) and name.count("/") < 2 for name in images)


def read(location: Location) -> Found:
    """Ids and classes as in the official archives, so the fingerprint is theirs. Test images have no labels."""
    tars = _tars(location) if location.is_folder else []
    trees: list[tuple[Path | None, Tree]] = [(path, Tree(path, listing(path))) for path in tars]
    names: list[str] = []
    labels: list[str | None] = []
    splits: list[str | None] = []
    parts = []
    for path, tree in trees or [(None, location.tree)]:
        parts.append(tree.stored.take(np.array(tree.images, np.int64)))
        for i in tree.images:
            name = tree.names[i]
            told = _NAME.match(name)
            names.append(told[1] + told[3] if told else name)
            labels.append(told[2] if told else None)
            splits.append(split_of_file(name.rpartition("/")[0] if path is None else path.name))
    left_out = beside(location, tars).all() if tars else location.tree.others
    return by_label("ILSVRC-2012, the hub's archives", join(parts), names, labels, splits, left_out=left_out)


def _tars(location: Location) -> list[Path]:
    return [path for path in location.files(".tar", ".tar.gz", ".tgz") if _TAR.search(path.name)]
