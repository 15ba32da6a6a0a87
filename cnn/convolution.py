"""Convolutions as cuDNN is fastest at them on channels-last maps; elsewhere they are nn.Conv2d."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _Dense(torch.autograd.Function):
    """The same values; its gradient is made dense, in channels-last order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0].contiguous(memory_format=torch.channels_last)


class Towers(nn.Conv2d):
    """A grouped convolution. On a GPU it is one dense convolution for each group: the grouped ones of cuDNN can be many
    times slower on channels-last maps (which is why torch.compile, too, avoids that order for such networks).

    cuDNN would copy each group's maps and gradients, which are not dense, before each use. They are copied here, once,
    by the compiler in the pass that makes them."""

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cuda":
            return super().forward(x)
        biases = [None] * self.groups if self.bias is None else self.bias.chunk(self.groups)
        maps = [part.contiguous(memory_format=torch.channels_last) for part in x.chunk(self.groups, 1)]
        parts = zip(maps, self.weight.chunk(self.groups), biases, strict=True)
        made: list[Any] = [_Dense.apply(F.conv2d(*part, self.stride, self.padding)) for part in parts]  # type: ignore[no-untyped-call]
        return torch.cat(made, 1)


class Stem(nn.Conv2d):
    """A convolution of colours. On a GPU with channels of zeros up to eight, which its matrix units need; the result is
    the same."""

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cuda" or self.in_channels >= 8:
            return super().forward(x)
        zeros = (0, 0, 0, 0, 0, 8 - self.in_channels)
        maps, weight = (F.pad(t, zeros).contiguous(memory_format=torch.channels_last) for t in (x, self.weight))
        return F.conv2d(maps, weight, self.bias, self.stride, self.padding)
