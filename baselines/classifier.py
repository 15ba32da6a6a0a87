"""What every contender here is: images to vectors, vectors to a linear SVM, scores averaged over its models."""

from __future__ import annotations

import logging
import time
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from .compute import product_dtype, threads
from .encoder import Channel, Encoder, extract
from .grid import Grid
from .store import Store
from .svm import LinearSVM

log = logging.getLogger("topfive.baselines")

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

    def channels(self, grid: Grid) -> list[Channel]:
        """The descriptors and codes of this contender."""
        raise NotImplementedError(f"{type(self).__name__} does not say which channels it has")

    def grid(self, height: int, width: int) -> Grid:
        """The patches for images of this typical size."""
        return Grid.for_size(height, width)

    def classifier(self) -> Any:
        """A fresh linear classifier of features."""
        return LinearSVM(random_state=self.random_state, device=self.device)

    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Learn codebooks, vectors and SVM from n images and (n,) labels."""
        labels = np.asarray(labels)
        self.timings_: dict[str, float] = {}
        store = Store(self.cache_dir)
        with threads(self.n_jobs):
            grid = self.grid(*images.typical_size)
            channels = self.channels(grid)
            key = None
            if images.fingerprint is not None:
                key = {"data": images.fingerprint, "channels": channels, "grid": grid, "seed": self.random_state}
                key |= {"device": self.device, "products": product_dtype(self.device)}  # both are in the encoder
            begin = time.perf_counter()
            encoder = Encoder(channels, grid, seed=self.random_state, device=self.device)
            # Sampling is many small operations, which threads only slow down on a busy machine.
            with threads(1 if max(channel.k for channel in channels) <= 128 else None):
                self.encoder_: Encoder = store.kept("codebook", key, lambda: encoder.fit(images))
            begin = self._lap("codebook", begin)
            # The rows are stored in random order, which is what the SVM's steps want to read.
            order = np.random.default_rng(self.random_state).permutation(len(images))
            features = self._features(store, key, images, order)
            begin = self._lap("features", begin)
            targets = np.tile(labels[order], 1 + self.mirrored)
            self.models_: list[Any] = []
            self.scales_: list[float] = []
            for columns in self._columns():
                model = self.classifier()
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
            features = self._features(Store(None), None, images, np.arange(len(images)))
            scores = sum(
                scale * model.decision_function(features[:, columns])
                for model, scale, columns in zip(self.models_, self.scales_, self._columns(), strict=True)
            )
        views = np.asarray(scores, dtype=np.float32).reshape(1 + self.mirrored, len(images), -1)
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

    def _features(self, store: Store, key: dict[str, Any] | None, images: Any, order: NDArray[np.int64]) -> Any:
        def fill(out: Any) -> None:
            extract(self.encoder_.encode, images, order, out, device=self.device, mirrored=self.mirrored)

        rows = len(order) * (1 + self.mirrored)
        kept = None if key is None else {**key, "mirrored": self.mirrored}
        return store.features(kept, (rows, self.encoder_.dim_), fill)

    def _lap(self, stage: str, begin: float) -> float:
        now = time.perf_counter()
        self.timings_[stage] = now - begin
        return now
