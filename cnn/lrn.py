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

    The band holds ones, which bfloat16 has exactly. What follows the product is float32 at least: in bfloat16 a
    denominator of k + a little would be k.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, band: Tensor, alpha: float, k: float, beta: float) -> Tensor:
        a = x.movedim(1, -1)
        squares = torch.matmul(a * a, band)
        denominator = squares.to(torch.promote_types(x.dtype, torch.float32)).mul(alpha).add_(k)
        ctx.save_for_backward(x, denominator, band)
        ctx.alpha, ctx.beta = alpha, beta
        return (a * _power(denominator, beta)).to(x.dtype).movedim(-1, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        x, denominator, band = ctx.saved_tensors
        a, g = x.movedim(1, -1), gradients[0].movedim(1, -1) * _power(denominator, ctx.beta)
        # dL/da = g·s − 2αβ · a · Σ_window (g·a·s/d), over the transposed window, as an even one is not symmetric.
        window = torch.matmul((g * a).div_(denominator).to(x.dtype), band.t())
        return g.addcmul_(a, window, value=-2 * ctx.alpha * ctx.beta).to(x.dtype).movedim(-1, 1), None, None, None, None


def _power(denominator: Tensor, beta: float) -> Tensor:
    """denominator^-β."""
    if beta != 0.75:
        return denominator.pow(-beta)
    root = denominator.rsqrt()
    return root.sqrt().mul_(root)  # d^-1/4 · d^-1/2


class LocalResponseNorm(nn.Module):
    """Normalise across ``size`` neighbouring channels. (N, C, H, W) → (N, C, H, W), any float dtype; no parameters.

    Equal to ``torch.nn.LocalResponseNorm(size, alpha, beta, k)``, forward and backward. In bfloat16 the window's sum
    has that precision, the denominator k + α/n · sum and its power are float32.
    """

    band: Tensor

    def __init__(self, channels: int, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> None:
        super().__init__()
        self.alpha, self.k, self.beta = alpha / size, k, beta
        offset = torch.arange(channels)[:, None] - torch.arange(channels)[None, :]  # row: what is summed
        inside = (offset >= -(size // 2)) & (offset <= (size - 1) // 2)
        self.register_buffer("band", inside.float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = _Normalise.apply(  # type: ignore[no-untyped-call]
            x, self.band.to(x.dtype), self.alpha, self.k, self.beta
        )
        return result
