"""Contenders that each break the contract in one way."""

from __future__ import annotations

import random
from typing import Any, ClassVar

import numpy as np


class Sound:
    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, images: Any, labels: np.ndarray) -> Sound:
        features = self.features(images)
        self.classes_ = np.unique(labels)
        self.means_ = np.stack([features[labels == label].mean(axis=0) for label in self.classes_])
        return self

    def decision_function(self, images: Any) -> np.ndarray:
        return -((self.features(images)[:, None] - self.means_) ** 2).sum(axis=2)

    def features(self, images: Any) -> np.ndarray:
        return np.concatenate([batch.reshape(len(batch), -1) / 255 for batch in images.batches(32, side=8)])


class StoresNothing(Sound):
    def __init__(self, random_state: int = 0, strength: float = 1.0) -> None:
        self.random_state = random_state


class ReturnsNothing(Sound):
    def fit(self, images: Any, labels: np.ndarray) -> None:
        super().fit(images, labels)


class ChangesLabels(Sound):
    def fit(self, images: Any, labels: np.ndarray) -> ChangesLabels:
        super().fit(images, labels)
        labels[:] = 0
        return self


class WrongClassOrder(Sound):
    def decision_function(self, images: Any) -> np.ndarray:
        return np.roll(super().decision_function(images), 1, axis=1)


class WrongShape(Sound):
    def decision_function(self, images: Any) -> np.ndarray:
        return super().decision_function(images)[:, 1:]


class NormalisesOverTheTest(Sound):
    def decision_function(self, images: Any) -> np.ndarray:
        scores = super().decision_function(images)
        return scores - scores.mean(axis=0)


class PeeksAtTheOrder(Sound):
    def decision_function(self, images: Any) -> np.ndarray:
        scores = super().decision_function(images)
        return scores + np.arange(len(scores))[:, None] * np.eye(scores.shape[1])[0]


class GlobalState(Sound):
    def fit(self, images: Any, labels: np.ndarray) -> GlobalState:
        super().fit(images, labels)
        self.means_ = self.means_ + np.random.normal(size=self.means_.shape)  # noqa: NPY002
        return self


class PythonsRandom(Sound):
    def fit(self, images: Any, labels: np.ndarray) -> PythonsRandom:
        super().fit(images, labels)
        self.means_ = self.means_ + random.random() * np.eye(*self.means_.shape)
        return self


class LearnsIntoTheClass(Sound):
    means: ClassVar[list[np.ndarray]] = [np.zeros(1)]

    def fit(self, images: Any, labels: np.ndarray) -> LearnsIntoTheClass:
        super().fit(images, labels)
        self.means[0] = np.resize(self.means_, (6, self.means_.shape[1]))
        return self

    def decision_function(self, images: Any) -> np.ndarray:
        distances = ((self.features(images)[:, None] - self.means[0]) ** 2).sum(axis=2)
        return -distances[:, : len(self.classes_)]


class MisspellsQuick(Sound):
    quick_params: ClassVar[dict[str, int]] = {"epoch": 1}


class HoldsALambda(Sound):
    def fit(self, images: Any, labels: np.ndarray) -> HoldsALambda:
        super().fit(images, labels)
        self.kernel_ = lambda x: x
        return self


class CountsVotes(Sound):
    def predict_proba(self, images: Any) -> np.ndarray:
        return np.exp(super().decision_function(images))


class OneColumnForTwo(Sound):
    def decision_function(self, images: Any) -> np.ndarray:
        scores = super().decision_function(images)
        return scores[:, :1] if scores.shape[1] == 2 else scores


class DividesByContrast(Sound):
    def features(self, images: Any) -> np.ndarray:
        raw = super().features(images)
        return raw / np.float64(raw.std(axis=1, keepdims=True) > 0) if len(raw) < 10 else raw
