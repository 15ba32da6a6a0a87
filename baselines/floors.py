"""Floors: classifiers of scikit-learn on raw pixels, without any image features."""

from __future__ import annotations

import time
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


class _Pixels(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator of scikit-learn on small thumbnails."""

    family = "floor"
    side = 16  # px: what a thumbnail is shrunk to, 768 values

    def __init__(self, random_state: int = 0, n_jobs: int | None = None) -> None:
        self.random_state = random_state
        self.n_jobs = n_jobs

    def estimator(self) -> Any:
        """A fresh classifier of (n, 768) float32 rows."""
        raise NotImplementedError(f"{type(self).__name__} does not say which estimator it is")

    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Learn from n images and (n,) labels."""
        begin = time.perf_counter()
        rows = self._rows(images)
        middle = time.perf_counter()
        self.estimator_ = self.estimator().fit(rows, labels)
        self.timings_ = {"features": middle - begin, "classifier": time.perf_counter() - middle}
        self.classes_ = self.estimator_.classes_
        self.budget_ = {"pixels": self.side**2, "views": 1, "train_share": 1.0, "tuned": "nothing"}
        return self

    def predict(self, images: Any) -> NDArray[np.int64]:
        """(n,) labels."""
        return np.asarray(self.classes_[self.decision_function(images).argmax(1)])

    def decision_function(self, images: Any) -> NDArray[np.float64]:
        """(n, n_classes) float64."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it scores")

    def _rows(self, images: Any) -> NDArray[np.float32]:
        parts = [batch.reshape(len(batch), -1) for batch in images.batches(256, side=self.side)]
        return np.concatenate(parts).astype(np.float32) / np.float32(255)


class PixelsSvm(_Pixels):
    """``pixels-svm``: a linear SVM on standardised 16 × 16 pixels, by ten epochs of averaged SGD, one against the rest.

    Cortes and Vapnik 1995; averaging as Polyak and Juditsky 1992. Measured on the slice of Tiny ImageNet (presets.py):
    86.5 % top-5 error, 1 minute on one core.
    """

    def estimator(self) -> Any:
        """Standard scores, then hinge loss with a small penalty."""
        svm = SGDClassifier(
            loss="hinge", alpha=1e-3, average=True, max_iter=10, tol=None, random_state=self.random_state,
            n_jobs=self.n_jobs,
        )  # fmt: skip
        return make_pipeline(StandardScaler(), svm)

    def decision_function(self, images: Any) -> NDArray[np.float64]:
        """(n, n_classes) float64; two columns for two classes."""
        scores = np.asarray(self.estimator_.decision_function(self._rows(images)))
        return scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1)


class RandomForest(_Pixels):
    """``random-forest``: 200 trees on 16 × 16 pixels (Breiman 2001).

    Measured on the slice of Tiny ImageNet (presets.py): 84.7 % top-5 error, 2 minutes on two cores.
    """

    def estimator(self) -> Any:
        """200 trees, at most 20 deep, which bounds memory at 200 classes."""
        return RandomForestClassifier(200, max_depth=20, random_state=self.random_state, n_jobs=self.n_jobs)

    def decision_function(self, images: Any) -> NDArray[np.float64]:
        """(n, n_classes) float64: shares of votes. Ties are real: a class that no tree names has score 0."""
        return np.asarray(self.estimator_.predict_proba(self._rows(images)), dtype=np.float64)
