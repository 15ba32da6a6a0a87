"""WebDataset: tars in which files of one name belong together, here ``key.jpg`` and ``key.cls``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..storage.containers import GZIPPED, TARS, unpacked
from ..storage.formats import is_image
from ..storage.found import Found
from ..storage.left_out import Tally
from ..storage.location import Location
from ..storage.reader import Reader, Unreadable
from ..storage.split_words import split_of_file
from ..storage.stored import Stored, join
from ..storage.tar import list_tar
from ..storage.tree import Tree
from .beside import beside
from .by_label import by_label

SECOND = "the second picture of a sample"


@dataclass
class _Sample:
    """pictures: (ending, position). label: the position of its ``.cls``."""

    pictures: list[tuple[str, int]] = field(default_factory=list)
    label: int | None = None


def matches(location: Location) -> bool:
    """Whether a tar, or the first in a folder, has labels as WebDataset has, more than pictures lie beside."""
    if not location.is_folder:
        return location.is_archive and _labels(location.stored) > 0
    tars = location.files(*TARS, *GZIPPED)
    loose = sum(map(is_image, location.stored.paths))
    if not tars or (loose and not tars[0].name.lower().endswith(TARS)):
        return False
    first = min(tars, key=lambda path: split_of_file(path.name) == "test")  # test images may have no labels
    try:
        return _labels(_listed(first)) > loose
    except InputError:
        if loose:
            return False  # the pictures are the data set
        raise


def read(location: Location) -> Found:
    """Images and labels of tars, read where they lie. Splits are told by the tars' names. Raises InputError."""
    paths = location.files(*TARS, *GZIPPED) if location.is_folder else [location.path]
    root = location.path if location.is_folder else location.path.parent
    trees = [Tree(path, _listed(path), outer=True) for path in paths]
    # The key ends at the first dot of the name; where two labels then fall on one key, at the last.
    last = any(_repeats(tree) for tree in trees)
    parts: list[Stored] = []
    names: list[str] = []
    labels: list[str | None] = []
    splits: list[str | None] = []
    others = Tally()
    stems = Counter(path.stem for path in paths)
    for path, tree in zip(paths, trees, strict=True):
        split = split_of_file(str(path.relative_to(root)))
        samples = _samples(tree, last)
        ending = _main_ending(samples)
        labelled = any(sample.label is not None for sample in samples.values())
        reader = Reader(tree.stored)
        shard = path.stem if stems[path.stem] == 1 else str(path.relative_to(root).with_suffix(""))
        rows = []
        for key, sample in samples.items():
            if not sample.pictures:
                continue
            chosen = next((i for one, i in sample.pictures if one == ending), sample.pictures[0][1])
            if sample.label is None and labelled:
                raise InputError(f"{path}: {tree.names[chosen]} has no label ({key}.cls)")
            for _, i in sample.pictures:
                others.add(SECOND, tree.names[i], int(i != chosen))
            rows.append(chosen)
            names.append(f"{shard}/{tree.names[chosen]}")
            labels.append(None if sample.label is None else _text(path, tree, reader, sample.label))
            splits.append(split)
        for one in (*tree.others, *(() if path == location.path else tree.stored.left_out)):
            others.add(one.reason, one.example, one.count, told=one.told)
        parts.append(tree.stored.take(np.array(rows, np.int64)))
    if not labels:
        raise InputError(f"{root} holds no images")
    others = Tally(others.all(), beside(location, paths).all())
    return by_label("WebDataset", join(parts), names, labels, splits, left_out=others.all())


def _listed(path: Path) -> Stored:
    return list_tar(unpacked(path) if path.name.lower().endswith(GZIPPED) else path)


def _labels(listed: Stored) -> int:
    """How many labels there are, 0 where they are few beside the images."""
    if b".cls" not in listed.paths.text.tobytes().lower():  # 1.3 million names are asked at once
        return 0
    names = list(listed.paths)
    found = sum(name.lower().endswith(".cls") for name in names)
    return found if 2 * found >= sum(map(is_image, names)) else 0


def _repeats(tree: Tree) -> bool:
    keys = [_key(name, last=False)[0] for name in tree.names if name.lower().endswith(".cls")]
    return len(set(keys)) != len(keys)


def _samples(tree: Tree, last: bool) -> dict[str, _Sample]:
    """The samples by key, in the order of their first files."""
    samples: dict[str, _Sample] = {}
    for i in tree.images:
        key, ending = _key(tree.names[i], last)
        samples.setdefault(key, _Sample()).pictures.append((ending, i))
    for i, name in enumerate(tree.names):
        if name.lower().endswith(".cls"):
            samples.setdefault(_key(name, last)[0], _Sample()).label = i
    return samples


def _main_ending(samples: dict[str, _Sample]) -> str:
    """The ending of the pictures that most samples have; of several, the plainest and first."""
    counts = Counter(ending for sample in samples.values() for ending in {one: None for one, _ in sample.pictures})
    return min(counts, key=lambda ending: (-counts[ending], ending.count(".")), default="")


def _text(path: Path, tree: Tree, reader: Reader, i: int) -> str:
    """The class that a ``.cls`` holds."""
    try:
        text = reader.read(i).decode("utf-8", "surrogateescape").strip() if tree.stored.length[i] < 4096 else ""
    except Unreadable as error:
        raise InputError(f"{path}: {tree.names[i]}: {error}") from None
    if not text or "\n" in text:
        raise InputError(f"{path}: {tree.names[i]} holds no class")
    return text


def _key(name: str, last: bool) -> tuple[str, str]:
    """The key, the folders included, and the ending in small letters."""
    folder, slash, base = name.rpartition("/")
    key, _, ending = base.rpartition(".") if last else base.partition(".")
    return folder + slash + key, ending.lower()
