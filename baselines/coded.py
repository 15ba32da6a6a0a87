"""The base of most contenders: images to vectors, a linear SVM on the vectors, scores averaged over several models."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from topfive.common.classifier import Classifier
from topfive.common.machine import give_back_memory, torch_threads
from topfive.common.parameters import one_of, true_or_false

from . import costs
from .compute import on_cpu
from .costs import Cost
from .descriptors import MAX_PIXELS
from .encoder import Encoder
from .extraction import extract
from .grid import Grid
from .inside import ShowsPatches
from .passive import PassiveAggressive
from .stages import Key, Stages
from .svm import Linear, LinearSVM
from .views import VIEWS, mean_of_views
from .vocabulary import Channel
from .work import work

SCALE_ROWS = 2048


class Coded(ShowsPatches, Classifier):
    """Local descriptors, coded and pooled, with a linear SVM. A contender says which in ``channels``.

    Of all of them: PCA whitens (``pca``); every region's and every descriptor's vector has unit length, so that all
    weigh alike, but where rows are few descriptors get tuned weights (``dual``); the SVM's penalty is tuned and its
    average forgets (``svm``, ``sgd``). What was tuned on held-out training rows is then learned from all rows, where
    the tuning had seen them all (``LinearSVM.train_share_``).

    ``mirrored``: learn from each image and its mirror image; twice the cost. ``views``: of a test image, whose scores
    are averaged: 2, the image and its mirror image, as for every contender; 1, the image alone.

    After ``fit``, beside scikit-learn's: ``timings_`` (stage → seconds in full, wherever the stage came from),
    ``cached_timings_`` (the part of them that a cache saved), ``cached_cpu_seconds_`` (the same of processor time),
    ``budget_`` (what it was given to work with) and ``converged_`` (whether more epochs could still have helped).
    """

    family = "hand-engineered"
    mirrored = False
    fused = False  # False: one classifier on all vectors side by side; True: one for each channel, scores averaged

    def __init__(
        self,
        views: int = 2,
        random_state: int = 0,
        device: str = "cpu",
        n_jobs: int | None = None,
        cache_dir: str | None = None,
    ) -> None:
        self.views = views
        self.random_state = random_state
        self.device = device
        self.n_jobs = n_jobs
        self.cache_dir = cache_dir

    def check(self) -> None:
        """ValueError for a parameter that makes no sense; ``fit`` begins with it."""
        true_or_false("mirrored", self.mirrored)
        true_or_false("fused", self.fused)
        one_of("views", self.views, VIEWS)

    def channels(self, grid: Grid) -> list[Channel]:
        """The descriptors and codes of this contender."""
        raise NotImplementedError(f"{type(self).__name__} does not say which channels it has")

    def grid(self, height: int, width: int) -> Grid:
        """The patches for images of this typical size."""
        return Grid.for_size(height, width)

    def linear_classifier(self) -> LinearSVM | PassiveAggressive:
        """A fresh linear classifier of features."""
        return LinearSVM(random_state=self.random_state, device=self.device)

    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Learn codebooks, vectors and SVM from n images and (n,) labels. ValueError: see ``check``."""
        self.check()
        labels = np.asarray(labels)
        self.timings_: dict[str, float] = {}
        self.cached_timings_: dict[str, float] = {}
        self.cached_cpu_seconds_ = 0.0
        with torch_threads(self.n_jobs):
            begin = costs.now()
            grid = self.grid(*images.typical_size)
            self.encoder_ = Encoder(self.channels(grid), grid, seed=self.random_state, device=self.device)
            self.encoder_.fit(images, Stages(self.cache_dir))
            begin = self._stage_done("codebook", begin, self.encoder_.cached_cost_)
            # The rows are stored in random order, which is what the SVM's steps want to read.
            order = np.random.default_rng(self.random_state).permutation(len(images))
            key = self.encoder_.key(images, channels=self.encoder_.channels, mirrored=self.mirrored)
            features, cached = self._features(key, images, order, 1 + self.mirrored)
            begin = self._stage_done("features", begin, cached)
            targets = np.tile(labels[order], 1 + self.mirrored)
            self.models_: list[LinearSVM | PassiveAggressive] = []
            self.scales_: list[float] = []
            for columns in self._columns():
                part = features[:, columns]
                model = self.linear_classifier()
                if isinstance(model, LinearSVM):
                    # One for all descriptors side by side may weigh them.
                    inside = [] if self.fused else self._parts()
                    model.fit(part, targets, tune_on=len(labels), parts=inside)
                else:
                    model.fit(part, targets)
                self.models_.append(model)
                # Before scores are averaged, each model's are divided by their standard deviation in training.
                self.scales_.append(1 / max(float(model.decision_function(part[:SCALE_ROWS]).std()), 1e-12))
            self._stage_done("svm", begin, Cost())
        self.classes_ = self.models_[0].classes_
        self.n_images_ = len(labels)
        self.n_parameters_ = sum(int(model.coef_.size + model.intercept_.size) for model in self.models_)
        self.budget_ = {
            "pixels": MAX_PIXELS,
            "codebook": max((channel.k for channel in self.encoder_.channels), default=0),
            "views": self.views,
            "augment": "flip" if self.mirrored else "none",
            "train_share": min(model.train_share_ for model in self.models_),
            "tuned": self.models_[0].tuned_,
        }
        # Of several models, the one that has not converged.
        self.converged_ = min((model.converged_ for model in self.models_), key=lambda said: bool(said["converged"]))
        return self

    def decision_function(self, images: Any) -> NDArray[np.float32]:
        """(n, n_classes) float32."""
        with torch_threads(self.n_jobs):
            scores = self._scores(images) if on_cpu(self.device) else self._scores_on_gpu(images)
        return mean_of_views(np.asarray(scores, dtype=np.float32), self.views)

    def _scores(self, images: Any) -> Any:
        """(views · n, n_classes): of all images, then of all mirror images."""
        features, _ = self._features(None, images, np.arange(len(images)), self.views)
        return sum(
            scale * model.decision_function(features[:, columns])
            for model, scale, columns in zip(self.models_, self.scales_, self._columns(), strict=True)
        )

    def _scores_on_gpu(self, images: Any) -> NDArray[np.float32]:
        """The same; a vector is used where it was made, and never leaves the device."""
        linear = [Linear(model.coef_, model.intercept_, self.device) for model in self.models_]

        def answer(batch: Any) -> torch.Tensor:
            rows = self.encoder_.encode(batch).half()  # as in training
            parts = zip(linear, self.scales_, self._columns(), strict=True)
            return torch.stack([scale * one(rows[:, columns]) for one, scale, columns in parts]).sum(0)

        scores = np.empty((self.views * len(images), len(self.classes_)), dtype=np.float32)
        extract(answer, images, np.arange(len(images)), scores, device=self.device, mirrored=self.views == 2)
        return scores

    def work(self, images: Any) -> dict[str, Any]:
        """Its arithmetic and its device's peaks, for the probe ``throughput``: see ``work.work``."""
        return work(self, images)

    def _columns(self) -> list[slice]:
        """The columns of the features that each classifier sees."""
        return self._parts() if self.fused else [slice(0, self.encoder_.dim_)]

    def _parts(self) -> list[slice]:
        """The columns of each channel."""
        ends = np.cumsum([0, *self.encoder_.widths_]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def _features(
        self, key: Key | None, images: Any, order: NDArray[np.int64], views: int
    ) -> tuple[NDArray[np.float16], Cost]:
        def fill(out: Any) -> None:
            extract(self.encoder_.encode, images, order, out, device=self.device, mirrored=views == 2)

        rows = len(order) * views
        return Stages(self.cache_dir).features(key, (rows, self.encoder_.dim_), fill)

    def _stage_done(self, stage: str, begin: Cost, cached: Cost) -> Cost:
        """Note what a stage took since ``begin``, and what it would have taken without the cache; returns the time."""
        give_back_memory()  # arrays of another size come next
        now = costs.now()
        self.timings_[stage] = (now - begin).seconds + cached.seconds
        if cached != Cost():
            self.cached_timings_[stage] = cached.seconds
            self.cached_cpu_seconds_ += cached.cpu_seconds
        return now
