"""How a network is trained: batch, optimizer, learning-rate schedule, image sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

RATES = {"sgd": 0.04, "momentum": 0.01, "adamw": 0.001}  # peak learning rates when none is given; also the optimizers
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
        return RATES[self.optimizer] if self.lr is None else self.lr

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


def make_optimizer(network: nn.Module, hyper: Hyperparameters) -> torch.optim.Optimizer:
    """Weight decay on weights, not on biases or normalisation. Raises ValueError for an unknown name."""
    if hyper.optimizer not in RATES:
        raise ValueError(f"optimizer must be one of {', '.join(RATES)}, not {hyper.optimizer!r}")
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": hyper.decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if hyper.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=hyper.top_rate, fused=True)
    nesterov = hyper.optimizer == "sgd"
    return torch.optim.SGD(groups, lr=hyper.top_rate, momentum=hyper.momentum, nesterov=nesterov, fused=True)
