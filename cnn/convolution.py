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
    """A convolution of colours, which on a GPU is computed by ``of_blocks``: matrix units want many channels, not 3."""

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cuda" or self.in_channels >= 8:
            return super().forward(x)
        return of_blocks(x, self.weight, self.bias, self.stride[0], int(self.padding[0]))


def of_blocks(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
    """A convolution with square kernels, as one of stride 1 on blocks of ``stride`` × ``stride`` pixels.

    A block's values become the channels of one pixel, with channels of zeros up to a multiple of eight; kernels of 11
    at stride 4 become 3 × 3 of 48 channels. The sums are the same, but for the order of their terms.
    """
    colours, height, width = x.shape[1:]
    kernel = weight.shape[-1]
    blocks = -(-kernel // stride)  # along a side of a kernel
    inner = stride * stride * colours
    zeros = -inner % 8

    def in_blocks(t: Tensor) -> Tensor:
        """(m, colours, rows, columns) → (m, channels of a block, rows / stride, columns / stride), channels last."""
        rows, columns = (length // stride for length in t.shape[2:])
        split = t.permute(0, 2, 3, 1).reshape(len(t), rows, stride, columns, stride, colours)
        values = split.transpose(2, 3).reshape(len(t), rows, columns, inner)
        return F.pad(values, (0, zeros)).permute(0, 3, 1, 2)

    def ends(length: int) -> tuple[int, int]:
        """What is missing before and behind a side of so many pixels: the last blocks of kernels reach beyond them."""
        made = (length + 2 * padding - kernel) // stride + 1
        return padding, (made - 1 + blocks) * stride - length - padding

    grown = F.pad(weight, (0, blocks * stride - kernel) * 2)
    images = F.pad(x, (*ends(width), *ends(height)))
    return F.conv2d(in_blocks(images), in_blocks(grown), bias)
