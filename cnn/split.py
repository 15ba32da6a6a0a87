"""Training images held out to choose by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def split(
    targets: NDArray[Any], fraction: float, seed: int, some: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(train, held out): sorted indices; ``fraction`` of each class is held out, rounded at random, never all of it.

    ``some``: where that comes to no image, one of the largest class is.
    """
    random = np.random.default_rng([seed, 1])
    held: list[NDArray[np.int64]] = []
    for c in np.unique(targets):
        members = random.permutation(np.flatnonzero(targets == c))
        n = int(len(members) * fraction + (random.random() if fraction else 0.0))
        held.append(members[: min(n, len(members) - 1)])
    held_out = np.sort(np.concatenate(held)).astype(np.int64)
    largest = np.flatnonzero(targets == np.bincount(targets).argmax())
    if some and fraction and not len(held_out) and len(largest) > 1:
        held_out = random.choice(largest, 1)
    return np.setdiff1d(np.arange(len(targets)), held_out).astype(np.int64), held_out
