"""What every contender here is: images to vectors, vectors to a linear SVM, scores averaged over its models."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from . import parameters
from .compute import threads
from .encoder import Channel, Encoder, extract
from .grid import Grid
from .store import Store
from .svm import LinearSVM

SCALE_ROWS = 2048


class Coded(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Local descriptors, coded and pooled, with a linear SVM. A contender says which in ``channels``.

    ``mirrored``: learn from each image and its mirror image, and answer with the mean of both; twice the cost.
    """

    family = "hand-engineered"
    mirrored = False
    fused = False  # False: one classifier on all vectors side by side; True: one for each channel, scores averaged

    def __init__(
        self,
        random_state: int = 0,
        device: str = "cpu",
        n_jobs: int | None = None,
        cache_dir: str | None = None,
    ) -> None:
        self.random_state = random_state
        self.device = device
        self.n_jobs = n_jobs
        self.cache_dir = cache_dir

    def check(self) -> None:
        """ValueError for a parameter that makes no sense; ``fit`` begins with it."""
        parameters.true_or_false("mirrored", self.mirrored)
        parameters.true_or_false("fused", self.fused)

    def channels(self, grid: Grid) -> list[Channel]:
        """The descriptors and codes of this contender."""
        raise NotImplementedError(f"{type(self).__name__} does not say which channels it has")

    def grid(self, height: int, width: int) -> Grid:
        """The patches for images of this typical size."""
        return Grid.for_size(height, width)

    def linear_classifier(self) -> Any:
        """A fresh linear classifier of features."""
        return LinearSVM(random_state=self.random_state, device=self.device)

    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Learn codebooks, vectors and SVM from n images and (n,) labels. ValueError: see ``check``."""
        self.check()
        labels = np.asarray(labels)
        self.timings_: dict[str, float] = {}
        with threads(self.n_jobs):
            grid = self.grid(*images.typical_size)
            begin = time.perf_counter()
            self.encoder_ = Encoder(self.channels(grid), grid, seed=self.random_state, device=self.device)
            self.encoder_.fit(images, Store(self.cache_dir))
            begin = self._lap("codebook", begin)
            # The rows are stored in random order, which is what the SVM's steps want to read.
            order = np.random.default_rng(self.random_state).permutation(len(images))
            key = self.encoder_.key(images, channels=self.encoder_.channels, mirrored=self.mirrored)
            features = self._features(key, images, order)
            begin = self._lap("features", begin)
            targets = np.tile(labels[order], 1 + self.mirrored)
            self.models_: list[Any] = []
            self.scales_: list[float] = []
            for columns in self._columns():
                model = self.linear_classifier()
                part = features[:, columns]
                if isinstance(model, LinearSVM):
                    model.fit(part, targets, tune_on=len(labels))
                else:
                    model.fit(part, targets)
                self.models_.append(model)
                # Models add up on one scale: that of their own scores in training.
                self.scales_.append(1 / max(float(model.decision_function(part[:SCALE_ROWS]).std()), 1e-12))
            self._lap("svm", begin)
        self.classes_ = self.models_[0].classes_
        self.n_parameters_ = sum(int(model.coef_.size + model.intercept_.size) for model in self.models_)
        return self

    def decision_function(self, images: Any) -> NDArray[np.float32]:
        """(n, n_classes) float32."""
        with threads(self.n_jobs):
            features = self._features(None, images, np.arange(len(images)))
            scores = sum(
                scale * model.decision_function(features[:, columns])
                for model, scale, columns in zip(self.models_, self.scales_, self._columns(), strict=True)
            )
        views = np.asarray(scores, dtype=np.float32).reshape(1 + self.mirrored, len(images), len(self.classes_))
        return np.asarray(views.mean(0))

    def predict(self, images: Any) -> NDArray[np.int64]:
        """(n,) labels."""
        return np.asarray(self.classes_[self.decision_function(images).argmax(1)])

    def _columns(self) -> list[slice]:
        """The columns of the features that each classifier sees."""
        ends = np.cumsum([0, *self.encoder_.widths_])
        if not self.fused:
            return [slice(0, int(ends[-1]))]
        return [slice(int(a), int(b)) for a, b in pairwise(ends)]

    def _features(self, key: dict[str, Any] | None, images: Any, order: NDArray[np.int64]) -> Any:
        def fill(out: Any) -> None:
            extract(self.encoder_.encode, images, order, out, device=self.device, mirrored=self.mirrored)

        rows = len(order) * (1 + self.mirrored)
        return Store(self.cache_dir).features(key, (rows, self.encoder_.dim_), fill)

    def _lap(self, stage: str, begin: float) -> float:
        now = time.perf_counter()
        self.timings_[stage] = now - begin
        return now
