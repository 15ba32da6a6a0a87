"""Floors: classifiers of scikit-learn on raw pixels, without any image features."""

from __future__ import annotations

import time
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from topfive.common.classifier import Classifier
from topfive.common.parameters import one_of

from .views import VIEWS, mean_of_views


class _Pixels(Classifier):
    """An estimator of scikit-learn on small thumbnails.

    ``views``: of a test image, whose scores are averaged: 2, the image and its mirror image; 1, the image alone.
    """

    family = "floor"
    side = 16  # px: what a thumbnail is shrunk to, 768 values

    def __init__(self, views: int = 2, random_state: int = 0, n_jobs: int | None = None) -> None:
        self.views = views
        self.random_state = random_state
        self.n_jobs = n_jobs

    def estimator(self) -> Any:
        """A fresh classifier of (n, 768) float32 rows."""
        raise NotImplementedError(f"{type(self).__name__} does not say which estimator it is")

    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Learn from n images and (n,) labels. ValueError: ``views`` other than 1 or 2."""
        one_of("views", self.views, VIEWS)
        begin = time.perf_counter()
        rows = self._rows(images, 1)
        middle = time.perf_counter()
        self.estimator_ = self.estimator().fit(rows, labels)
        self.timings_ = {"features": middle - begin, "classifier": time.perf_counter() - middle}
        self.classes_ = self.estimator_.classes_
        given = {"pixels": self.side**2, "views": self.views}
        self.budget_ = {**given, "augment": "none", "train_share": 1.0, "tuned": "nothing"}
        return self

    def decision_function(self, images: Any) -> NDArray[np.float64]:
        """(n, n_classes) float64: the mean over the views of each image."""
        return mean_of_views(self.scores(self._rows(images, self.views)), self.views)

    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, n_classes) float64 for (n, 768) float32 rows."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it scores")

    def _rows(self, images: Any, views: int) -> NDArray[np.float32]:
        """(views · n, 768): the images, then their mirror images."""
        pixels = np.concatenate(list(images.batches(256, side=self.side)))
        seen = [pixels, pixels[:, :, ::-1]][:views]
        return np.concatenate([view.reshape(len(view), -1) for view in seen]).astype(np.float32) / np.float32(255)


class PixelsSvm(_Pixels):
    """``pixels-svm``: a linear SVM on standardised 16 × 16 pixels, by ten epochs of averaged SGD, one against the rest.

    Cortes and Vapnik 1995; averaging as Polyak and Juditsky 1992. Measured on the slice of Tiny ImageNet (presets.py):
    85.9 % top-5 error by two views, 1 minute on one core.
    """

    def estimator(self) -> Any:
        """Standard scores, then hinge loss with a small penalty."""
        svm = SGDClassifier(
            loss="hinge", alpha=1e-3, average=True, max_iter=10, tol=None, random_state=self.random_state,
            n_jobs=self.n_jobs,
        )  # fmt: skip
        return make_pipeline(StandardScaler(), svm)

    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, n_classes) float64; two columns for two classes."""
        scores = np.asarray(self.estimator_.decision_function(rows))
        return scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1)


class RandomForest(_Pixels):
    """``random-forest``: 200 trees on 16 × 16 pixels (Breiman 2001).

    Measured on the slice of Tiny ImageNet (presets.py): 82.3 % top-5 error by two views, 2 minutes on two cores.
    """

    def estimator(self) -> Any:
        """200 trees, at most 20 deep, which bounds memory at 200 classes."""
        return RandomForestClassifier(200, max_depth=20, random_state=self.random_state, n_jobs=self.n_jobs)

    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, n_classes) float64: shares of votes. Ties are real: a class that no tree names has score 0."""
        return np.asarray(self.estimator_.predict_proba(rows), dtype=np.float64)
