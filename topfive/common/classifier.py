"""What every classifier here is: scikit-learn's, whose answer is the class with the highest score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """``fit`` sets ``classes_``, (n_classes,) labels in the order of the scores' columns."""

    classes_: NDArray[Any]

    def decision_function(self, inputs: Any) -> NDArray[np.floating[Any]]:
        """(n, n_classes) scores."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it scores")

    def predict(self, inputs: Any) -> NDArray[Any]:
        """(n,) labels."""
        return np.asarray(self.classes_[self.decision_function(inputs).argmax(1)])
