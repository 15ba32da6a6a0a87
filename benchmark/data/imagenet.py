"""ILSVRC-2012 as it is handed out: the official archives and their devkit, and the tree that Kaggle serves.

The official training images are a tar of 1,000 tars; they are read where they lie. Validation images carry no label in
their name: the devkit numbers the classes 1…1000 in an order of its own (not that of the sorted WordNet ids), which
``meta.mat`` explains, and lists one number an image; Kaggle gives a table of image and WordNet id.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ..errors import InputError
from .containers import GZIPPED, list_tar, unpacked
from .decode import Unreadable
from .matfile import MatError, read_struct
from .stored import Reader, Stored, join
from .tree import Tree

TRAIN, VAL = "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"
DEVKITS = ("ILSVRC2012_devkit_t12.tar.gz", "ILSVRC2012_devkit_t12.tar")
_TRUTH, _META, _KAGGLE = "ILSVRC2012_validation_ground_truth.txt", "meta.mat", "LOC_val_solution.csv"


def official(root: Path, listed: Stored) -> tuple[Stored, list[str]] | None:
    """The official archives in a folder, opened in place, with names as if extracted; None where they are not there."""
    present = {name: i for i, name in enumerate(listed.paths) if "/" not in name}
    if TRAIN not in present:
        return None
    if VAL not in present:
        raise InputError(f"{root} has {TRAIN} but not {VAL}; both are needed")
    train, val = list_tar(root / TRAIN, nested=True), list_tar(root / VAL)
    names = [
        *listed.paths,
        *(f"train/{name}" for name in train.paths),
        # Some copies of the validation archive hold a folder, the official one does not.
        *(f"val/{name.removeprefix('val/')}" for name in val.paths),
    ]
    return join([listed, train, val]), names


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
        if not line.isdigit() or int(line) not in wnids:
            raise InputError(f"{path}: line {i} of {_TRUTH} is {line[:20]!r}, which is no class of {_META}")
        answers[f"ILSVRC2012_val_{i:08d}"] = wnids[int(line)]
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
