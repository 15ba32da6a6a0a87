"""Augmentation on the device: uint8 pixels to float crops, flips and colour noise; and the test views.

Random numbers are drawn on the CPU for the whole batch from one generator, so that they depend neither on the device
nor on the number of processes that share a batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from .device import to_device

CHOICES = ("none", "crop", "crop+flip", "scale+flip", "paper")


@dataclass(frozen=True)
class Colour:
    """Statistics of the training pixels: float32, on the scale of 0 to 255.

    mean (3,) or (S, S, 3) mean image; std: one number; principal: (3, 3), columns are eigenvectors of RGB times the
    square roots of their eigenvalues.
    """

    mean: Tensor
    std: float
    principal: Tensor

    @classmethod
    def of(cls, pixels: Tensor, *, mean_image: bool = False) -> Colour:
        """Statistics of (n, S, S, 3) uint8 pixels; a sample of some thousands is plenty."""
        image_sum, products = torch.zeros(pixels.shape[1:], dtype=torch.float64), torch.zeros(3, 3, dtype=torch.float64)
        for some in torch.split(pixels, 32):  # as float64 all of them would take eight times their memory
            image_sum += some.sum(0)
            rgb = some.reshape(-1, 3).double()
            products += rgb.t() @ rgb
        n = pixels.numel() // 3
        mean = image_sum.sum((0, 1)) / n
        covariance = (products - n * torch.outer(mean, mean)) / (n - 1)
        values, vectors = torch.linalg.eigh(covariance)
        std = float((covariance.trace() / 3).sqrt().clamp_min(1.0))
        kept = image_sum / len(pixels) if mean_image else mean
        return cls(kept.float(), std, (vectors * values.clamp_min(0).sqrt()).float())


def crops(pixels: Tensor, top: Tensor, left: Tensor, side: int, flip: Tensor) -> Tensor:
    """(n, S, S, 3) → (n, side, side, 3): image i cut at (top[i], left[i]), then mirrored where flip[i]."""
    n, device = len(pixels), pixels.device
    span = torch.arange(side)
    rows = top[:, None] + span
    columns = left[:, None] + torch.where(flip[:, None], side - 1 - span, span)
    picture = torch.arange(n, device=device)[:, None, None]
    return pixels[picture, to_device(rows, device)[:, :, None], to_device(columns, device)[:, None, :]]


def scaled_crops(images: Tensor, side: int, flip: Tensor, chance: Tensor, least: float) -> Tensor:
    """(n, 3, S, S) float → (n, 3, side, side): a random part (``least`` to all of the area, aspect 3:4 to 4:3).

    ``chance``: (n, 4) uniform numbers for area, aspect, x and y. After Szegedy et al. 2014. Bilinear, and antialiased
    where ``side`` is below S: the part is sampled at S pixels a side, at which it is never made smaller, and then
    reduced with an antialiasing filter.
    """
    n, sampled = len(images), max(side, images.shape[-1])
    area = least + (1 - least) * chance[:, 0]
    ratio = ((2 * chance[:, 1] - 1) * 0.2877).exp()  # log(3/4) to log(4/3)
    width, height = (area * ratio).sqrt().clamp_max(1.0), (area / ratio).sqrt().clamp_max(1.0)
    x, y = (2 * chance[:, 2] - 1) * (1 - width), (2 * chance[:, 3] - 1) * (1 - height)
    zero = torch.zeros(n)
    mirrored = torch.where(flip, -width, width)
    theta = torch.stack([torch.stack([mirrored, zero, x], 1), torch.stack([zero, height, y], 1)], 1)
    theta = to_device(theta, images.device).to(images.dtype)
    grid = F.affine_grid(theta, [n, 3, sampled, sampled], align_corners=False)
    parts = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return resized(parts, side)


@dataclass(frozen=True)
class Augment:
    """How a training batch is made. ``side``: pixels that the network sees; ``scale`` divides what is left after the
    mean is subtracted.

    ``how``: "none" (centre), "crop", "crop+flip", "scale+flip", or "paper" (crop, flip and colour noise). Images stored
    at the network's own size are padded by an eighth, reflected, before they are cropped; larger ones are not.
    """

    how: str
    side: int
    colour: Colour
    scale: float
    least: float = 0.35
    part: tuple[int, int] = (0, 1)  # (rank, world size) of the processes that share a batch

    def on(self, device: torch.device) -> Augment:
        """The same, with its statistics on ``device``."""
        moved = Colour(self.colour.mean.to(device), self.colour.std, self.colour.principal.to(device))
        return replace(self, colour=moved)

    def floats(self, pixels: Tensor) -> Tensor:
        """(n, S, S, 3) uint8 → (n, 3, S, S) float32 in channels-last order, centred and scaled."""
        return (pixels.float() - self.colour.mean).div_(self.scale).permute(0, 3, 1, 2)

    def train(self, pixels: Tensor, random: torch.Generator, out: int | None = None) -> Tensor:
        """(n, S, S, 3) uint8 → (n, 3, side, side) float32, or ``out`` pixels a side where that is given."""
        n, stored = len(pixels), pixels.shape[1]
        out = self.side if out is None else out
        rank, world = self.part
        mine = slice(rank * n, (rank + 1) * n)
        chance = torch.rand(n * world, 7, generator=random)[mine]
        alpha = 0.1 * torch.randn(n * world, 3, generator=random)[mine]
        flip = chance[:, 0] < (0.5 if self.how in ("crop+flip", "scale+flip", "paper") else 0.0)

        images = self.floats(pixels)
        if self.how == "none":
            return resized(images, out)
        if self.how == "scale+flip":
            return scaled_crops(images, out, flip, chance[:, 3:], self.least)
        if stored <= self.side:
            images = F.pad(images, [self.side // 8] * 4, mode="reflect")
        room = images.shape[-1] - self.side
        top, left = ((chance[:, i] * (room + 1)).long() for i in (1, 2))
        images = crops(images.permute(0, 2, 3, 1), top, left, self.side, flip).permute(0, 3, 1, 2)
        if self.how == "paper":
            images = (
                images + (to_device(alpha, images.device) @ self.colour.principal.t() / self.scale)[:, :, None, None]
            )
        return resized(images, out)

    def views(self, pixels: Tensor, ten: bool = False) -> list[Tensor]:
        """Test views, each (n, 3, side, side): the centre and its mirror image; or the paper's ten crops."""
        images = self.floats(pixels)
        room = images.shape[-1] - self.side
        if room < 0:
            images, room = resized(images, self.side), 0
        places = [(room // 2, room // 2)]
        if ten:
            places += [(0, 0), (0, room), (room, 0), (room, room)]
        cuts = [images[:, :, y : y + self.side, x : x + self.side] for y, x in places]
        return [view.contiguous(memory_format=torch.channels_last) for cut in cuts for view in (cut, cut.flip(-1))]


def resized(images: Tensor, side: int) -> Tensor:
    """(n, C, S, S) → (n, C, side, side) in channels-last order; antialiased."""
    if images.shape[-1] != side:
        images = F.interpolate(images, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return images.contiguous(memory_format=torch.channels_last)
