"""What a trained network shows of itself: the gradient at its input, its first filters, its layers in words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from topfive.common.machine import torch_threads
from torch import nn

from .augment import Augment

Floats = NDArray[np.float32]


class LooksInside:
    """The optional methods of a deep contender; for estimators with ``model_``, ``augment_``, ``stored_``."""

    model_: nn.Module
    augment_: Augment
    classes_: NDArray[np.int64]
    stored_: int
    views: int
    n_jobs: int | None

    def input_gradient(self, pixels: Floats, labels: NDArray[np.int64]) -> Floats:
        """(n, H, W, 3) float32: how the loss of each image's true label grows with each of its values of 0 to 255.

        The loss is the cross-entropy of the mean probability of the test views, on the CPU in float32, after the
        resizing that the loader does (short side to ``stored_``, centre crop; here bilinear and antialiased).
        """
        targets = torch.from_numpy(np.searchsorted(self.classes_, labels))
        network = self.model_.to("cpu").eval()
        with torch_threads(self.n_jobs), torch.enable_grad():
            x = torch.from_numpy(np.ascontiguousarray(pixels, np.float32)).requires_grad_()
            views = self.augment_.on(torch.device("cpu")).views(_as_stored(x, self.stored_), self.views)
            mean = torch.stack([network(view).float().softmax(1) for view in views]).mean(0)
            loss = F.nll_loss(mean.clamp_min(1e-30).log(), targets, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, x)
        return np.asarray(gradient.numpy(), np.float32)

    def parts_of(self, image: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
        """Pictures, (H, W, 3) uint8 by name, of what the first layer is made of and what it makes of an image.

        Filters are those of the first convolution, each scaled to its own range about grey, in a sheet; its responses
        those of the same filters in the same places, dark where there is none. Empty for a network without convolution.
        """
        first = next((m for m in self.model_.modules() if isinstance(m, nn.Conv2d) and m.in_channels == 3), None)
        if first is None:
            return {}
        weights = first.weight.detach().float().cpu()
        strongest = torch.argsort(weights.flatten(1).norm(dim=1), descending=True, stable=True)[:48]
        peak = weights.abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-12)
        filters = ((0.5 + weights / peak / 2) * 255).permute(0, 2, 3, 1)[strongest]
        with torch.inference_mode():
            pixels = _as_stored(torch.from_numpy(image[None].astype(np.float32)), self.stored_)
            maps = first.to("cpu")(self.augment_.on(torch.device("cpu")).centre(pixels))[0][strongest].clamp_min(0)
        maps = 255 * maps / maps.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)
        return {
            "first filters": sheet(filters.numpy()),
            "their responses": sheet(maps[..., None].expand(-1, -1, -1, 3).numpy()),
        }

    def pipeline(self) -> list[str]:
        """The steps from pixels to scores, in words, first to last."""
        side = self.augment_.side
        weights = [m.weight.ndim for m in self.model_.modules() if isinstance(getattr(m, "weight", None), nn.Parameter)]
        convolutions, full = weights.count(4), weights.count(2)
        values = sum(p.numel() for p in self.model_.parameters())
        return [
            f"{side} × {side} pixels",
            *([f"{convolutions} convolutional layers, learned"] if convolutions else []),
            f"{full} full layers, learned" if full > 1 else "1 full layer, learned",
            f"softmax over {len(self.classes_)} classes ({values / 1e6:.1f} M weights, all by back-propagation)",
        ]


def sheet(tiles: NDArray[Any]) -> NDArray[np.uint8]:
    """(n, h, w, 3) of 0 to 255 → one picture of them in rows, about as many as there are in each, white between."""
    n, height, width, _ = tiles.shape
    across = math.ceil(math.sqrt(n))
    rows = -(-n // across)
    out = np.full((rows * (height + 1) - 1, min(n, across) * (width + 1) - 1, 3), 255, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = i // across * (height + 1), i % across * (width + 1)
        out[top : top + height, left : left + width] = np.clip(np.rint(tile), 0, 255)
    return out


def _as_stored(pixels: torch.Tensor, side: int) -> torch.Tensor:
    """(n, H, W, 3) float → (n, side, side, 3): the short side resized to ``side``, the middle cut out."""
    height, width = pixels.shape[1:3]
    if min(height, width) != side:
        scale = side / min(height, width)
        size = max(side, round(height * scale)), max(side, round(width * scale))
        resized = F.interpolate(pixels.permute(0, 3, 1, 2), size, mode="bilinear", antialias=True, align_corners=False)
        pixels = resized.permute(0, 2, 3, 1)
        height, width = size
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[:, top : top + side, left : left + side]
