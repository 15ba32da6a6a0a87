"""The is-a tree over the synsets of ILSVRC-2012 and Tiny ImageNet: words, hierarchical cost, branches.

Cut from WordNet 3.0 by ``cut.py``: 1,860 synsets, 1,937 edges (a synset may have several hypernyms). Copyright
2006 by Princeton University; the licence is in wordnet_license.txt.
"""

from __future__ import annotations

import functools
import gzip
import re
from collections.abc import Sequence
from importlib import resources

import numpy as np
from numpy.typing import NDArray

_WNID = re.compile(r"n\d{8}")

# What a report groups classes by. A synset belongs to the first of these that is among its ancestors or itself.
_BRANCHES = (
    ("n02084071", "dogs"),
    ("n01861778", "other mammals"),
    ("n01503061", "birds"),
    ("n01661091", "reptiles"),
    ("n01905661", "invertebrates"),
    ("n00015388", "other animals"),
    ("n04524313", "vehicles"),
    ("n04341686", "structures"),
    ("n03051540", "clothing"),
    ("n03405265", "furnishing"),
    ("n03183080", "devices"),
    ("n03094503", "containers"),
    ("n00021939", "other artifacts"),
    ("n00021265", "food"),
    ("n07555863", "food"),
    ("n13086908", "plants and fungi"),
    ("n00017222", "plants and fungi"),
    ("n12992868", "plants and fungi"),
)


@functools.cache
def table() -> dict[str, tuple[tuple[str, ...], str]]:
    """Synset → (its direct hypernyms, its words joined by commas)."""
    packed = resources.files(__package__).joinpath("wordnet.tsv.gz").read_bytes()
    entries = {}
    for line in gzip.decompress(packed).decode("utf-8").splitlines():
        wnid, parents, text = line.split("\t")
        entries[wnid] = tuple(parents.split()), text
    return entries


def known(wnids: Sequence[str]) -> bool:
    """Whether all are synsets of the table, so that a hierarchical error can be given."""
    return bool(wnids) and all(wnid in table() for wnid in wnids)


def words(wnid: str) -> str:
    """The synset's words, or the id itself where the table lacks it."""
    return table()[wnid][1] if wnid in table() else wnid


def readable(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Words for WordNet ids, where all classes are such; else a folder's name with its underscores opened."""
    if classes and all(_WNID.fullmatch(name) for name in classes):
        return tuple(words(name) for name in classes)
    return tuple(name.replace("_", " ") for name in classes)


@functools.cache
def ancestors(wnid: str) -> frozenset[str]:
    """The synset and everything above it. Raises KeyError."""
    return frozenset({wnid}).union(*(ancestors(parent) for parent in table()[wnid][0]))


@functools.cache
def heights() -> dict[str, int]:
    """Synset → edges on the longest way down to a leaf of the table, as the devkit's ``wordnet_height``."""
    height = dict.fromkeys(table(), 0)
    # Ancestors have strictly fewer ancestors: deepest first, every child is done before its parents.
    for wnid in sorted(table(), key=lambda wnid: -len(ancestors(wnid))):
        for parent in table()[wnid][0]:
            height[parent] = max(height[parent], height[wnid] + 1)
    return height


def hierarchical_cost(wnids: Sequence[str]) -> NDArray[np.float64]:
    """(C, C) cost of guessing the column's class for the row's, 0 … 1, as ILSVRC-2010 defines it.

    The height of the lowest common ancestor over the greatest height (that of ``entity``: 18 in this table); 0 for the
    class itself. Where several hypernyms give several common ancestors, the lowest counts. Raises KeyError for a synset
    that the table lacks.
    """
    height = heights()
    above = sorted(set().union(*(ancestors(wnid) for wnid in wnids)), key=lambda wnid: -height[wnid])
    cost = np.zeros((len(wnids), len(wnids)))
    # From the root down: what is written last is the lowest ancestor that both have.
    for ancestor in above:
        below = np.array([ancestor in ancestors(wnid) for wnid in wnids])
        cost[np.ix_(below, below)] = height[ancestor]
    np.fill_diagonal(cost, 0)
    return cost / max(height.values())


def branch(wnid: str) -> str:
    """A plain word for where in the tree the synset stands, for grouping classes: "dogs", "vehicles", "other", …"""
    above = ancestors(wnid) if wnid in table() else frozenset()
    return next((name for root, name in _BRANCHES if root in above), "other")
