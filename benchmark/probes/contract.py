"""What a probe is handed: a sequence of images that can be changed lazily, and a fitted contender that gives scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Change = Callable[[Pixels], Pixels] | Callable[[Pixels, int], Pixels]


class Images(Protocol):
    """A lazy sequence of (H, W, 3) uint8 RGB images."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int, /) -> Pixels: ...

    def map(self, change: Change, /) -> Self:
        """The same images changed, lazily; ``change(image, i)`` where ``change.takes_index`` is true."""
        ...


class Fitted(Protocol):
    """A fitted contender."""

    def scores(self, images: Pixels | Sequence[Pixels], /) -> NDArray[np.float64]:
        """(n, n_classes), higher is better, a column a class of the data set; of (n, H, W, 3) uint8 or a list."""
        ...
