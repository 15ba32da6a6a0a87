"""One training loop for every network: momentum SGD or AdamW, one-cycle or plateau schedule, checks, checkpoints."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
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
from .fused import usable
from .hyperparameters import Hyperparameters, make_optimizer
from .step import TrainingStep

log = logging.getLogger("topfive.cnn")


SAVE_EVERY = 10.0  # seconds at least between checkpoints: where an epoch takes less, not each is written
SAVE_SHARE = 20.0  # times as long as the last one took to write, at least
LOOK_EVERY = 50  # steps between two looks at the loss, each of which waits for the device


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
    prepare_seconds, prepare_cpu_seconds     to compile the network and capture its steps; 0 on a CPU
    cached_epochs         of ``history``, that an earlier run had done and left in a checkpoint
    """

    history: list[dict[str, float]]
    peak_bytes: int
    pretrain_seconds: float = 0.0
    pretrain_cpu_seconds: float = 0.0
    prepare_seconds: float = 0.0
    prepare_cpu_seconds: float = 0.0
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
        on_gpu = self.device.type == "cuda"
        self.scored_at_once = min(1024 if on_gpu else 256, len(self.held_out))  # halved when memory runs out
        if on_gpu:
            usable()  # compiles them, which can be done neither while a network is compiled nor captured
            torch.backends.cudnn.benchmark = True  # the sizes are few: each finds its fastest convolutions once
        self.sides = [self.hyper.side(epoch, self.augment.side) for epoch in range(self.hyper.epochs)]
        self.optimizer = make_optimizer(self.network, self.hyper)
        forward = data_parallel(compiled(self.network, self.device, len(set(self.sides)) > 1), self.device, world)
        self.step = TrainingStep(
            self.network, forward, self.optimizer, self.augment, feed, self.batch // world, dtype,
            self.hyper.label_smoothing, halve=world == 1,
        )  # fmt: skip
        self.upcoming: tuple[int, dict[str, Tensor]] | None = None  # the next epoch, and its numbers
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Tensor] = {}
        self.best_loss, self.best_error, self.factor, self.waited = math.inf, math.inf, 1.0, 0
        self.pretrain_seconds = self.pretrain_cpu_seconds = 0.0
        self.prepare_seconds = self.prepare_cpu_seconds = 0.0
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
        done_before = len(self.history)
        if self.device.type == "cuda" and self.world == 1 and not self.finished:
            self.prepare(done_before)
        started = time.monotonic()
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
        if self.best:
            self.network.load_state_dict(self.best)
        if not self.finished:
            self.finished = True
            self.write()
        return Trained(
            self.history, peak_bytes(self.device), self.pretrain_seconds, self.pretrain_cpu_seconds,
            self.prepare_seconds, self.prepare_cpu_seconds, done_before,
        )  # fmt: skip

    def sum_over_processes(self, mine: float) -> float:
        if self.world == 1:
            return mine
        mean = all_reduce_mean(torch.tensor(mine, dtype=torch.float64, device=self.device), self.world)
        return float(mean) * self.world

    def prepare(self, first: int) -> None:
        """Compile and capture, before the first epoch, what the epochs from ``first`` on need."""
        started, cpu = time.monotonic(), time.process_time()
        self.network.train()
        if sides := self.sides[first:]:
            self.upcoming = first, self.numbers(first)
            self.step.begin(self.upcoming[1], self.rates(first))
            self.step.prepare(sides)
            self.step.loss_sum.item()  # wait for the device
        self.prepare_seconds, self.prepare_cpu_seconds = time.monotonic() - started, time.process_time() - cpu

    def numbers(self, epoch: int) -> dict[str, Tensor]:
        """This process's part of all that is random in an epoch, see ``TrainingStep.begin``."""
        if self.upcoming is not None and self.upcoming[0] == epoch:
            return self.upcoming[1]
        random = torch.Generator().manual_seed(self.seed(epoch))
        order = np.random.default_rng([self.hyper.seed, epoch]).permutation(self.train)[: self.steps * self.batch]
        numbers = {"order": torch.from_numpy(shard(order, self.batch, self.rank, self.world))}
        drawn = [self.augment.draw(self.batch // self.world, self.feed.side, random) for _ in range(self.steps)]
        return numbers | {name: torch.cat([of_step[name] for of_step in drawn]) for name in drawn[0]}

    def rates(self, epoch: int) -> list[float]:
        return [rate * self.factor for rate in self.hyper.rates(epoch, self.steps)]

    def seed(self, epoch: int) -> int:
        return (self.hyper.seed * 1_000_003 + epoch) & 0x7FFFFFFF

    def batches(self, order: Tensor) -> Iterator[tuple[Tensor, Tensor] | None]:
        """What each step of an epoch is given: nothing where it finds the images on the device by itself."""
        if self.feed.resident:
            yield from [None] * self.steps
        else:
            yield from self.feed.batches(order.numpy(), self.batch // self.world)

    def epoch(self, epoch: int) -> None:
        """One pass over the training images. Random choices depend on the seed and the epoch alone, so that a resumed
        training makes the same ones."""
        started, cpu, joules = time.monotonic(), time.process_time(), energy_joules(self.device)
        torch.manual_seed(self.seed(epoch) + 7_919 * self.rank)  # dropout
        numbers, rates, side = self.numbers(epoch), self.rates(epoch), self.sides[epoch]
        self.step.begin(numbers, rates)
        self.network.train()
        spoken = started
        for step, batch in enumerate(self.batches(numbers["order"])):
            self.step(side, batch)
            if step % LOOK_EVERY == 0:
                total = float(all_reduce_mean(self.step.loss_sum, self.world)) / (step + 1)
                if not math.isfinite(total):
                    raise diverged(epoch, self.hyper, total)
            now = time.monotonic()
            if now - spoken > 20:
                spoken = now
                speed = (step + 1) * self.batch / (now - started)
                log.info("epoch %d: %d of %d images, %.0f images/s", epoch + 1, (step + 1) * self.batch,
                         self.steps * self.batch, speed)  # fmt: skip
        if epoch + 1 < self.hyper.epochs:
            self.upcoming = epoch + 1, self.numbers(epoch + 1)  # while the device works on its last steps
        sums = all_reduce_mean(torch.stack([self.step.loss_sum, self.step.wrong]), self.world).cpu()
        loss_sum, wrong = sums.tolist()
        total = loss_sum / self.steps
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
                "epoch": epoch + 1, "side": side, "rate": rates[-1], "loss": total,
                "train_error": wrong / (self.steps * self.batch // self.world),
                "held_out_loss": held_loss, "held_out_error": held_error,
                "images_per_second": self.steps * self.batch / seconds,
                "seconds": time.monotonic() - started,
                "cpu_seconds": self.sum_over_processes(time.process_time() - cpu),
                **({} if joules is None or spent is None else {"joules": spent - joules}),
            }
        )  # fmt: skip
        if held_loss < self.best_loss:
            self.best_loss = held_loss
            self.keep_best()
        if held_error < self.best_error - 1e-4:
            self.best_error, self.waited = held_error, 0
        else:
            self.waited += 1
        if self.hyper.schedule == "plateau" and self.waited >= self.hyper.patience:
            self.factor, self.waited = self.factor / 10, 0

    def keep_best(self) -> None:
        """Copy the weights and statistics to where the best so far are kept, on the device."""
        state = self.network.state_dict()
        if not self.best:
            self.best = {name: torch.empty_like(t) for name, t in state.items()}
        for name, t in state.items():
            self.best[name].copy_(t)

    def held_out_loss(self, at_once: int) -> tuple[float, float]:
        """Loss (smoothed as in training) and error on the centres of the held-out images, ``at_once`` at a time; NaN
        where there are none."""
        if not len(self.held_out):
            return math.nan, math.nan
        self.network.eval()
        with torch.inference_mode():
            loss, wrong = (torch.zeros((), dtype=torch.float64, device=self.device) for _ in range(2))
            for pixels, labels in self.feed.batches(self.held_out, at_once):
                with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                    logits = self.network(self.augment.centre(pixels))
                logits = logits.float()
                smoothing = self.hyper.label_smoothing
                loss += F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="sum")
                wrong += (logits.argmax(1) != labels).sum()
            total_loss, total_wrong = torch.stack([loss, wrong]).cpu().tolist()
        return total_loss / len(self.held_out), total_wrong / len(self.held_out)

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
        state["prepare"] = {"seconds": self.prepare_seconds, "cpu_seconds": self.prepare_cpu_seconds}
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
        self.prepare_seconds, self.prepare_cpu_seconds = state["prepare"]["seconds"], state["prepare"]["cpu_seconds"]
        self.finished = "optimizer" not in state
        if len(self.held_out) and not self.finished:
            self.keep_best()  # to have its tensors
            for name, t in (state["best"] or {}).items():
                self.best[name].copy_(t)
        if self.finished:
            log.info("was trained before: %d epochs", len(self.history))
            return True
        self.step.load_optimizer(state["optimizer"])
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
