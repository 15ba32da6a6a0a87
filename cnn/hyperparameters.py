"""How a network is trained: batch, optimizer, learning-rate schedule, image sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

# Peak learning rates when none is given, for batches of up to BATCH; also the names of the optimizers.
RATES = {"sgd": 0.04, "momentum": 0.01, "adamw": 0.001}
BATCH = 128
# How they grow with larger batches, as a power of the batch: linearly for SGD (Goyal et al. 2017), by its square root
# for Adam (Malladi et al. 2022).
GROWTH = {"sgd": 1.0, "momentum": 1.0, "adamw": 0.5}
DECAYS = {"sgd": 5e-4, "momentum": 5e-4, "adamw": 0.05}  # AdamW's is decoupled from the scale of the gradients
SCHEDULES = ("one-cycle", "plateau")
WARM_UP = 0.15  # of the steps of a one-cycle schedule


@dataclass(frozen=True)
class Hyperparameters:
    """How to train. Learning rates are per step on the mean loss of a batch.

    schedule    "one-cycle": linear warm-up over the first 15 % of the steps, then a cosine to zero;
                "plateau": constant, a tenth whenever the held-out error stood still for ``patience`` epochs, three
                times at most, then the end (the paper's heuristic)
    first_side  training starts at this fraction of the images' side, but at ``least_side`` pixels at least, and grows
                to all of it over the first 70 % of the epochs; small images are cheap, and what is learned from them
                carries over (Howard 2018)
    """

    epochs: int
    batch: int = 128
    optimizer: str = "sgd"
    lr: float | None = None  # None: RATES
    momentum: float = 0.9
    weight_decay: float | None = None  # None: DECAYS
    schedule: str = "one-cycle"
    label_smoothing: float = 0.1
    first_side: float = 1.0
    least_side: int = 16
    patience: int = 5
    seed: int = 0

    @property
    def decay(self) -> float:
        return DECAYS[self.optimizer] if self.weight_decay is None else self.weight_decay

    @property
    def top_rate(self) -> float:
        if self.lr is not None:
            return self.lr
        return RATES[self.optimizer] * float(max(1.0, self.batch / BATCH) ** GROWTH[self.optimizer])

    def factor(self, progress: float) -> float:
        """Factor on ``lr`` at this fraction of the training, 0 to 1."""
        if self.schedule == "plateau":
            return 1.0
        if progress < WARM_UP:
            return progress / WARM_UP
        return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))

    def rates(self, epoch: int, steps: int) -> list[float]:
        """Learning rates of the ``steps`` steps of this epoch (from 0).

        Each is the schedule's value at the middle of the step: step s of S in epoch e is at (e + (s + ½) / S) / epochs.
        So neither the first step nor the last has rate 0.
        """
        return [self.top_rate * self.factor((epoch + (s + 0.5) / steps) / self.epochs) for s in range(steps)]

    def side(self, epoch: int, side: int) -> int:
        """Pixels a side in this epoch, growing by eighths: few sizes, as a compiled network is compiled for each."""
        grown = self.first_side + (1 - self.first_side) * min(1.0, epoch / max(1.0, 0.7 * self.epochs))
        return min(side, max(self.least_side, round(side * round(grown * 8) / 8)))


def epochs_of(steps: int, n_train: int, batch: int) -> int:
    """Whole epochs of n training images that hold at least so many steps."""
    return -(-steps // max(1, n_train // min(batch, n_train)))


def make_optimizer(network: nn.Module, hyper: Hyperparameters) -> torch.optim.Optimizer:
    """Weight decay on weights, not on biases or normalisation. Raises ValueError for an unknown name.

    All of its state exists from the start, and the learning rate of its groups is one tensor on the network's device
    (``set_rate``), so that a CUDA graph can hold a step of it.
    """
    if hyper.optimizer not in RATES:
        raise ValueError(f"optimizer must be one of {', '.join(RATES)}, not {hyper.optimizer!r}")
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": hyper.decay},
        {"params": others, "weight_decay": 0.0},
    ]
    device = next(network.parameters()).device
    on_gpu = device.type == "cuda"
    # The CPU's kernels take the rate as a Python float; float64 keeps its value.
    rate = torch.zeros((), dtype=torch.float32 if on_gpu else torch.float64, device=device)
    optimizer: torch.optim.Optimizer
    if hyper.optimizer == "adamw":
        optimizer = torch.optim.AdamW(groups, lr=rate, fused=True, capturable=on_gpu)
    else:
        nesterov = hyper.optimizer == "sgd"
        optimizer = torch.optim.SGD(groups, lr=rate, momentum=hyper.momentum, nesterov=nesterov, fused=True)
    _allocate_state(optimizer)
    return optimizer


def set_rate(optimizer: torch.optim.Optimizer, rate: Tensor) -> None:
    """Make ``rate``, one number, the learning rate of all groups; a later change of it is a change of theirs."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def state_tensors(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """All tensors of its state: moments, momentum, step counters."""
    return [t for state in optimizer.state.values() for t in state.values() if isinstance(t, Tensor)]


def _allocate_state(optimizer: torch.optim.Optimizer) -> None:
    """torch makes the state in the first step: one at rate 0 without gradients, and what it left is set to zero."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for p in parameters:
        p.grad = torch.zeros_like(p)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    for t in state_tensors(optimizer):
        t.zero_()
