"""What a layout answers: classes, and for each split which stored files it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .ids import Ids
from .left_out import LeftOut
from .printing import printable
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

    left_out: what is there and not used, but for hidden files. leaks (m, 2): positions in val and train of identical
    bytes. boxes: id of a validation image → (left, top, right, bottom), the first and last pixels of its object, where
    that is published. copies (k, 2): in "all", positions of an image and of the first with the same bytes.
    """

    layout: str
    classes: tuple[str, ...]
    class_names: tuple[str, ...]
    parts: dict[str, FoundSplit]
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    leaks: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    copies: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    boxes: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)


def found_split(
    stored: Stored, positions: list[int], labels: list[int], names: Sequence[str], below: int = 0
) -> FoundSplit:
    """A split from positions in ``stored``; names: of all files in ``stored``.

    Ids are file names without ending where those are unique, as they are in all of ImageNet's copies; else the names
    from character ``below`` on.
    """
    ids = [_stem(names[i]) or names[i][below:] for i in positions]
    try:
        "".join(ids).encode()
    except UnicodeEncodeError:
        ids = [printable(one) for one in ids]
    order = sorted(range(len(ids)), key=ids.__getitem__)
    if any(ids[a] == ids[b] for a, b in pairwise(order)):  # no set: 1.3 million strings are enough
        ids = [printable(names[i][below:]) for i in positions]
        order = sorted(range(len(ids)), key=ids.__getitem__)
        for a, b in pairwise(order):
            if ids[a] == ids[b]:
                raise InputError(f"two images are called {ids[a]!r}; rename one of them")
    chosen = np.array(positions, np.int64)[order]
    return FoundSplit(stored.take(chosen), np.array(labels, np.int64)[order], Ids(ids[i] for i in order))


def _stem(name: str) -> str:
    return name[name.rfind("/") + 1 :].rpartition(".")[0]


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
