"""What all deep contenders share: images and labels in, a network through the training loop, scores out.

The classes are scikit-learn's kind of estimator, written as dataclasses: the fields are the constructor's arguments,
which are only stored.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from topfive.common.classifier import Classifier
from topfive.common.machine import torch_threads
from topfive.common.parameters import number, one_of, whole_number
from topfive.common.sources import source_digest
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from . import device as hardware
from . import mix
from .augment import CHOICES, VIEWS, Augment, Colour
from .checkpoint import source_of
from .convergence import converged
from .distributed import all_gather_rows, collective, join_torchrun
from .feed import Feed
from .hyperparameters import BATCH, RATES, Hyperparameters, epochs_of
from .inside import LooksInside
from .spawn import train_on
from .split import split
from .train import Job, Trained, Trainer
from .tuning import FACTORS, choose_rate
from .work import HasWork

log = logging.getLogger("topfive.cnn")


def default_epochs(n_train: int, on_gpu: bool) -> int:
    """Passes over n training images when ``epochs`` is not given.

    On a CPU 12 + 36,000 / n, at most 100 (2,000 images: 30; 20,000: 13). On a GPU 60 + 200,000 / n, at most 300.
    """
    return min(300, 60 + 200_000 // n_train) if on_gpu else min(100, 12 + 36_000 // n_train)


@dataclass(kw_only=True, eq=False, repr=False)
class DeepClassifier(LooksInside, HasWork, Classifier):
    """The base. ``_network`` makes the network; ``_hyperparameters``, ``_sides`` and ``_colour`` say how it is
    trained; a method ``_pretrain(trainer)``, where there is one, is called before the first epoch.

    Every network gets, whatever its year, unless its own docstring says otherwise: cross-entropy with labels smoothed
    by 0.1, a one-cycle schedule, weight decay on its weights, crops and flips, the held-out epoch of lowest loss, and
    the mean over two test views. 5 % of the training images are held out for that and are not learned from.

    epochs        None: ``default_epochs``, by the number of training images and the device
    steps         a budget of optimizer steps in place of ``epochs``: whole epochs, as many as hold that many steps, so
                  that few images are seen as often as a learning curve needs
    side          pixels a side that the network sees; None: the images' own short side, at least 16, and at most 64
                  on a CPU or 224 on a GPU
    batch         images in a step; None: 64 on a CPU, 128 on a GPU. 512 are faster there, and err more: on the full
                  Tiny ImageNet ``alexnet`` 57.6 % top-1 for 55.5 (docs/measurements.md)
    optimizer     "sgd" (Nesterov), "momentum" (Polyak, the paper's), "adamw"
    lr            the highest learning rate; None: ``hyperparameters.RATES``, by the optimizer, and above 128 images in
                  a step times (batch / 128), or its square root for "adamw"; "tuned": a quarter of that, that, or four
                  times that, and further while the edge is best, by the loss of held-out images (see ``tuning``)
    augment       "none" (or None), "crop", "crop+flip", "scale+flip", "scale+flip+colour" or "paper" (see
                  ``augment.Augment``); "auto": "scale+flip" on a GPU, whose trainings are long enough to need it, and
                  "crop+flip" on a CPU
    mix           "none", "mixup" or "cutmix": training images mixed in pairs (see ``mix``)
    weight_decay  None: ``hyperparameters.DECAYS``, by the optimizer
    first_side    fraction of ``side`` at which training starts (see ``train.Hyperparameters``)
    held_out      fraction of the training images kept back to choose the best epoch; the network never learns from them
    views         of a test image, whose probabilities are averaged: 2, the image and its mirror image, as for every
                  contender; 1, the image alone; 10, the paper's crops of corners and centre with their mirror images
    device        "auto", "cpu", "cuda", "cuda:1", or several, "cuda:0,cuda:1": one process each
    precision     "auto": bfloat16 where the device computes in it, else float32; "bf16", "f32"
    cache_dir     where checkpoints go, each after an epoch, but not more often than every ``train.SAVE_EVERY`` seconds
                  nor for more than a twentieth of the time; a training that was cut short goes on from the last one

    After ``fit``:

    model_               the network, on the CPU
    history_             one record an epoch, see ``train.Trained``
    timings_             stage → seconds of the whole training, also of the epochs that an earlier run has done
    cached_timings_      stage → the seconds of ``timings_`` that an earlier run spent; empty where there was none
    cached_cpu_seconds_  processor seconds that go with ``cached_timings_``
    budget_              what the network was given, see ``_budget``
    converged_           whether it had stopped improving, see ``convergence.converged``
    n_parameters_, flops_per_image_ (forward pass, a multiply-add is two)
    peak_bytes_, energy_joules_ (None where it is not measured); of several devices the first one's alone
    """

    epochs: int | None = None
    steps: int | None = None
    side: int | None = None
    batch: int | None = None
    optimizer: str = "adamw"
    lr: float | str | None = None
    augment: str | None = "auto"
    mix: str = "none"
    weight_decay: float | None = None
    first_side: float = 0.5
    held_out: float = 0.05
    views: int = 2
    random_state: int = 0
    device: str = "auto"
    n_jobs: int | None = None
    precision: str = "auto"
    cache_dir: str | None = None

    family = "deep"
    several_devices = True  # what the run passes on of ``--device cuda:0,1``
    quick_params: ClassVar[dict[str, Any]] = {"epochs": 20, "batch": 16}  # enough to learn a few dozen images
    cpu_epochs = 1.0  # of ``default_epochs``, where a pass costs more or less than others' on a CPU

    # What each network decides for itself.

    def _check(self) -> None:
        """Raise ValueError, in a line that names it, for a parameter that makes no sense."""
        for name in ("epochs", "steps", "side", "batch"):
            whole_number(name, getattr(self, name), 1, optional=True)
        one_of("optimizer", self.optimizer, RATES)
        if self.lr != "tuned":
            number("lr", self.lr, above=0, optional=True)
        one_of("augment", self.augment or "none", ("auto", *CHOICES))
        one_of("mix", self.mix, mix.CHOICES)
        number("weight_decay", self.weight_decay, least=0, optional=True)
        number("held_out", self.held_out, least=0, below=1)
        if self.lr == "tuned" and (not self.held_out or len(hardware.device_names(self.device)) > 1):
            raise ValueError(
                "lr must be a number, not 'tuned', where no images are held out or there are several devices"
            )
        number("first_side", self.first_side, above=0, most=1)
        one_of("views", self.views, VIEWS)
        whole_number("random_state", self.random_state, 0)

    def _network(self, n_classes: int, side: int, on_gpu: bool) -> nn.Module:
        raise NotImplementedError

    def _width(self, on_gpu: bool) -> float | None:
        """The factor on the layers' published widths; None for networks that have no such parameter."""
        return None

    def _needs_held_out(self) -> bool:
        """Whether an image is held out also where ``held_out`` comes to none at all."""
        return self.lr == "tuned"

    @property
    def _rate(self) -> float | None:
        """The learning rate that was given; None: by default, or by trial."""
        return self.lr if isinstance(self.lr, float | int) else None

    def passes(self, n_train: int) -> int:
        """How often ``fit`` goes over n training images, the trials of a tuned rate included."""
        device = hardware.choose(hardware.device_names(self.device)[0])
        epochs = self._passes(round((1 - self.held_out) * n_train), device.type == "cuda")
        return 2 * epochs if self.lr == "tuned" else epochs  # three trials of a third, at least

    def _passes(self, n_train: int, on_gpu: bool) -> int:
        """Epochs of the training itself: as given, else as many as hold ``steps``, else by default."""
        if self.epochs is not None:
            return self.epochs
        if self.steps is not None:
            return epochs_of(self.steps, n_train, self._batch(on_gpu))
        return self._epochs(n_train, on_gpu)

    def _epochs(self, n_train: int, on_gpu: bool) -> int:
        epochs = default_epochs(n_train, on_gpu)
        return epochs if on_gpu else math.ceil(self.cpu_epochs * epochs)

    def _batch(self, on_gpu: bool) -> int:
        return self.batch or (BATCH if on_gpu else 64)

    def _hyperparameters(self, epochs: int, n_train: int, on_gpu: bool) -> Hyperparameters:
        return Hyperparameters(
            epochs=epochs,
            batch=self._batch(on_gpu),
            optimizer=self.optimizer,
            lr=self._rate,
            weight_decay=self.weight_decay,
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

    @collective()
    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Train on n images and their (n,) labels. Raises ValueError for parameters that make no sense,
        train.TrainingDiverged for a loss that is no longer a number."""
        self._check()
        started = time.monotonic()
        devices = [hardware.choose(name) for name in hardware.device_names(self.device)]
        rank, world, device = join_torchrun(devices[0])
        on_gpu = device.type == "cuda"
        dtype = hardware.precision(device, self.precision)
        self.classes_, targets = np.unique(np.asarray(labels), return_inverse=True)
        train, held_out = split(targets, self.held_out, self.random_state, self._needs_held_out())
        self.stored_, self.side_ = self._sides(min(images.typical_size), on_gpu)
        hyper = self._hyperparameters(self._passes(len(train), on_gpu), len(train), on_gpu)

        with torch_threads(self.n_jobs), torch.random.fork_rng([device] if on_gpu else []):
            torch.manual_seed(self.random_state)
            self.model_ = self._network(len(self.classes_), self.side_, on_gpu)
            home = device if len(devices) == 1 else torch.device("cpu")
            feed = Feed(images, targets.astype(np.int64), self.stored_, home)
            colour, scale = self._colour(feed.sample(4000, train))
            how = ("scale+flip" if on_gpu else "crop+flip") if self.augment == "auto" else self.augment
            self.augment_ = Augment(how or "none", self.side_, colour, scale, mixing=self.mix)
            loaded = time.monotonic()
            self.n_parameters_ = sum(p.numel() for p in self.model_.parameters())
            self.flops_per_image_ = flops(self.model_, self.side_)
            log.info(
                "%s on %s: %d images of %d pixels, %d classes, %.1f M parameters, %.2f GFLOP an image, %d epochs",
                type(self).__name__, self.device, len(train), self.side_, len(self.classes_),
                self.n_parameters_ / 1e6, self.flops_per_image_ / 1e9, hyper.epochs,
            )  # fmt: skip
            path, key = self._checkpoint(images, targets, device, dtype)
            job = Job(
                self.model_, train, held_out, self.augment_, hyper, len(self.classes_), path, key,
                getattr(self, "_pretrain", None),
            )  # fmt: skip
            if self.lr == "tuned":
                rates = [factor * hyper.top_rate for factor in FACTORS]
                job = replace(job, hyper=replace(hyper, lr=choose_rate(job, feed, dtype, rates, rank, world)))
            tuned = time.monotonic()
            if len(devices) > 1:
                trained = train_on(devices, job, feed, dtype)
            else:
                trained = Trainer(job, feed, dtype, rank, world).run()
        self.model_.to("cpu").eval()
        self.batch_ = hyper.batch
        self._record(trained, loaded - started, tuned - loaded)
        self.budget_ = self._budget(len(train), len(targets), on_gpu)
        if self.lr == "tuned":
            self.budget_["lr"] = job.hyper.top_rate
        self.converged_ = converged(self.history_, hyper.epochs, default_epochs(len(train), on_gpu=True))
        return self

    def _record(self, trained: Trained, load_seconds: float, tune_seconds: float) -> None:
        """Set the fitted attributes that say what the training cost."""
        self.history_ = trained.history
        self.peak_bytes_ = trained.peak_bytes
        joules = [record["joules"] for record in self.history_ if "joules" in record]
        self.energy_joules_ = sum(joules) if joules else None
        self.timings_ = {"load": load_seconds, "train": sum(record["seconds"] for record in self.history_)}
        stages = {"pretrain": trained.pretrain_seconds, "compile": trained.prepare_seconds}
        if self.lr == "tuned":
            stages["tune"] = tune_seconds
        self.timings_ |= {stage: seconds for stage, seconds in stages.items() if seconds}
        before = self.history_[: trained.cached_epochs]
        self.cached_timings_: dict[str, float] = {}
        self.cached_cpu_seconds_ = 0.0
        if before:
            # Pre-training comes before the first checkpoint; to compile comes again before the epochs that were left.
            whole = len(before) == len(self.history_)
            now = ("load", "tune") if whole else ("load", "tune", "compile")
            self.cached_timings_ = {stage: seconds for stage, seconds in self.timings_.items() if stage not in now}
            self.cached_timings_["train"] = sum(record["seconds"] for record in before)
            self.cached_cpu_seconds_ = trained.pretrain_cpu_seconds + sum(record["cpu_seconds"] for record in before)
            self.cached_cpu_seconds_ += trained.prepare_cpu_seconds if whole else 0.0

    def _budget(self, n_train: int, n_given: int, on_gpu: bool) -> dict[str, Any]:
        """What the network was given: a dictionary of numbers and strings.

        side (pixels it sees), width (where it has one), epochs (that it trained), views (of a test image), augment
        (what was done to training images), train_share (of the training images that it learned from), parameters, tuned
        (what the held-out images chose).
        """
        width = self._width(on_gpu)
        tuned = "nothing"
        if n_train < n_given:
            tuned = ("learning rate and " if self._needs_held_out() else "") + "best epoch on held-out images"
        return {
            "side": self.side_,
            **({} if width is None else {"width": width}),
            "epochs": len(self.history_),
            "views": self.views,
            "augment": self.augment_.how if self.mix == "none" else f"{self.augment_.how}+{self.mix}",
            "train_share": round(n_train / n_given, 4),
            "parameters": self.n_parameters_,
            "tuned": tuned,
        }

    @collective()
    def decision_function(self, images: Any) -> NDArray[np.float32]:
        """(n, n_classes) float32: log of the probabilities, all_reduce_mean over the views of each image."""
        rank, world, device = join_torchrun(hardware.choose(hardware.device_names(self.device)[0]))
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
                    logits = [network(view) for view in augment.views(part, self.views)]
                parts.append(torch.stack([of_view.float().softmax(1) for of_view in logits]).mean(0))
            return torch.cat(parts)

        with torch_threads(self.n_jobs), torch.inference_mode():
            for batch in images.batches(256, side=self.stored_, order=np.arange(edges[rank], edges[rank + 1])):
                pixels = hardware.to_device(torch.from_numpy(batch), device)
                mean, at_once = hardware.within_memory(partial(probabilities, pixels), at_once)
                rows.append(mean.clamp_min(1e-30).log().cpu().numpy())
        self.model_.to("cpu")
        return all_gather_rows(np.concatenate(rows), world)

    def _checkpoint(
        self, images: Any, targets: NDArray[np.int64], device: torch.device, dtype: torch.dtype
    ) -> tuple[Path | None, str]:
        """Where this training's checkpoint is, and the key that it must carry."""
        fingerprint = getattr(images, "fingerprint", None)
        if self.cache_dir is None or fingerprint is None:
            return None, ""
        ignored = ("device", "n_jobs", "cache_dir", "views")  # none changes what is learned
        parameters = {k: repr(v) for k, v in self.get_params(deep=False).items() if k not in ignored}
        labels = hashlib.sha256(np.ascontiguousarray(targets, dtype=np.int64).tobytes()).hexdigest()
        if callable(made_by := getattr(self, "module", None)):
            parameters["module"] = getattr(made_by, "__qualname__", type(made_by).__qualname__)
        code = [source_digest(Path(__file__).parent)]
        if not type(self).__module__.startswith(__package__) or made_by is not None:
            code += [source_of(thing) for thing in (self, made_by) if thing is not None]
        what = [type(self).__qualname__, code, parameters, fingerprint, labels]
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


def flops(network: nn.Module, side: int) -> float:
    """Floating-point operations of a forward pass on one image, a multiply-add counted as two; products only."""
    was_training = network.training
    network.eval()
    # Attention in one kernel is no product that the counter knows; taken apart it is.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.inference_mode():
        network(torch.zeros(1, 3, side, side))
    network.train(was_training)
    return float(counter.get_total_flops())
