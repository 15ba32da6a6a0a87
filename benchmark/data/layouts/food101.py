"""Food-101 as it was published: ``images/<class>/`` and the split in ``meta/train.txt`` and ``meta/test.txt``."""

from __future__ import annotations

from ...errors import InputError
from ..storage.found import Found
from ..storage.left_out import NO_SPLIT, Tally
from ..storage.location import Location
from .rows import Rows, add, from_rows

_LISTS = {"train": "meta/train.txt", "val": "meta/test.txt"}


def matches(location: Location) -> bool:
    """By its two lists."""
    return all(location.tree.has(name) for name in _LISTS.values())


def read(location: Location) -> Found:
    """The images that the lists name, as ``<class>/<image>`` without an ending. Raises InputError."""
    tree = location.tree
    places = {tree.names[i].rpartition(".")[0]: i for i in tree.images}
    rows: dict[str, Rows] = {"train": ([], []), "val": ([], [])}
    used = set()
    for split, name in _LISTS.items():
        for number, line in enumerate(filter(None, map(str.strip, tree.text(name).splitlines())), start=1):
            place = places.get(f"images/{line}")
            if place is None:
                raise InputError(f"{tree.path}: line {number} of {name} names images/{line}, which is not there")
            add(rows[split], place, line.partition("/")[0])
            used.add(place)
    others = Tally(tree.others)
    for i in tree.images:
        if i not in used:
            others.add(NO_SPLIT, tree.names[i])
    below = dict.fromkeys(rows, len("images/"))
    return from_rows(tree, "images/ with the split in meta/ (Food-101)", rows, below=below, left_out=others.all())
