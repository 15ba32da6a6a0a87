"""LeNet-5: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ScaledTanh(nn.Module):
    """1.7159 tanh(2x/3): its effective gain is about 1, so that variances stay as they are (appendix A)."""

    def forward(self, x: Tensor) -> Tensor:
        return 1.7159 * torch.tanh(x * (2 / 3))


class Subsample(nn.Module):
    """Means of 2×2, times one trainable coefficient a map, plus one trainable bias (S2 and S4)."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.ones(maps))
        self.bias = nn.Parameter(torch.zeros(maps))

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2) * self.coefficient[:, None, None] + self.bias[:, None, None]


class LeNet5(nn.Sequential):
    """(n, 3, side, side) → (n, n_classes) logits; C1 S2 C3 S4 C5 F6 and the output layer. At side 32 C5 sees 5×5.

    What differs from the paper: three colour channels; C3 sees all six maps, where the paper connects it by a table to
    save time; a linear output layer for the radial basis functions, and with it cross-entropy for the distances to the
    classes' codes; mini-batches and momentum for the stochastic diagonal Levenberg-Marquardt method; first weights from
    a normal distribution of variance 1/fan-in, not uniform in ±2.4/fan-in.
    """

    def __init__(self, n_classes: int, side: int = 32) -> None:
        left = ((side - 4) // 2 - 4) // 2
        if left < 1:
            raise ValueError(f"LeNet-5 needs images of at least 16 pixels a side, not {side}")
        super().__init__(
            OrderedDict[str, nn.Module](
                c1=nn.Conv2d(3, 6, 5), act1=ScaledTanh(), s2=Subsample(6), act2=ScaledTanh(),
                c3=nn.Conv2d(6, 16, 5), act3=ScaledTanh(), s4=Subsample(16), act4=ScaledTanh(),
                c5=nn.Conv2d(16, 120, left), act5=ScaledTanh(), flat=nn.Flatten(),
                f6=nn.Linear(120, 84), act6=ScaledTanh(), out=nn.Linear(84, n_classes),
            )
        )  # fmt: skip
        for layer in self.children():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.normal_(layer.weight, 0.0, layer.weight[0].numel() ** -0.5)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
