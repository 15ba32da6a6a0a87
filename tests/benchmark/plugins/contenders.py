"""Small contenders for the harness's tests: one that works, and one for each way to go wrong."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from joblib import Parallel, delayed


class MeanColor:
    """Nearest class mean of the mean colour; ``shift`` moves nothing that matters."""

    family = "hand-engineered"

    def __init__(self, shift: float = 0.0, random_state: int | None = None) -> None:
        self.shift = shift
        self.random_state = random_state

    def fit(self, images: Any, labels: np.ndarray) -> MeanColor:
        start = time.perf_counter()
        features = self._features(images)
        self.classes_ = np.unique(labels)
        self.means_ = np.stack([features[labels == label].mean(axis=0) for label in self.classes_])
        self.timings_ = {"features": time.perf_counter() - start}
        self.n_parameters_ = self.means_.size
        return self

    def decision_function(self, images: Any) -> np.ndarray:
        return -((self._features(images)[:, None] - self.means_) ** 2).sum(axis=2)

    def _features(self, images: Any) -> np.ndarray:
        return np.concatenate([batch.mean(axis=(1, 2)) for batch in images.batches(64, side=32)]) + self.shift


class Counts(MeanColor):
    """Says how often it goes over its images."""

    def __init__(self, epochs: int | None = None) -> None:
        super().__init__()
        self.epochs = epochs

    def passes(self, n: int) -> int:
        return n // 500 if self.epochs is None else self.epochs


class Spread(MeanColor):
    """The same through joblib, a few images a call."""

    def _features(self, images: Any) -> np.ndarray:
        parts = (images.take(part) for part in np.array_split(np.arange(len(images)), 10))
        return np.concatenate(Parallel()(delayed(_means)(part) for part in parts)) + self.shift


def _means(images: Any) -> np.ndarray:
    return np.concatenate([batch.mean(axis=(1, 2)) for batch in images.batches(64, side=32)])


class Reversed(MeanColor):
    """The same, with its columns in another order: legal, as classes_ says so."""

    def fit(self, images: Any, labels: np.ndarray) -> Reversed:
        super().fit(images, labels)
        self.classes_, self.means_ = self.classes_[::-1], self.means_[::-1]
        return self


class Raises(MeanColor):
    def fit(self, images: Any, labels: np.ndarray) -> Raises:
        raise RuntimeError("no such luck")


class WrongShape(MeanColor):
    def decision_function(self, images: Any) -> np.ndarray:
        return super().decision_function(images)[:, 1:]


class NotANumber(MeanColor):
    def decision_function(self, images: Any) -> np.ndarray:
        return super().decision_function(images) * np.nan


class Exits(MeanColor):
    def fit(self, images: Any, labels: np.ndarray) -> Exits:
        sys.exit("enough")


class HardExit(MeanColor):
    def fit(self, images: Any, labels: np.ndarray) -> HardExit:
        os._exit(7)


class Segfaults(MeanColor):
    def fit(self, images: Any, labels: np.ndarray) -> Segfaults:
        ctypes.string_at(0)
        return self


class Hangs(MeanColor):
    def fit(self, images: Any, labels: np.ndarray) -> Hangs:
        time.sleep(600)
        return self


class Eats(MeanColor):
    """Takes memory up to a limit of its own, as on a small machine."""

    def fit(self, images: Any, labels: np.ndarray) -> Eats:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        eaten = []
        while True:
            eaten.append(np.empty(1 << 26))  # the limit counts addresses, so nothing need be touched


class Greedy(MeanColor):
    """Takes 300 MB and a second of processor time for fitting, neither for predicting."""

    def fit(self, images: Any, labels: np.ndarray) -> Greedy:
        much = np.ones(37_500_000)
        end = time.process_time() + 1
        while time.process_time() < end:
            much[:1000] += 1
        super().fit(images, labels)
        return self


class ReadsMappedFile(MeanColor):
    """Reads a mapped file of 300 MB while fitting, and lets it go; then goes on for three seconds."""

    def fit(self, images: Any, labels: np.ndarray) -> ReadsMappedFile:
        with tempfile.TemporaryFile() as file:
            file.truncate(300_000_000)
            mapped = np.memmap(file, mode="r", dtype=np.uint8)
            mapped[::4096].sum()
            time.sleep(0.5)
            del mapped
        time.sleep(3)
        super().fit(images, labels)
        return self


class Forks(MeanColor):
    """Leaves children behind, one in a session of its own; writes their process ids to $TOPFIVE_TEST_PIDS."""

    def fit(self, images: Any, labels: np.ndarray) -> Forks:
        children = [subprocess.Popen(["sleep", "600"], start_new_session=own) for own in (False, True)]
        with open(os.environ["TOPFIVE_TEST_PIDS"], "a", encoding="utf-8") as file:
            file.write("".join(f"{child.pid}\n" for child in children))
        time.sleep(0.5)
        super().fit(images, labels)
        return self


class Skips(MeanColor):
    def skip(self, images: Any, n_classes: int) -> str | None:
        return f"made for two classes, not {n_classes}"


class SaysDevice(MeanColor):
    """Prints what it was given to compute on."""

    def __init__(self, device: str = "cpu") -> None:
        super().__init__()
        self.device = device

    def fit(self, images: Any, labels: np.ndarray) -> SaysDevice:
        print("given", self.device)
        super().fit(images, labels)
        return self


class SaysDevices(SaysDevice):
    """One that can use several."""

    several_devices = True


class SaysGpu(MeanColor):
    """Prints which GPUs it may use."""

    def fit(self, images: Any, labels: np.ndarray) -> SaysGpu:
        print("sees", os.environ.get("CUDA_VISIBLE_DEVICES", "all"))
        super().fit(images, labels)
        return self
