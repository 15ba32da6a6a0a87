"""One training loop for every network: momentum SGD or AdamW, one-cycle or plateau schedule, checks, checkpoints."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from . import checkpoint
from .augment import Augment
from .device import compiled, energy_joules, peak_bytes, within_memory
from .distributed import all_reduce_mean, broadcast_module, broadcast_object, data_parallel, shard
from .feed import Feed
from .hyperparameters import Hyperparameters, make_optimizer

log = logging.getLogger("topfive.cnn")


SAVE_EVERY = 10.0  # seconds at least between checkpoints: where an epoch takes less, not each is written
SAVE_SHARE = 20.0  # times as long as the last one took to write, at least


class TrainingDiverged(ArithmeticError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Job:
    """What is to be trained, apart from where: everything here can be sent to another process.

    train, held_out: indices. save_to: the checkpoint's path, or None; key: what it must carry to be used again.
    pretrain: called once with the Trainer before the first epoch.
    """

    network: nn.Module
    train: NDArray[np.int64]
    held_out: NDArray[np.int64]
    augment: Augment
    hyper: Hyperparameters
    n_classes: int
    save_to: Path | None = None
    key: str = ""
    pretrain: Callable[[Any], None] | None = None


@dataclass(frozen=True)
class Trained:
    """What a training was and what it cost, over all runs that had a part in it.

    history               one record an epoch: epoch, side, rate (of its last step), loss, train_error, held_out_loss,
                          held_out_error, images_per_second, seconds, cpu_seconds (of all processes), joules where the
                          device reports them. Losses and errors are those of all processes; joules and peak_bytes those
                          of rank 0
    pretrain_seconds, pretrain_cpu_seconds   of what came before the first epoch
    cached_epochs         of ``history``, that an earlier run had done and left in a checkpoint
    """

    history: list[dict[str, float]]
    peak_bytes: int
    pretrain_seconds: float = 0.0
    pretrain_cpu_seconds: float = 0.0
    cached_epochs: int = 0


class Trainer:
    """Trains ``job.network`` on ``feed``, as number ``rank`` of ``world`` processes; call ``run``.

    After ``run`` the network holds the weights of the epoch with the lowest held-out loss. Raises TrainingDiverged
    when the loss is not finite.
    """

    def __init__(self, job: Job, feed: Feed, dtype: torch.dtype, rank: int = 0, world: int = 1) -> None:
        self.job, self.feed, self.dtype, self.rank, self.world = job, feed, dtype, rank, world
        self.hyper, self.train, self.held_out = job.hyper, job.train, job.held_out
        self.device = feed.device
        self.augment = replace(job.augment.on(self.device), part=(rank, world))
        self.network = job.network.to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.batch = min(self.hyper.batch, len(self.train)) // world * world
        if self.hyper.schedule == "plateau" and not len(self.held_out):
            raise ValueError(
                "the plateau schedule watches held-out images and has none: held_out must be above 0, and a class have "
                "two images"
            )
        if self.batch == 0:
            raise ValueError(
                f"a batch of {min(self.hyper.batch, len(self.train))} images is less than one for each of {world} "
                "processes: take a larger batch, more images or fewer processes"
            )
        self.steps = len(self.train) // self.batch  # of an epoch; what is left over changes with the order
        self.at_once, self.scored_at_once = self.batch, min(256, len(self.held_out))  # halved when memory runs out
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True  # the sizes are few: each finds its fastest convolutions once
        self.optimizer = make_optimizer(self.network, self.hyper)
        self.forward: Callable[[Tensor], Tensor] = data_parallel(
            compiled(self.network, self.device), self.device, world
        )
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Tensor] = {}
        self.best_loss, self.best_error, self.factor, self.waited = math.inf, math.inf, 1.0, 0
        self.pretrain_seconds = self.pretrain_cpu_seconds = 0.0
        self.finished = False
        self.save_to = job.save_to
        self.written, self.writing = time.monotonic(), 0.0

    def run(self) -> Trained:
        if not self.resume() and self.job.pretrain is not None:
            started, cpu = time.monotonic(), time.process_time()
            self.job.pretrain(self)
            self.pretrain_seconds = time.monotonic() - started
            self.pretrain_cpu_seconds = self.sum_over_processes(time.process_time() - cpu)
        broadcast_module(self.network, self.world)
        started = time.monotonic()
        done_before = len(self.history)
        for epoch in range(done_before, 0 if self.finished else self.hyper.epochs):
            if self.factor < 1e-3 * 0.9:
                log.info("the held-out error no longer falls: stops after epoch %d", epoch)
                break
            self.epoch(epoch)
            spent = time.monotonic() - started
            left = spent / (epoch + 1 - done_before) * (self.hyper.epochs - epoch - 1)
            record = self.history[-1]
            log.info(
                "epoch %d/%d: loss %.3f, held-out error %.1f %%, %.0f images/s, %s left",
                epoch + 1, self.hyper.epochs, record["loss"], 100 * record["held_out_error"],
                record["images_per_second"], f"{left / 60:.1f} min" if left > 90 else f"{left:.0f} s",
            )  # fmt: skip
            self.check_progress(epoch)
            if time.monotonic() - self.written >= max(SAVE_EVERY, SAVE_SHARE * self.writing):
                self.write()
        self.network.load_state_dict(self.best)
        if not self.finished:
            self.finished = True
            self.write()
        return Trained(
            self.history, peak_bytes(self.device), self.pretrain_seconds, self.pretrain_cpu_seconds, done_before
        )

    def sum_over_processes(self, mine: float) -> float:
        mean = all_reduce_mean(torch.tensor(mine, dtype=torch.float64, device=self.device), self.world)
        return float(mean) * self.world

    def epoch(self, epoch: int) -> None:
        """One pass over the training images. Random choices depend on the seed and the epoch alone, so that a resumed
        training makes the same ones."""
        started, cpu, joules = time.monotonic(), time.process_time(), energy_joules(self.device)
        seed = (self.hyper.seed * 1_000_003 + epoch) & 0x7FFFFFFF
        torch.manual_seed(seed + 7_919 * self.rank)  # dropout
        random = torch.Generator().manual_seed(seed)  # augmentation
        order = np.random.default_rng([self.hyper.seed, epoch]).permutation(self.train)[: self.steps * self.batch]
        mine = shard(order, self.batch, self.rank, self.world)
        side = self.hyper.side(epoch, self.augment.side)
        loss_sum, wrong = (torch.zeros((), device=self.device) for _ in range(2))

        self.network.train()
        rates = self.hyper.rates(epoch, self.steps)
        spoken = started
        for step, (pixels, labels) in enumerate(self.feed.batches(mine, self.batch // self.world)):
            rate = rates[step] * self.factor
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            loss, missed = self.step(self.augment.train(pixels, random, side), labels)
            loss_sum += loss
            wrong += missed
            if step % 50 == 0 and not math.isfinite(total := float(all_reduce_mean(loss, self.world))):
                raise diverged(epoch, self.hyper, total)
            now = time.monotonic()
            if now - spoken > 20:
                spoken = now
                speed = (step + 1) * self.batch / (now - started)
                log.info("epoch %d: %d of %d images, %.0f images/s", epoch + 1, (step + 1) * self.batch,
                         self.steps * self.batch, speed)  # fmt: skip
        loss_sum, wrong = all_reduce_mean(torch.stack([loss_sum, wrong]), self.world)
        total = float(loss_sum) / self.steps
        if not math.isfinite(total):
            raise diverged(epoch, self.hyper, total)
        seconds = time.monotonic() - started
        broadcast_module(
            self.network, self.world
        )  # batch normalisation's averages, which are each process's own till here
        held, self.scored_at_once = within_memory(self.held_out_loss, self.scored_at_once)
        held_loss, held_error = broadcast_object(held, self.world)
        if len(self.held_out) and not math.isfinite(held_loss):
            raise diverged(epoch, self.hyper, held_loss)
        spent = energy_joules(self.device)
        self.history.append(
            {
                "epoch": epoch + 1, "side": side, "rate": rate, "loss": total,
                "train_error": float(wrong) / (self.steps * self.batch // self.world),
                "held_out_loss": held_loss, "held_out_error": held_error,
                "images_per_second": self.steps * self.batch / seconds,
                "seconds": time.monotonic() - started,
                "cpu_seconds": self.sum_over_processes(time.process_time() - cpu),
                **({} if joules is None or spent is None else {"joules": spent - joules}),
            }
        )  # fmt: skip
        if held_loss < self.best_loss or not len(self.held_out):
            self.best_loss = held_loss
            self.best = copy.deepcopy(self.network.state_dict())
        if held_error < self.best_error - 1e-4:
            self.best_error, self.waited = held_error, 0
        else:
            self.waited += 1
        if self.hyper.schedule == "plateau" and self.waited >= self.hyper.patience:
            self.factor, self.waited = self.factor / 10, 0

    def step(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """One update; (mean loss, number of wrong answers). One process goes on with fewer images at a time where
        memory runs out; of several, which would have to do so together, it is an error."""
        if self.world > 1:
            loss, wrong = self.backward(images, labels, len(images))
        else:
            (loss, wrong), self.at_once = within_memory(lambda n: self.backward(images, labels, n), self.at_once)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss, wrong

    def backward(self, images: Tensor, labels: Tensor, at_once: int) -> tuple[Tensor, Tensor]:
        """Gradients of the batch's mean loss, summed over parts of ``at_once`` images."""
        self.optimizer.zero_grad(set_to_none=True)
        loss_sum, wrong = (torch.zeros((), device=self.device) for _ in range(2))
        for x, y in zip(torch.split(images, at_once), torch.split(labels, at_once), strict=True):
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                logits = self.forward(x)
            logits = logits.float()
            loss = F.cross_entropy(logits, y, label_smoothing=self.hyper.label_smoothing) * (len(x) / len(images))
            loss.backward()  # type: ignore[no-untyped-call]
            loss_sum += loss.detach()
            wrong += (logits.detach().argmax(1) != y).sum()
        return loss_sum, wrong

    def held_out_loss(self, at_once: int) -> tuple[float, float]:
        """Loss (smoothed as in training) and error on the held-out images, each seen once, ``at_once`` at a time; NaN
        where there are none."""
        if not len(self.held_out):
            return math.nan, math.nan
        self.network.eval()
        loss = wrong = 0.0
        with torch.inference_mode():
            for pixels, labels in self.feed.batches(self.held_out, at_once):
                with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                    logits = self.network(self.augment.views(pixels)[0])
                logits = logits.float()
                smoothing = self.hyper.label_smoothing
                loss += float(F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="sum"))
                wrong += float((logits.argmax(1) != labels).sum())
        return loss / len(self.held_out), wrong / len(self.held_out)

    def check_progress(self, epoch: int) -> None:
        """Say so when a third of the training has passed and the loss is still that of guessing."""
        seen = (epoch + 1) * self.steps
        third = max(200, self.hyper.epochs * self.steps // 3)
        guessing = 1 - 1 / self.job.n_classes
        last = self.history[-1]
        stuck = last["loss"] > 0.99 * math.log(self.job.n_classes) and last["train_error"] > 0.97 * guessing
        if seen - self.steps < third <= seen and stuck:
            log.warning(
                "the loss is still ln %d = %.2f, that of guessing: the network has learned nothing yet. The usual "
                "causes: weights too small for the inputs (init=paper needs the pixel scale), a learning rate that "
                "is too high or too low (%g), saturated units, labels that have nothing to do with the images",
                self.job.n_classes, math.log(self.job.n_classes), self.hyper.top_rate,
            )  # fmt: skip

    def write(self) -> None:
        """The checkpoint: all that the next epoch depends on; after the last one the chosen weights alone."""
        if self.save_to is None or self.rank != 0:
            return
        is_best = not len(self.held_out) or self.history[-1]["held_out_loss"] == self.best_loss
        plateau: dict[str, float] = {"best_loss": self.best_loss, "best_error": self.best_error, "factor": self.factor}
        state: dict[str, Any] = {"key": self.job.key, "history": self.history, "network": self.network.state_dict()}
        state["pretrain"] = {"seconds": self.pretrain_seconds, "cpu_seconds": self.pretrain_cpu_seconds}
        if not self.finished:
            state["best"] = None if is_best else self.best
            state["optimizer"] = self.optimizer.state_dict()
            state["plateau"] = {**plateau, "waited": self.waited}
        started = time.monotonic()
        try:
            checkpoint.save(self.save_to, state)
        except (OSError, RuntimeError) as error:  # torch says the latter where the disk is full
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            log.warning("%s cannot be written (%s): goes on without checkpoints", self.save_to, reason)
            self.save_to = None
        self.written = time.monotonic()
        self.writing = self.written - started

    def resume(self) -> bool:
        """Take up the checkpoint of the same training, where there is one."""
        state = None
        if self.save_to is not None and self.rank == 0:
            state = checkpoint.load(self.save_to, self.job.key)
        state = broadcast_object(state, self.world)
        if state is None:
            return False
        self.network.load_state_dict(state["network"])
        self.history = state["history"]
        self.pretrain_seconds, self.pretrain_cpu_seconds = (
            state["pretrain"]["seconds"],
            state["pretrain"]["cpu_seconds"],
        )
        self.best = copy.deepcopy(self.network.state_dict() if state.get("best") is None else state["best"])
        self.finished = "optimizer" not in state
        if self.finished:
            log.info("was trained before: %d epochs", len(self.history))
            return True
        self.optimizer.load_state_dict(state["optimizer"])
        plateau = state["plateau"]
        self.best_loss, self.best_error = plateau["best_loss"], plateau["best_error"]
        self.factor, self.waited = plateau["factor"], int(plateau["waited"])
        log.info("goes on after epoch %d of %d", len(self.history), self.hyper.epochs)
        return True


def diverged(epoch: int, hyper: Hyperparameters, loss: float) -> TrainingDiverged:
    return TrainingDiverged(
        f"the loss became {loss} in epoch {epoch + 1}: the training diverged. The usual cause is a learning rate "
        f"that is too high (it was {hyper.top_rate:g}; try lr={hyper.top_rate / 4:g})"
    )
