"""From positions in a tree and their classes to a data set: what layouts of folders have in common."""

from __future__ import annotations

import sys

from ..storage.found import Found, found_split
from ..storage.tree import Tree

Rows = tuple[list[int], list[str]]  # positions, classes


def add(rows: Rows, position: int, group: str) -> None:
    """One more image."""
    rows[0].append(position)
    rows[1].append(sys.intern(group))  # a thousand strings, not a million


def from_rows(
    tree: Tree,
    layout: str,
    classes: tuple[str, ...],
    names: tuple[str, ...],
    rows: dict[str, Rows],
    base: int = 0,
    *,
    notes: tuple[str, ...] = (),
    ignored: int,
) -> Found:
    """``base``: how many characters of each name stand before the splits' folders."""
    label = {name: i for i, name in enumerate(classes)}
    parts = {}
    for split, (positions, groups) in rows.items():
        parts[split] = found_split(
            tree.stored,
            positions,
            [label[group] for group in groups],
            (lambda i: tree.names[i][base:]) if split == "all" else (lambda i: tree.names[i][base:].partition("/")[2]),
        )
    return Found(layout, classes, names, parts, notes=notes, ignored=ignored)
