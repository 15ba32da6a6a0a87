"""One training loop for every network: momentum SGD or AdamW, one-cycle or plateau schedule, checks, checkpoints."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from . import checkpoint
from .augment import Augment
from .device import compiled, energy_joules
from .distributed import share
from .feed import Feed

log = logging.getLogger("topfive.cnn")


class TrainingDiverged(ArithmeticError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Recipe:
    """How to train. Learning rates are per step on the mean loss of a batch.

    schedule    "one-cycle": linear warm-up over the first 15 % of the steps, then a cosine to zero;
                "plateau": constant, a tenth whenever the held-out error stood still for ``patience`` epochs, three
                times at most, then the end (the paper's heuristic)
    first_side  training starts at this fraction of the images' side and grows to all of it over the first 70 % of the
                epochs; small images are cheap, and what is learned from them carries over (Howard 2018)
    """

    epochs: int
    batch: int = 128
    optimizer: str = "sgd"
    lr: float = 0.02
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "one-cycle"
    label_smoothing: float = 0.1
    first_side: float = 1.0
    patience: int = 5
    seed: int = 0

    def rate(self, progress: float) -> float:
        """Factor on ``lr`` after this fraction of the training."""
        if self.schedule == "plateau":
            return 1.0
        warm = 0.15
        return progress / warm if progress < warm else 0.5 * (1 + math.cos(math.pi * (progress - warm) / (1 - warm)))

    def side(self, epoch: int, side: int) -> int:
        """Pixels a side in this epoch: a multiple of 8."""
        grown = self.first_side + (1 - self.first_side) * min(1.0, epoch / max(1.0, 0.7 * self.epochs))
        return min(side, max(16, round(side * grown / 8) * 8))


class Trainer:
    """Trains ``network`` on ``feed`` at the indices ``train``, watches it at ``held_out``; call ``run``.

    After ``run`` the network holds the weights of the epoch with the lowest held-out loss, and ``history`` one record
    an epoch: epoch, side, rate, loss, train_error, held_out_loss, held_out_error, images_per_second, seconds.
    Raises TrainingDiverged when the loss is not finite.
    """

    def __init__(
        self,
        network: nn.Module,
        feed: Feed,
        train: NDArray[np.int64],
        held_out: NDArray[np.int64],
        augment: Augment,
        recipe: Recipe,
        *,
        n_classes: int,
        dtype: torch.dtype,
        world: int = 1,
        save_to: Path | None = None,
        key: str = "",
    ) -> None:
        self.network, self.feed, self.augment, self.recipe = network, feed, augment, recipe
        self.train, self.held_out = train, held_out
        self.n_classes, self.dtype, self.world = n_classes, dtype, world
        self.save_to, self.key = save_to, key
        self.device = feed.device
        self.batch = min(recipe.batch, len(train)) // world * world
        self.steps = len(train) // self.batch  # of an epoch; what is left over changes with the order
        self.pieces = 1  # a batch goes through the network in this many; doubled when memory runs out
        self.optimizer = make_optimizer(network, recipe)
        self.forward: Callable[[Tensor], Tensor] = share(compiled(network, self.device), self.device, world)
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Tensor] = {}
        self.best_loss, self.best_error, self.factor, self.waited = math.inf, math.inf, 1.0, 0

    def run(self) -> None:
        self.resume()
        started = time.monotonic()
        done_before = len(self.history)
        for epoch in range(done_before, self.recipe.epochs):
            if self.factor < 1e-3 * 0.9:
                log.info("the held-out error no longer falls: stops after epoch %d", epoch)
                break
            self.epoch(epoch)
            spent = time.monotonic() - started
            left = spent / (epoch + 1 - done_before) * (self.recipe.epochs - epoch - 1)
            record = self.history[-1]
            log.info(
                "epoch %d/%d: loss %.3f, held-out error %.1f %%, %.0f images/s, %s left",
                epoch + 1, self.recipe.epochs, record["loss"], 100 * record["held_out_error"],
                record["images_per_second"], f"{left / 60:.1f} min" if left > 90 else f"{left:.0f} s",
            )  # fmt: skip
            self.check_progress(epoch)
            if self.save_to is not None:
                self.write(self.save_to)
        if self.best:
            self.network.load_state_dict(self.best)

    def epoch(self, epoch: int) -> None:
        """One pass over the training images. Random choices depend on the seed and the epoch alone, so that a resumed
        training makes the same ones."""
        started, joules = time.monotonic(), energy_joules(self.device)
        seed = (self.recipe.seed * 1_000_003 + epoch) & 0x7FFFFFFF
        rank = self.augment.part[0]
        torch.manual_seed(seed + 7_919 * rank)  # dropout
        random = torch.Generator().manual_seed(seed)  # augmentation
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(self.train)[: self.steps * self.batch]
        mine = order.reshape(-1, self.world, self.batch // self.world)[:, rank].reshape(-1)
        side = self.recipe.side(epoch, self.augment.side)
        loss_sum, wrong = (torch.zeros((), device=self.device) for _ in range(2))

        self.network.train()
        spoken = started
        for step, (pixels, labels) in enumerate(self.feed.batches(mine, self.batch // self.world)):
            rate = self.recipe.rate((epoch + (step + 1) / self.steps) / self.recipe.epochs) * self.factor
            for group in self.optimizer.param_groups:
                group["lr"] = self.recipe.lr * rate
            loss, missed = self.step(self.augment.train(pixels, random, side), labels)
            loss_sum += loss
            wrong += missed
            if step % 50 == 0 and not math.isfinite(float(loss)):
                raise diverged(epoch, self.recipe, float(loss))
            now = time.monotonic()
            if now - spoken > 20:
                spoken = now
                speed = (step + 1) * self.batch / (now - started)
                log.info("epoch %d: %d of %d images, %.0f images/s", epoch + 1, (step + 1) * self.batch,
                         self.steps * self.batch, speed)  # fmt: skip
        total = float(loss_sum) / self.steps
        if not math.isfinite(total):
            raise diverged(epoch, self.recipe, total)
        seconds = time.monotonic() - started
        held_loss, held_error = self.held_out_loss()
        spent = energy_joules(self.device)
        self.history.append(
            {
                "epoch": epoch + 1, "side": side, "rate": self.recipe.lr * rate, "loss": total,
                "train_error": float(wrong) / (self.steps * self.batch // self.world),
                "held_out_loss": held_loss, "held_out_error": held_error,
                "images_per_second": self.steps * self.batch / seconds,
                "seconds": time.monotonic() - started,
                **({} if joules is None or spent is None else {"joules": spent - joules}),
            }
        )  # fmt: skip
        if held_loss < self.best_loss:
            self.best_loss = held_loss
            self.best = copy.deepcopy(self.network.state_dict())
        if held_error < self.best_error - 1e-4:
            self.best_error, self.waited = held_error, 0
        else:
            self.waited += 1
        if self.recipe.schedule == "plateau" and self.waited >= self.recipe.patience:
            self.factor, self.waited = self.factor / 10, 0

    def step(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """One update; (mean loss, number of wrong answers). Where memory runs out the batch is cut in half again."""
        while True:
            try:
                loss, wrong = self.backward(images, labels)
                break
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not out_of_memory(error) or self.world > 1 or len(images) // self.pieces < 2:
                    raise
            self.pieces *= 2
            log.warning("out of memory: goes on with %d images at a time", -(-len(images) // self.pieces))
            self.optimizer.zero_grad(set_to_none=True)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss, wrong

    def backward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of the batch's mean loss, summed over its pieces."""
        loss_sum, wrong = (torch.zeros((), device=self.device) for _ in range(2))
        size = -(-len(images) // self.pieces)
        for x, y in zip(torch.split(images, size), torch.split(labels, size), strict=True):
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                logits = self.forward(x)
            logits = logits.float()
            loss = F.cross_entropy(logits, y, label_smoothing=self.recipe.label_smoothing) * (len(x) / len(images))
            loss.backward()  # type: ignore[no-untyped-call]
            loss_sum += loss.detach()
            wrong += (logits.detach().argmax(1) != y).sum()
        return loss_sum, wrong

    def held_out_loss(self) -> tuple[float, float]:
        """Loss (smoothed as in training) and error on the held-out images, each seen once, uncropped."""
        if not len(self.held_out):
            return self.history[-1]["held_out_loss"] - 1 if self.history else 0.0, math.nan
        self.network.eval()
        loss = wrong = 0.0
        with torch.inference_mode():
            for pixels, labels in self.feed.batches(self.held_out, 256):
                with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                    logits = self.network(self.augment.views(pixels)[0])
                logits = logits.float()
                smoothing = self.recipe.label_smoothing
                loss += float(F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="sum"))
                wrong += float((logits.argmax(1) != labels).sum())
        return loss / len(self.held_out), wrong / len(self.held_out)

    def check_progress(self, epoch: int) -> None:
        """Say so when a third of the training has passed and the loss is still that of guessing."""
        if epoch + 1 == max(2, self.recipe.epochs // 3) and self.history[-1]["loss"] > 0.99 * math.log(self.n_classes):
            log.warning(
                "the loss is still ln %d = %.2f, that of guessing: the network has learned nothing yet. The usual "
                "causes: weights too small for the inputs (init=paper needs the pixel scale), a learning rate that "
                "is too high or too low (%g), saturated units, labels that have nothing to do with the images",
                self.n_classes, math.log(self.n_classes), self.recipe.lr,
            )  # fmt: skip

    def write(self, path: Path) -> None:
        if self.augment.part[0]:
            return
        newest = self.network.state_dict()
        is_best = self.history[-1]["held_out_loss"] == self.best_loss
        plateau = {"best_loss": self.best_loss, "best_error": self.best_error, "factor": self.factor}
        checkpoint.save(
            path,
            {"key": self.key, "history": self.history, "network": newest, "best": None if is_best else self.best,
             "optimizer": self.optimizer.state_dict(), "plateau": {**plateau, "waited": self.waited}},
        )  # fmt: skip

    def resume(self) -> None:
        state = None if self.save_to is None else checkpoint.load(self.save_to, self.key)
        if state is None:
            return
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best = copy.deepcopy(state["network"] if state["best"] is None else state["best"])
        self.history = state["history"]
        plateau = state["plateau"]
        self.best_loss, self.best_error = plateau["best_loss"], plateau["best_error"]
        self.factor, self.waited = plateau["factor"], int(plateau["waited"])
        log.info("goes on after epoch %d of %d", len(self.history), self.recipe.epochs)


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Weight decay on weights, not on biases or normalisation. Raises ValueError for an unknown name."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=True, fused=True)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr, fused=True)
    raise ValueError(f"optimizer must be 'sgd' or 'adamw', not {recipe.optimizer!r}")


def out_of_memory(error: BaseException) -> bool:
    """A GPU's or the CPU allocator's way of saying that there is no more memory."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def diverged(epoch: int, recipe: Recipe, loss: float) -> TrainingDiverged:
    return TrainingDiverged(
        f"the loss became {loss} in epoch {epoch + 1}: the training diverged. The usual cause is a learning rate "
        f"that is too high (it was {recipe.lr:g}; try lr={recipe.lr / 4:g})"
    )
