"""What a layout answers: classes, and for each split which stored files it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .ids import Ids
from .stored import Stored


@dataclass(frozen=True)
class FoundSplit:
    """One split as found: files with (n,) labels and unique ids, sorted by id; digests (n, 16) uint8 once examined.

    bad: position → why the image cannot be read. checked: whether every image was decoded to find that out.
    """

    stored: Stored
    labels: NDArray[np.int64]
    ids: Ids
    digests: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 16), np.uint8))
    bad: dict[int, str] = field(default_factory=dict)
    checked: bool = False


@dataclass(frozen=True)
class Found:
    """A recognised data set. parts: "train" and "val", or "all" where the data has no splits of its own.

    ignored: how many files belong to no class. leaks (m, 2): positions in val and train of identical bytes.
    """

    layout: str
    classes: tuple[str, ...]
    class_names: tuple[str, ...]
    parts: dict[str, FoundSplit]
    notes: tuple[str, ...] = ()
    ignored: int = 0
    leaks: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))


def found_split(stored: Stored, positions: list[int], labels: list[int], below: Callable[[int], str]) -> FoundSplit:
    """A split from positions in ``stored``; ``below(i)`` is the path below the split of file ``i``.

    Ids are file names without ending where those are unique, as they are in all of ImageNet's copies; else the paths
    below the split.
    """
    ids = [_stem(below(i)) for i in positions]
    order = sorted(range(len(ids)), key=ids.__getitem__)
    if any(ids[a] == ids[b] for a, b in pairwise(order)):  # no set: 1.3 million strings are enough
        ids = [below(i) for i in positions]
        order = sorted(range(len(ids)), key=ids.__getitem__)
    chosen = np.array(positions, np.int64)[order]
    return FoundSplit(stored.take(chosen), np.array(labels, np.int64)[order], Ids(ids[i] for i in order))


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0] or name


def take(one: FoundSplit, kept: NDArray[np.int64]) -> FoundSplit:
    """The images at ``kept``, in that order."""
    place = {int(old): new for new, old in enumerate(kept)} if one.bad else {}
    return replace(
        one,
        stored=one.stored.take(kept),
        labels=one.labels[kept],
        ids=one.ids.take(kept),
        digests=one.digests[kept],
        bad={place[i]: reason for i, reason in one.bad.items() if i in place},
    )
