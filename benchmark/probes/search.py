"""Looking for a small change that makes a contender wrong, from its scores alone: one loop, two ways to propose."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .contract import Pixels

Scores = Callable[[Pixels | Sequence[Pixels]], NDArray[np.floating[Any]]]


class Proposal(Protocol):
    """How the next image to try is made."""

    def __call__(self, k: int, query: int, best: Pixels) -> Pixels:
        """Image ``k`` changed, for query 1, 2, …; ``best`` is the one with the least margin so far."""
        ...


@dataclass(frozen=True)
class Searched:
    """What a search came to, an entry an image."""

    queries: NDArray[np.int64]  # how many were used: up to the one that broke it, or the whole budget
    margins: NDArray[np.float64]  # (checkpoints, n): the least margin after so many queries
    images: list[Pixels]  # the ones of least margin

    @property
    def broken(self) -> NDArray[np.bool_]:
        """Whether an image was found that is answered wrong."""
        return np.asarray(self.margins[-1] <= 0, np.bool_)

    def part(self, chosen: slice) -> Searched:
        """Of some of the images."""
        return Searched(self.queries[chosen], self.margins[:, chosen], self.images[chosen])


def margins(scores: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) score of the true class less the highest other: right if above 0; a tie counts as wrong.

    Raises ValueError for scores that are not finite, of another number of rows, or of a single class.
    """
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 2 or len(scores) != len(labels) or scores.shape[1] < 2:
        raise ValueError(f"scores of shape {scores.shape} for {len(labels)} images; an attack needs (n, 2 or more)")
    if not np.isfinite(scores).all():
        raise ValueError("scores that are not finite cannot be attacked")
    rows = np.arange(len(labels))
    others = scores.copy()
    others[rows, labels] = -np.inf
    return np.asarray(scores[rows, labels] - others.max(axis=1), np.float64)


def checkpoints(budget: int) -> list[int]:
    """1, 2, 5, 10, 20, 50, … below the budget, and the budget."""
    rising = [digit * 10**power for power in range(9) for digit in (1, 2, 5)]
    return [*rising[: bisect_left(rising, budget)], budget]


def search(
    scores: Scores, images: Sequence[Pixels], labels: NDArray[np.int64], propose: Proposal, budget: int
) -> Searched:
    """Try ``budget`` proposals on each image, until it is answered wrong; of two images the lower margin is kept.

    Images are asked about all at once, those that are not yet broken: one call of ``scores`` a query.
    """
    best = list(images)
    least = np.full(len(images), np.inf)
    queries = np.zeros(len(images), np.int64)
    noted = []
    stops = checkpoints(budget)
    for query in range(1, budget + 1):
        still = np.flatnonzero(least > 0)
        if len(still):
            tried = [propose(int(k), query, best[k]) for k in still]
            found = margins(scores(stacked(tried)), labels[still])
            queries[still] += 1
            for k, image, margin in zip(still, tried, found, strict=True):
                if margin < least[k]:
                    best[k], least[k] = image, margin
        if query in stops:
            noted.append(least.copy())
    return Searched(queries, np.array(noted).reshape(len(stops), len(images)), best)


def stacked(images: Sequence[Pixels]) -> Pixels | Sequence[Pixels]:
    """One array where all are of one size, else the list."""
    return np.stack(images) if len({image.shape for image in images}) == 1 else images


class Squares:
    """Proposals of the Square attack with L∞ norm: vertical stripes first, then squares, each of ±``epsilon``.

    Andriushchenko, Croce, Flammarion and Hein, "Square attack: a query-efficient black-box adversarial attack via
    random search", ECCV 2020, after the authors' code (github.com/max-andr/square-attack), on whole numbers: uint8
    pixels, ``epsilon`` in levels. Deviates: a square may touch the last row and column, as in the paper's Algorithm 2
    (their code never reaches them); each image has random numbers of its own.

    images: (H, W, 3) uint8 each. generators: one an image. epsilon: of all, or one an image. share: p, the share of
    pixels in the first squares.
    """

    HALVED_AT = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # of 10,000 queries

    def __init__(
        self,
        images: Sequence[Pixels],
        generators: Sequence[np.random.Generator],
        epsilon: int | Sequence[int],
        budget: int,
        share: float = 0.05,
    ) -> None:
        self.images, self.generators = images, generators
        self.epsilons = of_each(epsilon, len(images))
        self.budget, self.share = budget, share

    def side(self, query: int, height: int, width: int) -> int:
        """Of the square at a query, 2 or later, in pixels."""
        done = int((query - 2) / self.budget * 10_000)
        share = self.share / 2 ** bisect_left(self.HALVED_AT, done)
        return max(1, min(round(math.sqrt(share * height * width)), min(height, width) - 1))

    def __call__(self, k: int, query: int, best: Pixels) -> Pixels:
        image, rng = self.images[k], self.generators[k]
        height, width = image.shape[:2]
        if query == 1:
            return moved(image, self._signs(k, (1, width, 3)))
        side = self.side(query, height, width)
        top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
        window = (slice(top, top + side), slice(left, left + side))
        proposed = best.copy()
        while np.array_equal(proposed[window], best[window]):  # what changes nothing is not tried
            proposed[window] = moved(image[window], self._signs(k, (1, 1, 3)))
        return proposed

    def _signs(self, k: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        return self.epsilons[k] * (2 * self.generators[k].integers(0, 2, shape) - 1)


class UniformNoise:
    """Proposals that learn nothing: each value moved by a whole number from −``epsilon`` to ``epsilon``."""

    def __init__(
        self, images: Sequence[Pixels], generators: Sequence[np.random.Generator], epsilon: int | Sequence[int]
    ) -> None:
        self.images, self.generators, self.epsilons = images, generators, of_each(epsilon, len(images))

    def __call__(self, k: int, query: int, best: Pixels) -> Pixels:
        image = self.images[k]
        return moved(image, self.generators[k].integers(-self.epsilons[k], self.epsilons[k] + 1, image.shape))


def of_each(epsilon: int | Sequence[int], n: int) -> Sequence[int]:
    """One number for each of n images."""
    return [epsilon] * n if isinstance(epsilon, int) else epsilon


def moved(image: Pixels, by: NDArray[np.int64]) -> Pixels:
    """``image`` + ``by``, clipped to 0 … 255."""
    return np.asarray(np.clip(image + by, 0, 255), np.uint8)
