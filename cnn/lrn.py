"""Local response normalisation as a banded product over channels: the same numbers as PyTorch's, several times faster.

b_i = a_i / (k + α/n · Σ_{|j−i| ≤ n/2} a_j²)^β   (Krizhevsky, Sutskever, Hinton 2012, section 3.3)

α is divided by the window n, as the authors' code and PyTorch do; the printed formula lacks the division, so its
α = 1e-4 means 5e-4 here only if the paper's text is preferred to its code. The code is followed. The values suit the
paper's inputs of 0 to 255; where activations are near 1, b is nearly 2^-0.75 · a.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class _Normalise(torch.autograd.Function):
    """The window's sum is one matrix product with a (C, C) band: with channels last a plain GEMM over the pixels.

    ``torch.nn.LocalResponseNorm`` pads, pools in five dimensions and raises to a power, each a pass over memory, and
    the backward doubles them. Here the power −3/4 is two reciprocal square roots, and the backward is written out.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, band: Tensor, k: float, beta: float) -> Tensor:
        a = x.movedim(1, -1)
        denominator = torch.matmul(a * a, band).add_(k)
        if beta == 0.75:
            root = denominator.rsqrt()
            scale = root.sqrt().mul_(root)  # d^-1/2 · d^-1/4
        else:
            scale = denominator.pow(-beta)
        ctx.save_for_backward(x, scale, denominator, band)
        ctx.beta = beta
        return (a * scale).movedim(-1, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        x, scale, denominator, band = ctx.saved_tensors
        a, g = x.movedim(1, -1), gradients[0].movedim(1, -1) * scale
        # dL/da = g·s − 2αβ/n · a · Σ_window (g·a·s/d); the band already holds α/n, transposed for an even window.
        window = torch.matmul((g * a).div_(denominator), band.t())
        return g.addcmul_(a, window, value=-2 * ctx.beta).movedim(-1, 1), None, None, None


class LocalResponseNorm(nn.Module):
    """Normalise across ``size`` neighbouring channels. (N, C, H, W) → (N, C, H, W), any float dtype; no parameters.

    Equal to ``torch.nn.LocalResponseNorm(size, alpha, beta, k)``, forward and backward.
    """

    band: Tensor

    def __init__(self, channels: int, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> None:
        super().__init__()
        self.k, self.beta = k, beta
        offset = torch.arange(channels)[:, None] - torch.arange(channels)[None, :]  # row: what is summed
        inside = (offset >= -(size // 2)) & (offset <= (size - 1) // 2)
        self.register_buffer("band", inside.float() * (alpha / size), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = _Normalise.apply(x, self.band.to(x.dtype), self.k, self.beta)  # type: ignore[no-untyped-call]
        return result
