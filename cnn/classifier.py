"""Deep contenders: scikit-learn classifiers over images, each a network, a recipe and the one training loop."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from . import device as hardware
from .alexnet import alexnet
from .augment import CHOICES, Augment, Colour
from .distributed import gathered, join
from .feed import Feed
from .train import Recipe, Trainer

log = logging.getLogger("topfive.cnn")
CODE_VERSION = 1  # part of every checkpoint's key: raise it when a change would train another network


def default_epochs(n_train: int, on_gpu: bool) -> int:
    """Passes over the training images when ``epochs`` is not given.

    CPU: 12 + 12,000 / n, at most 60 (2,000 images: 18; 20,000: 13). GPU: 60 + 200,000 / n, at most 300.
    """
    return min(300, 60 + 200_000 // n_train) if on_gpu else min(60, round(12 + 12_000 / n_train))


class TorchClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Any ``torch.nn.Module`` as a contender: ``module(n_classes, side)`` returns the network to train.

    The network takes (n, 3, side, side) float32 of zero mean and unit variance and returns (n, n_classes) logits.

    epochs        None: see ``default_epochs``
    side          pixels a side that the network sees; None: the images' own short side, between 16 and 64 on a CPU,
                  between 16 and 224 on a GPU
    augment       "none", "crop", "crop+flip", "scale+flip" or "paper" (see ``augment.Augment``)
    held_out      fraction of the training images kept back to choose the best epoch
    cache_dir     where each epoch's checkpoint goes; a training that was cut short goes on from there
    """

    family = "deep"

    def __init__(
        self,
        module: Callable[[int, int], nn.Module],
        *,
        epochs: int | None = None,
        side: int | None = None,
        batch: int = 128,
        optimizer: str = "sgd",
        lr: float = 0.02,
        augment: str = "scale+flip",
        held_out: float = 0.05,
        random_state: int = 0,
        device: str = "auto",
        n_jobs: int | None = None,
        cache_dir: str | None = None,
    ) -> None:
        self.module = module
        self.epochs = epochs
        self.side = side
        self.batch = batch
        self.optimizer = optimizer
        self.lr = lr
        self.augment = augment
        self.held_out = held_out
        self.random_state = random_state
        self.device = device
        self.n_jobs = n_jobs
        self.cache_dir = cache_dir

    # What a network of this package changes.

    def _network(self, n_classes: int, side: int) -> nn.Module:
        return self.module(n_classes, side)

    def _recipe(self, epochs: int) -> Recipe:
        return Recipe(
            epochs=epochs, batch=self.batch, optimizer=self.optimizer, lr=self.lr, seed=self.random_state
        )  # fmt: skip

    def _sides(self, shortest: int, on_gpu: bool) -> tuple[int, int]:
        """(stored, seen): pixels a side of the images kept, and of what the network sees."""
        side = self.side or min(max(16, shortest), 224 if on_gpu else 64)
        return side, side

    def _colour(self, pixels: torch.Tensor) -> tuple[Colour, float]:
        """What is subtracted, and what divides the rest."""
        colour = Colour.of(pixels)
        return colour, colour.std

    _ten_crops = False

    # The contract.

    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Train on n images and their (n,) labels. Raises ValueError for parameters that make no sense,
        train.TrainingDiverged for a loss that is no longer a number."""
        if self.augment not in CHOICES:
            raise ValueError(f"augment must be one of {', '.join(CHOICES)}, not {self.augment!r}")
        started = time.monotonic()
        rank, world, device = join(hardware.choose(self.device))
        self.classes_, targets = np.unique(np.asarray(labels), return_inverse=True)
        train, held_out = split(targets, self.held_out, self.random_state)
        on_gpu = device.type == "cuda"
        recipe = self._recipe(self.epochs or default_epochs(len(train), on_gpu))
        stored, seen = self._sides(min(images.typical_size), on_gpu)

        with hardware.threads(self.n_jobs), torch.random.fork_rng():
            feed = Feed(images, targets.astype(np.int64), stored, device)
            colour, scale = self._colour(feed.sample(4000, train))
            self.augment_ = Augment(self.augment, seen, colour, scale, part=(rank, world))
            loaded = time.monotonic()
            torch.manual_seed(self.random_state)
            self.model_ = self._network(len(self.classes_), seen)
            self.side_, self.stored_ = seen, stored
            self.n_parameters_ = sum(p.numel() for p in self.model_.parameters())
            self.flops_per_image_ = flops(self.model_, seen)
            log.info(
                "%s on %s: %d images of %d pixels, %d classes, %.1f M parameters, %.2f GFLOP an image, %d epochs",
                type(self).__name__, device, len(train), seen, len(self.classes_), self.n_parameters_ / 1e6,
                self.flops_per_image_ / 1e9, recipe.epochs,
            )  # fmt: skip
            self.model_.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            path, key = self._checkpoint(images, targets)
            trainer = Trainer(
                self.model_, feed, train, held_out, replace_device(self.augment_, device), recipe,
                n_classes=len(self.classes_), dtype=hardware.precision(device), world=world, save_to=path, key=key,
            )  # fmt: skip
            trainer.run()
        self.model_.to("cpu").eval()
        self.history_ = trainer.history
        self.timings_ = {"load": loaded - started, "train": sum(record["seconds"] for record in self.history_)}
        self.peak_bytes_ = hardware.peak_bytes(device)
        return self

    def decision_function(self, images: Any) -> NDArray[np.float32]:
        """(n, n_classes) float32: log of the probabilities, averaged over the views of each image."""
        rank, world, device = join(hardware.choose(self.device))
        dtype = hardware.precision(device)
        augment = replace_device(self.augment_, device)
        edges = np.linspace(0, len(images), world + 1).astype(np.int64)
        order = np.arange(edges[rank], edges[rank + 1])
        rows = []
        with hardware.threads(self.n_jobs), torch.inference_mode():
            network = self.model_.to(device).eval()
            for batch in images.batches(256, side=self.stored_, order=order):
                pixels = torch.from_numpy(batch).to(device)
                total = torch.zeros(len(pixels), len(self.classes_), device=device)
                views = augment.views(pixels, self._ten_crops)
                for view in views:
                    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                        logits = network(view)
                    total += logits.float().softmax(1)
                rows.append((total / len(views)).clamp_min(1e-30).log().cpu().numpy())
            self.model_.to("cpu")
        mine = np.concatenate(rows) if rows else np.zeros((0, len(self.classes_)), np.float32)
        return gathered(mine, world)

    def predict(self, images: Any) -> NDArray[Any]:
        """(n,) labels."""
        answer: NDArray[Any] = self.classes_[self.decision_function(images).argmax(1)]
        return answer

    def _checkpoint(self, images: Any, targets: NDArray[np.int64]) -> tuple[Path | None, str]:
        """Where this training's checkpoint is, and the key that it must carry."""
        fingerprint = getattr(images, "fingerprint", None)
        if self.cache_dir is None or fingerprint is None:
            return None, ""
        ignored = ("device", "n_jobs", "cache_dir")
        parameters = {k: repr(v) for k, v in self.get_params(deep=False).items() if k not in ignored}
        labels = hashlib.sha256(np.ascontiguousarray(targets, dtype=np.int64).tobytes()).hexdigest()
        what = [type(self).__module__, type(self).__qualname__, CODE_VERSION, parameters, fingerprint, labels]
        key = hashlib.sha256(json.dumps([*what, self.side_, self.stored_]).encode()).hexdigest()
        return Path(self.cache_dir) / "cnn" / f"{type(self).__name__.lower()}-{key[:16]}.pt", key


class AlexNet(TorchClassifier):
    """The network of 2012 with a stem that fits the images (see ``alexnet.stem_stride``) and today's training.

    The paper's layer sequence: grouped convolutions, local response normalisation, overlapping pooling, dropout. New:
    He initialisation, inputs of unit variance, random scale and aspect in the crops, label smoothing, a one-cycle
    schedule, images that grow during training. Epochs when not given: ``default_epochs``.
    """

    def __init__(
        self,
        *,
        activation: str = "relu",
        dropout: float = 0.5,
        lrn: bool = True,
        batch_norm: bool = False,
        overlap: bool = True,
        groups: int = 2,
        init: str = "he",
        width: float = 1.0,
        augment: str = "scale+flip",
        epochs: int | None = None,
        side: int | None = None,
        batch: int = 128,
        optimizer: str = "sgd",
        lr: float = 0.02,
        first_side: float = 0.5,
        held_out: float = 0.05,
        random_state: int = 0,
        device: str = "auto",
        n_jobs: int | None = None,
        cache_dir: str | None = None,
    ) -> None:
        self.activation = activation
        self.dropout = dropout
        self.lrn = lrn
        self.batch_norm = batch_norm
        self.overlap = overlap
        self.groups = groups
        self.init = init
        self.width = width
        self.augment = augment
        self.epochs = epochs
        self.side = side
        self.batch = batch
        self.optimizer = optimizer
        self.lr = lr
        self.first_side = first_side
        self.held_out = held_out
        self.random_state = random_state
        self.device = device
        self.n_jobs = n_jobs
        self.cache_dir = cache_dir

    def _network(self, n_classes: int, side: int) -> nn.Module:
        return alexnet(
            n_classes, side, activation=self.activation, dropout=self.dropout, lrn=self.lrn,
            batch_norm=self.batch_norm, overlap=self.overlap, groups=self.groups, init=self.init, width=self.width,
        )  # fmt: skip

    def _recipe(self, epochs: int) -> Recipe:
        return Recipe(
            epochs=epochs, batch=self.batch, optimizer=self.optimizer, lr=self.lr, first_side=self.first_side,
            seed=self.random_state,
        )  # fmt: skip

    def _colour(self, pixels: torch.Tensor) -> tuple[Colour, float]:
        colour = Colour.of(pixels)
        return colour, 1.0 if self.init == "paper" else colour.std


def split(targets: NDArray[Any], fraction: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(train, held out): sorted indices; ``fraction`` of each class is held out, rounded at random, never all of it."""
    random = np.random.default_rng([seed, 1])
    held: list[NDArray[np.int64]] = []
    for c in np.unique(targets):
        members = random.permutation(np.flatnonzero(targets == c))
        n = int(len(members) * fraction + random.random())
        held.append(members[: min(n, len(members) - 1)])
    held_out = np.sort(np.concatenate(held)).astype(np.int64)
    return np.setdiff1d(np.arange(len(targets)), held_out).astype(np.int64), held_out


def flops(network: nn.Module, side: int) -> float:
    """Floating-point operations of a forward pass on one image, a multiply-add counted as two."""
    network.eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 3, side, side))
    return float(counter.get_total_flops())


def replace_device(augment: Augment, device: torch.device) -> Augment:
    """The same augmentation with its statistics on another device."""
    moved = augment.colour.to(device)
    return Augment(augment.how, augment.side, moved, augment.scale, augment.least, augment.part)
