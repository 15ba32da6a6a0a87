"""The floor: guesses drawn by how frequent each class was in training."""

from __future__ import annotations

import hashlib
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from topfive.common.classifier import Classifier


class Chance(Classifier):
    """Guesses: ranks the classes at random, each by its share of the training images, without looking.

    The scores are log frequency + Gumbel noise, whose descending order is exactly such a draw. Constant scores would
    not do: every class would tie with every other, and a tie counts against the contender. The noise of an image comes
    from ``random_state`` and a hash of its pixels, so neither the size nor the order of the batches changes an answer.
    Expected error: 1 - k / n_classes at k guesses when the classes are balanced. Cost: reading the images once.
    """

    family = "floor"

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Count the (n,) labels; the images are not looked at."""
        self.classes_, counts = np.unique(np.asarray(labels), return_counts=True)
        self.log_frequency_ = np.log(counts / counts.sum())
        self.n_parameters_ = len(self.classes_)
        self.timings_: dict[str, float] = {}
        self.budget_ = {"pixels": 0, "views": 1, "augment": "none", "train_share": 1.0, "tuned": "nothing"}
        return self

    def decision_function(self, images: Any) -> NDArray[np.float64]:
        """(n, n_classes) float64."""
        scores = [
            self.log_frequency_ + self._noise(image)
            for batch in images.batches(256, max_pixels=None)
            for image in batch
        ]
        return np.array(scores).reshape(-1, len(self.classes_))

    def _noise(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        pixels = np.ascontiguousarray(image)
        digest = hashlib.blake2b(pixels.tobytes(), digest_size=16, salt=str(pixels.shape).encode()[:16]).digest()
        rng = np.random.default_rng([int(self.random_state), int.from_bytes(digest, "little")])
        return rng.gumbel(size=len(self.classes_))
