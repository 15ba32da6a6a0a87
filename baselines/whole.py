"""Contenders that describe an image as a whole, with a linear SVM on the description."""

from __future__ import annotations

import time
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from topfive.common.machine import torch_threads
from topfive.common.parameters import one_of

from .color import color_histogram
from .descriptors import to_tensor
from .extraction import extract
from .features_svm import FeaturesSVM
from .hog import hog
from .inside import colour_cells, hog_cells
from .stages import Stages
from .views import VIEWS


class Whole(FeaturesSVM):
    """One descriptor of the whole image and a linear SVM. A contender says which in ``describe``."""

    family = "hand-engineered"
    side = 64  # px: short side resized to this, centre crop

    def __init__(self, views: int = 2, random_state: int = 0, device: str = "cpu", n_jobs: int | None = None) -> None:
        self.views = views
        self.random_state = random_state
        self.device = device
        self.n_jobs = n_jobs

    def describe(self, rgb: torch.Tensor) -> torch.Tensor:
        """(B, 3, side, side) float32 RGB in [0, 1] -> (B, dim)."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it describes")

    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Learn from n images and (n,) labels. ValueError: ``views`` other than 1 or 2."""
        one_of("views", self.views, VIEWS)
        labels = np.asarray(labels)
        order = np.random.default_rng(self.random_state).permutation(len(images))
        begin = time.perf_counter()
        with torch_threads(self.n_jobs):
            features = self._features(images, order, 1)
            middle = time.perf_counter()
            self._fit_svm(features, labels[order])
        self.timings_ = {"features": middle - begin, "svm": time.perf_counter() - middle}
        self.budget_ = self._budget(pixels=self.side**2)
        return self

    def _features(self, images: Any, order: NDArray[np.int64], views: int) -> Any:
        bare = clone(self)  # what a cluster is sent does not include the SVM

        def encode(batch: NDArray[np.uint8]) -> torch.Tensor:
            vectors = bare.describe(to_tensor(list(batch), bare.device))
            return torch.nn.functional.normalize(vectors, dim=1)

        def fill(out: Any) -> None:
            extract(encode, images, order, out, device=self.device, side=self.side, mirrored=views == 2)

        blank = np.zeros((1, self.side, self.side, 3), dtype=np.uint8)
        features, _ = Stages(None).features(None, (views * len(order), encode(blank).shape[1]), fill)
        return features


class ColorHistogram(Whole):
    """How often each colour comes up, and a linear SVM: what colour alone is worth.

    HSV histogram of 16 × 4 × 4 bins (Swain and Ballard 1991). Cost: reading the images. Measured on the slice of Tiny
    ImageNet (presets.py): 76.2 % top-5 error (chance 97.5 %), 7 seconds on one core.
    """

    def describe(self, rgb: torch.Tensor) -> torch.Tensor:
        """(B, 256)."""
        return color_histogram(rgb)

    def parts_of(self, image: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
        """The mean colours of small cells."""
        return {"colour cells": colour_cells(image)}


class Hog(Whole):
    """Edge directions in a grid over the whole image (HOG), and a linear SVM.

    Dalal and Triggs 2005, without their detection window: one descriptor for the image, rigid in position, at 64 × 64
    px, 49 blocks × 36 values. Votes are not shared between neighbouring cells, which keeps a cell's histogram one sum
    over its pixels. Measured on the slice of Tiny ImageNet (presets.py): 75.6 % top-5 error by two views.
    """

    def describe(self, rgb: torch.Tensor) -> torch.Tensor:
        """(B, 1764)."""
        return hog(rgb, interpolate=True).flatten(1)

    def parts_of(self, image: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
        """The edges of its cells."""
        return {"HOG cells": hog_cells(image)}
