"""Local response normalisation over channels: the same numbers as PyTorch's, several times faster.

b_i = a_i / (k + α/n · Σ_{|j−i| ≤ n/2} a_j²)^β   (Krizhevsky, Sutskever, Hinton 2012, section 3.3)

α is divided by the window n, as the authors' code and PyTorch do; the printed formula lacks the division, so its
α = 1e-4 means 5e-4 here only if the paper's text is preferred to its code. The code is followed. The values suit the
paper's inputs of 0 to 255; where activations are near 1, b is nearly 2^-0.75 · a.

``torch.nn.LocalResponseNorm`` pads, pools in five dimensions and raises to a power, each a pass over memory, and the
backward doubles them. Here the power −3/4 is two reciprocal square roots, and the backward is written out. The sum over
the window is one matrix product with a (C, C) band, with channels last a plain GEMM over the pixels. On a GPU in
bfloat16 all is one kernel (``triton_kernels``); in other precisions, where the network is compiled for a GPU, it is a
sum of shifted maps.

The denominator and its power are float32 at least: in bfloat16 k plus a little would be k.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .fused import takes


def _compiled_for_gpu(t: Tensor) -> bool:
    return t.is_cuda and torch.compiler.is_compiling()


def _window_sum(t: Tensor, a: Tensor, band: Tensor, before: int, after: int) -> Tensor:
    """Σ of t · a over channels i − ``before`` to i + ``after``, the last dimension.

    ``band``: (C, C), ones where row j is summed into column i. Of the precision of ``a`` at least.
    """
    if _compiled_for_gpu(t):
        padded = F.pad(_wide(t) * a, (before, after))
        total = padded.narrow(-1, 0, a.shape[-1])
        for i in range(1, before + after + 1):
            total = total + padded.narrow(-1, i, a.shape[-1])
        return total
    return torch.matmul((t * a).to(a.dtype), band)


def _wide(t: Tensor) -> Tensor:
    return t.to(torch.promote_types(t.dtype, torch.float32))


def _power(denominator: Tensor, beta: float) -> Tensor:
    """denominator^-β."""
    if beta != 0.75:
        return denominator.pow(-beta)
    root = denominator.rsqrt()
    return root.sqrt().mul_(root)  # d^-1/4 · d^-1/2


class _Normalise(torch.autograd.Function):
    """Keeps for the backward the input and the window's sums of squares, in the input's precision."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, band: Tensor, size: int, alpha: float, k: float, beta: float) -> Tensor:
        a = x.movedim(1, -1)
        sums = _window_sum(a, a, band, size // 2, (size - 1) // 2)
        denominator = _wide(sums).mul(alpha).add_(k)
        ctx.save_for_backward(x, sums.to(x.dtype), band)
        ctx.size, ctx.alpha, ctx.k, ctx.beta = size, alpha, k, beta
        return (a * _power(denominator, beta)).to(x.dtype).movedim(-1, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None, None]:
        x, sums, band = ctx.saved_tensors
        denominator = _wide(sums).mul(ctx.alpha).add_(ctx.k)
        a, g = x.movedim(1, -1), gradients[0].movedim(1, -1) * _power(denominator, ctx.beta)
        # dL/da = g·s − 2αβ · a · Σ_window (g·s/d · a), over the transposed window, as an even one is not symmetric.
        window = _window_sum(g / denominator, a, band.t(), (ctx.size - 1) // 2, ctx.size // 2)
        change = g.addcmul_(a, window, value=-2 * ctx.alpha * ctx.beta)
        return change.to(x.dtype).movedim(-1, 1), None, None, None, None, None


class LocalResponseNorm(nn.Module):
    """Normalise across ``size`` neighbouring channels. (N, C, H, W) → (N, C, H, W), any float dtype; no parameters.

    Equal to ``torch.nn.LocalResponseNorm(size, alpha, beta, k)``, forward and backward.
    """

    band: Tensor

    def __init__(self, channels: int, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> None:
        super().__init__()
        self.size, self.alpha, self.k, self.beta = size, alpha / size, k, beta
        offset = torch.arange(channels)[:, None] - torch.arange(channels)[None, :]  # row: what is summed
        inside = (offset >= -(size // 2)) & (offset <= (size - 1) // 2)
        self.register_buffer("band", inside.float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor
        if takes(x) and self.size <= 17:  # the kernel's widest window
            result = torch.ops.topfive.normalise(x, self.size, self.alpha, self.k, self.beta)
            return result
        result = _Normalise.apply(  # type: ignore[no-untyped-call]
            x, self.band.to(x.dtype), self.size, self.alpha, self.k, self.beta
        )
        return result
