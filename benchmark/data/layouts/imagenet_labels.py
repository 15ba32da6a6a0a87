"""The labels of ILSVRC-2012's validation images, which carry none in their names.

The devkit numbers the classes 1…1000 in an order of its own (not that of the sorted WordNet ids), which ``meta.mat``
explains, and lists one number an image; Kaggle gives a table of image and WordNet id.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ...errors import InputError
from ..storage.containers import GZIPPED, unpacked
from ..storage.numbers import whole_number
from ..storage.reader import Reader, Unreadable
from ..storage.tar import list_tar
from ..storage.tree import Tree
from .matfile import MatError, read_struct

DEVKITS = ("ILSVRC2012_devkit_t12.tar.gz", "ILSVRC2012_devkit_t12.tar")
_TRUTH, _META, _KAGGLE = "ILSVRC2012_validation_ground_truth.txt", "meta.mat", "LOC_val_solution.csv"


def validation_truth(tree: Tree) -> dict[str, str] | None:
    """Image (its name without ending) → WordNet id, from Kaggle's table or the devkit; None where neither is there."""
    kaggle = tree.find(_KAGGLE)
    if kaggle is not None:
        return _kaggle_truth(tree, kaggle)
    truth, meta = tree.find(_TRUTH), tree.find(_META)
    if truth is not None and meta is not None:
        return devkit_truth(tree.path, tree.text(truth), tree.bytes(meta))
    for name in DEVKITS:
        found = tree.find(name)
        if found is not None:
            return _from_archive(tree.where(found))
    return None


def _from_archive(path: Path) -> dict[str, str]:
    listed = list_tar(unpacked(path) if path.name.endswith(GZIPPED) else path)
    files = {name.rsplit("/", 1)[-1]: i for i, name in enumerate(listed.paths)}
    if _TRUTH not in files or _META not in files:
        raise InputError(f"{path} is not the devkit: it lacks data/{_META} or data/{_TRUTH}")
    reader = Reader(listed)
    try:
        return devkit_truth(path, reader.read(files[_TRUTH]).decode("ascii", "replace"), reader.read(files[_META]))
    except Unreadable as error:
        raise InputError(f"{path}: {error}") from None


def devkit_truth(path: Path, truth: str, meta: bytes) -> dict[str, str]:
    """One class number a line, in the order of the images, and ``meta.mat``, which names the numbers."""
    wnids = read_meta(path, meta)
    answers = {}
    for i, line in enumerate(truth.split(), start=1):
        number = whole_number(line)
        if number not in wnids:
            raise InputError(f"{path}: line {i} of {_TRUTH} is {line[:20]!r}, which is no class of {_META}")
        answers[f"ILSVRC2012_val_{i:08d}"] = wnids[number]
    return answers


def read_meta(path: Path, meta: bytes) -> dict[int, str]:
    """ILSVRC2012_ID → WNID of ``meta.mat``."""
    try:
        rows = read_struct(meta, "synsets", ("ILSVRC2012_ID", "WNID"))
    except MatError as error:
        raise InputError(f"{path}: {_META} cannot be read: {error}; take it from the devkit") from None
    wnids = {number: wnid for number, wnid in rows if isinstance(number, int) and isinstance(wnid, str)}
    if len(wnids) != len(rows):
        raise InputError(f"{path}: {_META} does not give each class one number and one WordNet id")
    return wnids


def _kaggle_truth(tree: Tree, name: str) -> dict[str, str]:
    answers = {}
    try:
        for i, row in enumerate(csv.reader(io.StringIO(tree.text(name)))):
            if i == 0 or not row:
                continue
            words = row[1].split() if len(row) > 1 else []
            if not words:
                raise InputError(f"{tree.path}: line {i + 1} of {_KAGGLE} names no class")
            answers[row[0]] = words[0]
    except csv.Error as error:
        raise InputError(f"{tree.path}: {_KAGGLE} is not a table: {error}") from None
    return answers
