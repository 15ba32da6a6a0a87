"""From positions in a tree and their classes to a data set: what layouts of folders have in common."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from ..storage.found import Found, found_split
from ..storage.left_out import LeftOut
from ..storage.tree import Tree
from ..wordnet import readable
from .classes import class_ids, in_order

Rows = tuple[list[int], list[str]]  # positions, classes


def add(rows: Rows, position: int, group: str) -> None:
    """One more image."""
    rows[0].append(position)
    rows[1].append(sys.intern(group))  # a thousand strings, not a million


def from_rows(
    tree: Tree,
    layout: str,
    rows: dict[str, Rows],
    *,
    classes: tuple[str, ...] | None = None,
    class_names: tuple[str, ...] | None = None,
    below: dict[str, int] | None = None,
    notes: tuple[str, ...] = (),
    left_out: Iterable[LeftOut] = (),
) -> Found:
    """A data set of ``rows``: split ("train" and "val", or "all") → its images and their classes.

    classes: their ids in order, where that is known; class_names: in words. below: for each split, how many characters
    of its images' names stand before the part that makes them different from each other.
    """
    ids, spellings = class_ids(group for _, groups in rows.values() for group in dict.fromkeys(groups))
    known = classes or in_order(ids.values())
    place = {name: i for i, name in enumerate(known)}
    label = {name: place[one] for name, one in ids.items()}
    parts = {
        split: found_split(
            tree.stored, positions, [label[group] for group in groups], tree.names, (below or {}).get(split, 0)
        )
        for split, (positions, groups) in rows.items()
    }
    return Found(layout, known, class_names or readable(known), parts, (*notes, *spellings), tuple(left_out))
