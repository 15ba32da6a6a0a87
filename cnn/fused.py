"""Whether a map is for the kernels of ``triton_kernels``: bfloat16 on a GPU, where Triton works."""

from __future__ import annotations

import importlib
import logging
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

log = logging.getLogger("topfive.cnn")


def takes(x: Tensor) -> bool:
    return x.is_cuda and x.dtype == torch.bfloat16 and usable()


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator,unused-ignore]
def usable() -> bool:
    """Whether there is a GPU that the kernels run on. The first call compiles one of each; ask before a capture."""
    return _usable()


@cache
def _usable() -> bool:
    if not torch.cuda.is_available():
        return False
    try:
        kernels: Any = importlib.import_module(".triton_kernels", __package__)
        with torch.enable_grad():
            x = torch.ones(1, 16, 5, 5, dtype=torch.bfloat16, device="cuda", requires_grad=True)
            kernels.max_pool(kernels.normalise(x, 5, 2e-5, 2.0, 0.75))[0].sum().backward()
        ours, exact = x.grad, torch.zeros(1, 16, 5, 5, dtype=torch.bfloat16, device="cuda")
        exact[:, :, :4:2, :4:2] = 2**-0.75
        if ours is None or float((ours - exact).abs().max()) > 0.01:
            raise ArithmeticError("its results are wrong")
    except Exception as error:  # Triton may be missing, or lack a compiler, or this GPU
        log.warning(
            "the Triton kernels do not work here (%s: %s): goes on without, slower",
            type(error).__name__, (str(error).splitlines() or [""])[0],
        )  # fmt: skip
        return False
    return True


class MaxPool(nn.MaxPool2d):
    """nn.MaxPool2d; windows of 3 at every second pixel are the kernels'."""

    def forward(self, x: Tensor) -> Tensor:
        if takes(x) and (self.kernel_size, self.stride, self.padding, self.dilation) == (3, 2, 0, 1):
            pooled: Tensor = torch.ops.topfive.max_pool(x)[0]
            return pooled
        pooled = super().forward(x)
        return pooled
