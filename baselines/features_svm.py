"""What contenders have in common that are the features of an image and one linear SVM on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from topfive.common.classifier import Classifier
from topfive.common.machine import torch_threads

from .svm import LinearSVM
from .views import mean_of_views


class FeaturesSVM(Classifier):
    """A contender says what the features are in ``_features`` and ends its ``fit`` with ``_fit_svm``.

    ``views``: of a test image, whose scores are averaged: 2, the image and its mirror image; 1, the image alone.
    """

    views: int
    random_state: int
    device: str
    n_jobs: int | None

    def _features(self, images: Any, order: NDArray[np.int64], views: int) -> Any:
        """(views · len(order), dim): of the images in this order, then of their mirror images."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its features are")

    def _fit_svm(self, features: Any, labels: NDArray[np.int64]) -> None:
        """Learn from (n, dim) features and (n,) labels; sets what a contender says of its classifier."""
        self.svm_ = LinearSVM(random_state=self.random_state, device=self.device).fit(features, labels)
        self.classes_ = self.svm_.classes_
        self.converged_ = self.svm_.converged_
        self.n_parameters_ = int(self.svm_.coef_.size + self.svm_.intercept_.size)

    def _budget(self, **own: float) -> dict[str, Any]:
        """What it was given, the contender's ``own`` first."""
        svm = self.svm_
        learned = {"augment": "none", "train_share": svm.train_share_, "tuned": svm.tuned_}
        return {**own, "views": self.views, **learned}

    def decision_function(self, images: Any) -> NDArray[np.float32]:
        """(n, n_classes) float32."""
        with torch_threads(self.n_jobs):
            features = self._features(images, np.arange(len(images)), self.views)
            return mean_of_views(self.svm_.decision_function(features), self.views)
