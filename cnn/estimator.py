"""What all deep contenders share: images and labels in, a network through the training loop, scores out.

The classes are scikit-learn's kind of estimator, written as dataclasses: the fields are the constructor's arguments,
which are only stored.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from . import device as hardware
from .augment import CHOICES, Augment, Colour
from .distributed import gathered, in_step, join
from .feed import Feed
from .parameters import choice, number, whole
from .spawn import run_on
from .train import RATES, Job, Recipe, Trainer

log = logging.getLogger("topfive.cnn")
CODE_VERSION = 4  # part of every checkpoint's key: raise it when a change would train another network


def default_epochs(n_train: int, on_gpu: bool) -> int:
    """Passes over n training images when ``epochs`` is not given.

    On a CPU 12 + 36,000 / n, at most 100 (2,000 images: 30; 20,000: 13). On a GPU 60 + 200,000 / n, at most 300.
    """
    return min(300, 60 + 200_000 // n_train) if on_gpu else min(100, 12 + 36_000 // n_train)


@dataclass(kw_only=True, eq=False, repr=False)
class DeepClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The base. ``_network`` makes the network; ``_recipe``, ``_sides`` and ``_colour`` say how it is trained; a method
    ``_pretrain(trainer)``, where there is one, is called before the first epoch.

    epochs        None: ``default_epochs``, by the number of training images and the device
    side          pixels a side that the network sees; None: the images' own short side, at least 16, and at most 64
                  on a CPU or 224 on a GPU
    batch         images in a step; None: 64 on a CPU, 128 on a GPU
    optimizer     "sgd" (Nesterov), "momentum" (Polyak, the paper's), "adamw"
    lr            the highest learning rate; None: ``train.RATES``, by the optimizer
    augment       "none" (or None), "crop", "crop+flip", "scale+flip" or "paper" (see ``augment.Augment``); "auto":
                  "scale+flip" on a GPU, whose trainings are long enough to need it, and "crop+flip" on a CPU
    first_side    fraction of ``side`` at which training starts (see ``train.Recipe``)
    held_out      fraction of the training images kept back to choose the best epoch
    device        "auto", "cpu", "cuda", "cuda:1", or several, "cuda:0,cuda:1": one process each
    precision     "auto": bfloat16 where the device computes in it, else float32; "bf16", "f32"
    cache_dir     where checkpoints go, each after an epoch, but not more often than every ``train.SAVE_EVERY`` seconds
                  nor for more than a twentieth of the time; a training that was cut short goes on from the last one

    After ``fit``: ``model_`` (the network, on the CPU), ``history_``, ``timings_``, ``n_parameters_``,
    ``flops_per_image_`` (a multiply-add is two), ``peak_bytes_``, ``energy_joules_`` (None where nobody measures it);
    of several devices these two are the first one's alone.
    """

    epochs: int | None = None
    side: int | None = None
    batch: int | None = None
    optimizer: str = "adamw"
    lr: float | None = None
    augment: str | None = "auto"
    first_side: float = 0.5
    held_out: float = 0.05
    random_state: int = 0
    device: str = "auto"
    n_jobs: int | None = None
    precision: str = "auto"
    cache_dir: str | None = None

    family = "deep"
    several_devices = True  # what the run passes on of ``--device cuda:0,1``
    quick_params: ClassVar[dict[str, Any]] = {"epochs": 20, "batch": 16}  # enough to learn a few dozen images
    cpu_epochs = 1.0  # of ``default_epochs``, where a pass costs more or less than others' on a CPU
    ten_crops = False  # average the paper's ten views, not two

    # What each network decides for itself.

    def _check(self) -> None:
        """Raise ValueError, in a line that names it, for a parameter that makes no sense."""
        for name in ("epochs", "side", "batch"):
            whole(name, getattr(self, name), 1, optional=True)
        choice("optimizer", self.optimizer, RATES)
        number("lr", self.lr, above=0, optional=True)
        choice("augment", self.augment or "none", ("auto", *CHOICES))
        number("held_out", self.held_out, least=0, below=1)
        number("first_side", self.first_side, above=0, most=1)
        whole("random_state", self.random_state, 0)

    def _network(self, n_classes: int, side: int, on_gpu: bool) -> nn.Module:
        raise NotImplementedError

    def _needs_held_out(self) -> bool:
        """Whether an image is held out also where ``held_out`` comes to none at all."""
        return False

    def _epochs(self, n_train: int, on_gpu: bool) -> int:
        epochs = default_epochs(n_train, on_gpu)
        return epochs if on_gpu else math.ceil(self.cpu_epochs * epochs)

    def _recipe(self, epochs: int, on_gpu: bool) -> Recipe:
        return Recipe(
            epochs=epochs,
            batch=(128 if on_gpu else 64) if self.batch is None else self.batch,
            optimizer=self.optimizer,
            lr=self.lr,
            first_side=self.first_side,
            seed=self.random_state,
        )

    def _sides(self, shortest: int, on_gpu: bool) -> tuple[int, int]:
        """(stored, seen): pixels a side of the images kept, and of what the network sees."""
        side = min(max(16, shortest), 224 if on_gpu else 64) if self.side is None else self.side
        return side, side

    def _colour(self, pixels: torch.Tensor) -> tuple[Colour, float]:
        """What is subtracted, and what divides the rest."""
        colour = Colour.of(pixels)
        return colour, colour.std

    # The contract.

    @in_step()
    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Train on n images and their (n,) labels. Raises ValueError for parameters that make no sense,
        train.TrainingDiverged for a loss that is no longer a number."""
        self._check()
        started = time.monotonic()
        devices = [hardware.choose(name) for name in hardware.names(self.device)]
        rank, world, device = join(devices[0])
        on_gpu = device.type == "cuda"
        dtype = hardware.precision(device, self.precision)
        self.classes_, targets = np.unique(np.asarray(labels), return_inverse=True)
        train, held_out = split(targets, self.held_out, self.random_state, self._needs_held_out())
        self.stored_, self.side_ = self._sides(min(images.typical_size), on_gpu)
        recipe = self._recipe(self._epochs(len(train), on_gpu) if self.epochs is None else self.epochs, on_gpu)

        with hardware.threads(self.n_jobs), torch.random.fork_rng([device] if on_gpu else []):
            torch.manual_seed(self.random_state)
            self.model_ = self._network(len(self.classes_), self.side_, on_gpu)
            home = device if len(devices) == 1 else torch.device("cpu")
            feed = Feed(images, targets.astype(np.int64), self.stored_, home)
            colour, scale = self._colour(feed.sample(4000, train))
            how = ("scale+flip" if on_gpu else "crop+flip") if self.augment == "auto" else self.augment
            self.augment_ = Augment(how or "none", self.side_, colour, scale)
            loaded = time.monotonic()
            self.n_parameters_ = sum(p.numel() for p in self.model_.parameters())
            self.flops_per_image_ = flops(self.model_, self.side_)
            log.info(
                "%s on %s: %d images of %d pixels, %d classes, %.1f M parameters, %.2f GFLOP an image, %d epochs",
                type(self).__name__, self.device, len(train), self.side_, len(self.classes_),
                self.n_parameters_ / 1e6, self.flops_per_image_ / 1e9, recipe.epochs,
            )  # fmt: skip
            path, key = self._checkpoint(images, targets, device, dtype)
            job = Job(
                self.model_,
                train,
                held_out,
                self.augment_,
                recipe,
                len(self.classes_),
                path,
                key,
                getattr(self, "_pretrain", None),
            )
            if len(devices) > 1:
                outcome = run_on(devices, job, feed, dtype)
            else:
                outcome = Trainer(job, feed, dtype, rank, world).run()
        self.model_.to("cpu").eval()
        self.history_ = outcome.history
        self.peak_bytes_ = outcome.peak_bytes
        joules = [record["joules"] for record in self.history_ if "joules" in record]
        self.energy_joules_ = sum(joules) if joules else None
        self.timings_ = {"load": loaded - started, "train": sum(record["seconds"] for record in self.history_)}
        if outcome.pretrain_seconds:
            self.timings_["pretrain"] = outcome.pretrain_seconds
        return self

    @in_step()
    def decision_function(self, images: Any) -> NDArray[np.float32]:
        """(n, n_classes) float32: log of the probabilities, averaged over the views of each image."""
        rank, world, device = join(hardware.choose(hardware.names(self.device)[0]))
        dtype = hardware.precision(device, self.precision)
        augment = self.augment_.on(device)
        edges = np.linspace(0, len(images), world + 1).astype(np.int64)
        rows = [np.zeros((0, len(self.classes_)), np.float32)]
        network = self.model_.to(device).eval()
        at_once = min(256, len(images))

        def probabilities(pixels: torch.Tensor, n: int) -> torch.Tensor:
            """Of ``n`` images at a time."""
            parts = []
            for part in torch.split(pixels, n):
                with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                    logits = [network(view) for view in augment.views(part, self.ten_crops)]
                parts.append(torch.stack([of_view.float().softmax(1) for of_view in logits]).mean(0))
            return torch.cat(parts)

        with hardware.threads(self.n_jobs), torch.inference_mode():
            for batch in images.batches(256, side=self.stored_, order=np.arange(edges[rank], edges[rank + 1])):
                pixels = torch.from_numpy(batch).to(device)
                mean, at_once = hardware.within_memory(partial(probabilities, pixels), at_once)
                rows.append(mean.clamp_min(1e-30).log().cpu().numpy())
        self.model_.to("cpu")
        return gathered(np.concatenate(rows), world)

    def predict(self, images: Any) -> NDArray[Any]:
        """(n,) labels."""
        answer: NDArray[Any] = self.classes_[self.decision_function(images).argmax(1)]
        return answer

    def _checkpoint(
        self, images: Any, targets: NDArray[np.int64], device: torch.device, dtype: torch.dtype
    ) -> tuple[Path | None, str]:
        """Where this training's checkpoint is, and the key that it must carry."""
        fingerprint = getattr(images, "fingerprint", None)
        if self.cache_dir is None or fingerprint is None:
            return None, ""
        ignored = ("device", "n_jobs", "cache_dir")
        parameters = {k: repr(v) for k, v in self.get_params(deep=False).items() if k not in ignored}
        labels = hashlib.sha256(np.ascontiguousarray(targets, dtype=np.int64).tobytes()).hexdigest()
        if callable(made_by := getattr(self, "module", None)):
            parameters["module"] = getattr(made_by, "__qualname__", type(made_by).__qualname__)
        source = "" if type(self).__module__.startswith(__package__) and made_by is None else sources(self, made_by)
        what = [type(self).__qualname__, CODE_VERSION, source, parameters, fingerprint, labels]
        # Defaults depend on the kind of device: epochs, batch, augmentation, dropout, width, sides.
        made = [self.side_, self.stored_, self.n_parameters_, device.type, str(dtype)]
        key = hashlib.sha256(json.dumps([*what, *made]).encode()).hexdigest()
        return Path(self.cache_dir) / "cnn" / f"{type(self).__name__.lower()}-{key[:16]}.pt", key


@dataclass(kw_only=True, eq=False, repr=False)
class TorchClassifier(DeepClassifier):
    """Any ``torch.nn.Module`` as a contender, through the same training loop. A plugin is a few lines::

        class MyNet(TorchClassifier):
            def network(self, n_classes, side):
                return nn.Sequential(...)

    In a program: ``TorchClassifier(module=make_network, epochs=20)``. The network takes (n, 3, side, side) float32 of
    zero mean and unit variance and returns (n, n_classes) logits. With ``first_side`` below 1 it must take smaller
    images too (global or adaptive pooling); by default it sees one size only.
    """

    module: Callable[[int, int], nn.Module] | None = None
    first_side: float = 1.0

    def network(self, n_classes: int, side: int) -> nn.Module:
        """The network to train, with its first weights. Override it, or give ``module``."""
        if self.module is None:
            raise ValueError("TorchClassifier needs module=, a function of (n_classes, side) that returns a network")
        return self.module(n_classes, side)

    def _network(self, n_classes: int, side: int, on_gpu: bool) -> nn.Module:
        return self.network(n_classes, side)


def sources(*things: Any) -> str:
    """A digest of the files that define these objects' classes or functions, so that an edit is another training."""
    digest = hashlib.sha256()
    for thing in things:
        if thing is None:
            continue
        try:
            file = inspect.getsourcefile(thing if inspect.isroutine(thing) or inspect.isclass(thing) else type(thing))
        except TypeError:
            file = None
        digest.update(Path(file).read_bytes() if file and Path(file).is_file() else repr(thing).encode())
    return digest.hexdigest()


def split(
    targets: NDArray[Any], fraction: float, seed: int, some: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(train, held out): sorted indices; ``fraction`` of each class is held out, rounded at random, never all of it.

    ``some``: where that comes to no image, one of the largest class is.
    """
    random = np.random.default_rng([seed, 1])
    held: list[NDArray[np.int64]] = []
    for c in np.unique(targets):
        members = random.permutation(np.flatnonzero(targets == c))
        n = int(len(members) * fraction + (random.random() if fraction else 0.0))
        held.append(members[: min(n, len(members) - 1)])
    held_out = np.sort(np.concatenate(held)).astype(np.int64)
    largest = np.flatnonzero(targets == np.bincount(targets).argmax())
    if some and fraction and not len(held_out) and len(largest) > 1:
        held_out = random.choice(largest, 1)
    return np.setdiff1d(np.arange(len(targets)), held_out).astype(np.int64), held_out


def flops(network: nn.Module, side: int) -> float:
    """Floating-point operations of a forward pass on one image, a multiply-add counted as two; products only."""
    was_training = network.training
    network.eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 3, side, side))
    network.train(was_training)
    return float(counter.get_total_flops())
