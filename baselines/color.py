"""Colour: spaces and the global histogram."""

from __future__ import annotations

import math

import torch

HSV_BINS = (16, 4, 4)


def grey(rgb: torch.Tensor) -> torch.Tensor:
    """Luma of ITU-R BT.601: (B, 3, H, W) -> (B, H, W)."""
    return 0.299 * rgb[:, 0] + 0.587 * rgb[:, 1] + 0.114 * rgb[:, 2]


def opponent(rgb: torch.Tensor) -> torch.Tensor:
    """Opponent colours of van de Sande, Gevers and Snoek 2010: (B, 3, H, W) in [0, 1] -> (B, 3, H, W).

    (R−G)/√2, (R+G−2B)/√6, (R+G+B)/√3.
    """
    r, g, b = rgb.unbind(1)
    return torch.stack([(r - g) / math.sqrt(2), (r + g - 2 * b) / math.sqrt(6), (r + g + b) / math.sqrt(3)], dim=1)


def hsv(rgb: torch.Tensor) -> torch.Tensor:
    """Hue (in turns), saturation, value, each in [0, 1]: (B, 3, H, W) in [0, 1] -> (B, 3, H, W). Grey has hue 0."""
    value, which = rgb.max(1)
    spread = value - rgb.min(1).values
    r, g, b = rgb.unbind(1)
    safe = spread.clamp(min=1e-12)
    sector = torch.where(which == 0, (g - b) / safe, torch.where(which == 1, 2 + (b - r) / safe, 4 + (r - g) / safe))
    hue = torch.where(spread > 0, (sector / 6).remainder(1), torch.zeros_like(spread))
    saturation = torch.where(value > 0, spread / value.clamp(min=1e-12), torch.zeros_like(value))
    return torch.stack([hue, saturation, value], dim=1)


def color_histogram(rgb: torch.Tensor) -> torch.Tensor:
    """(B, 3, H, W) in [0, 1] -> (B, 256): square roots of the shares of 16 × 4 × 4 HSV bins, so of unit L2 norm."""
    channels = hsv(rgb)
    index = torch.zeros_like(channels[:, 0], dtype=torch.int64)
    for channel, bins in zip(channels.unbind(1), HSV_BINS, strict=True):
        index = index * bins + (channel * bins).long().clamp_(max=bins - 1)
    flat = index.flatten(1)
    counts = rgb.new_zeros((len(rgb), math.prod(HSV_BINS)))
    counts.scatter_add_(1, flat, torch.ones_like(flat, dtype=counts.dtype))
    return (counts / flat.shape[1]).sqrt_()
