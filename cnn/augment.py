"""Augmentation on the device: uint8 pixels to float crops, flips and colour noise; and the test views.

Random numbers are drawn on the CPU for the whole batch from one generator, so that they depend neither on the device
nor on the number of processes that share a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from . import mix
from .device import to_device
from .fused import usable

CHOICES = ("none", "crop", "crop+flip", "scale+flip", "scale+flip+colour", "paper")
JITTER = 0.4  # brightness, contrast and saturation change by up to this factor, either way
VIEWS = (1, 2, 10)  # of a test image


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
    device = pixels.device
    span = torch.arange(side, device=device)
    rows = top[:, None] + span
    columns = left[:, None] + torch.where(flip[:, None], side - 1 - span, span)
    picture = torch.arange(len(pixels), device=device)[:, None, None]
    return pixels[picture, rows[:, :, None], columns[:, None, :]]


def crop_transforms(flip: Tensor, chance: Tensor, least: float) -> Tensor:
    """(n, 2, 3) affine maps from a result to a random part of its image, mirrored where ``flip``.

    The part has ``least`` to all of the area and an aspect of 3:4 to 4:3. ``chance``: (n, 4) uniform numbers for area,
    aspect, x and y. After Szegedy et al. 2014.
    """
    area = least + (1 - least) * chance[:, 0]
    ratio = ((2 * chance[:, 1] - 1) * 0.2877).exp()  # log(3/4) to log(4/3)
    width, height = (area * ratio).sqrt().clamp_max(1.0), (area / ratio).sqrt().clamp_max(1.0)
    x, y = (2 * chance[:, 2] - 1) * (1 - width), (2 * chance[:, 3] - 1) * (1 - height)
    zero = torch.zeros(len(chance))
    mirrored = torch.where(flip, -width, width)
    return torch.stack([torch.stack([mirrored, zero, x], 1), torch.stack([zero, height, y], 1)], 1)


def scaled_crops(images: Tensor, side: int, transforms: Tensor) -> Tensor:
    """(n, 3, S, S) float → (n, 3, side, side): the parts that (n, 2, 3) ``transforms`` map to.

    ``transforms`` neither rotate nor shear. Bilinear, and antialiased where ``side`` is below S: the part is sampled at
    S pixels a side, at which it is never made smaller, and then reduced with an antialiasing filter.
    """
    sampled = max(side, images.shape[-1])
    if images.device.type == "cuda":  # affine_grid's is a float32 matrix product, which takes as long as all the rest
        centres = torch.arange(1 - sampled, sampled, 2, device=images.device) / sampled
        x, y = (transforms[:, i, i, None] * centres + transforms[:, i, 2, None] for i in range(2))
        whole = (len(images), sampled, sampled)
        grid = torch.stack([x[:, None, :].expand(whole), y[:, :, None].expand(whole)], -1)
    else:
        grid = F.affine_grid(transforms.to(images.dtype), [len(images), 3, sampled, sampled], align_corners=False)
    parts = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return resized(parts, side)


@dataclass(frozen=True)
class Augment:
    """How a training batch is made. ``side``: pixels that the network sees; ``scale`` divides what is left after the
    mean is subtracted.

    ``how``: "none" (centre), "crop", "crop+flip", "scale+flip", "scale+flip+colour" (also brightness, contrast and
    saturation, Howard 2013), or "paper" (crop, flip and colour noise). Images stored at the network's own size are
    padded by an eighth, reflected, before they are cropped; larger ones are not. ``mixing``: see ``mix``.
    """

    how: str
    side: int
    colour: Colour
    scale: float
    least: float = 0.35
    part: tuple[int, int] = (0, 1)  # (rank, world size) of the processes that share a batch
    mixing: str = "none"

    def on(self, device: torch.device) -> Augment:
        """The same, with its statistics on ``device``."""
        moved = Colour(self.colour.mean.to(device), self.colour.std, self.colour.principal.to(device))
        return replace(self, colour=moved)

    def floats(self, pixels: Tensor) -> Tensor:
        """(n, S, S, 3) uint8 → (n, 3, S, S) float32 in channels-last order, centred and scaled."""
        return (pixels.float() - self.colour.mean).div_(self.scale).permute(0, 3, 1, 2)

    def draw(self, n: int, stored: int, random: torch.Generator) -> dict[str, Tensor]:
        """What ``apply`` does to each of n images of ``stored`` pixels a side, (n, …) tensors on the CPU.

        All processes draw the same numbers for the whole batch and take their own part of them.
        """
        rank, world = self.part
        mine = slice(rank * n, (rank + 1) * n)
        chance = torch.rand(n * world, 7, generator=random)[mine]
        alpha = 0.1 * torch.randn(n * world, 3, generator=random)[mine]
        flip = chance[:, 0] < (0.0 if self.how in ("none", "crop") else 0.5)
        drawn: dict[str, Tensor] = {}
        if self.how.startswith("scale+flip"):
            drawn["transforms"] = crop_transforms(flip, chance[:, 3:], self.least)
        elif self.how != "none":
            room = stored + 2 * self._padding(stored) - self.side
            top, left = ((chance[:, i] * (room + 1)).long() for i in (1, 2))
            drawn = {"top": top, "left": left, "flip": flip}
        if self.how == "paper":
            drawn["alpha"] = alpha
        if self.how.endswith("colour"):
            drawn["jitter"] = 1 + JITTER * (2 * torch.rand(n * world, 3, generator=random)[mine] - 1)
        if self.mixing != "none":
            drawn |= mix.draw(self.mixing, torch.rand(n * world, 4, generator=random)[mine])
        return drawn

    def apply(self, pixels: Tensor, drawn: dict[str, Tensor], out: int) -> Tensor:
        """(n, S, S, 3) uint8 → (n, 3, out, out) float32, as ``drawn``, on the pixels' device."""
        if "top" in drawn:
            images = self._cropped(pixels, drawn)
        else:
            images = self.floats(pixels)
            if "transforms" in drawn:
                images = scaled_crops(images, out, drawn["transforms"])
        if "jitter" in drawn:
            images = self._jittered(images, drawn["jitter"])
        images = resized(images, out)
        return mix.mixed(images, drawn) if "kept" in drawn else images

    def _cropped(self, pixels: Tensor, drawn: dict[str, Tensor]) -> Tensor:
        """(n, S, S, 3) uint8 → (n, 3, side, side) float32, cut, mirrored and with the noise of its colour."""
        top, left, flip = (drawn[name] for name in ("top", "left", "flip"))
        padding = self._padding(pixels.shape[1])
        noise = drawn["alpha"] @ self.colour.principal.t() / self.scale if "alpha" in drawn else None
        if pixels.is_cuda and not padding and usable():
            shift = pixels.new_zeros((len(pixels), 3), dtype=torch.float32) if noise is None else noise
            cut: Tensor = torch.ops.topfive.cropped(
                pixels, top, left, flip, self.colour.mean, shift, self.scale, self.side
            )
            return cut
        images = self.floats(pixels)
        if padding:
            images = F.pad(images, [padding] * 4, mode="reflect")
        images = crops(images.permute(0, 2, 3, 1), top, left, self.side, flip).permute(0, 3, 1, 2)
        return images if noise is None else images + noise[:, :, None, None]

    def _jittered(self, images: Tensor, factors: Tensor) -> Tensor:
        """(n, 3, S, S), each image by its own (n, 3) factors of saturation, contrast and brightness, in this order."""
        saturation, contrast, brightness = factors.T[..., None, None, None]
        images = torch.lerp(images.mean(1, keepdim=True), images, saturation)
        images = torch.lerp(images.mean((1, 2, 3), keepdim=True), images, contrast)
        black = -self.colour.mean.mean() / self.scale
        return torch.lerp(black, images, brightness)

    def train(self, pixels: Tensor, random: torch.Generator) -> Tensor:
        """(n, S, S, 3) uint8 → (n, 3, side, side) float32, with numbers drawn from ``random``."""
        drawn = self.draw(len(pixels), pixels.shape[1], random)
        return self.apply(pixels, {name: to_device(t, pixels.device) for name, t in drawn.items()}, self.side)

    def _padding(self, stored: int) -> int:
        return self.side // 8 if stored <= self.side else 0

    def centre(self, pixels: Tensor) -> Tensor:
        """(n, S, S, 3) uint8 → (n, 3, side, side): the first of the test views."""
        return self._cut(*self._whole(pixels))[0].contiguous(memory_format=torch.channels_last)

    def views(self, pixels: Tensor, n: int = 2) -> list[Tensor]:
        """``n`` test views, each (n, 3, side, side): 1, the centre; 2, and its mirror image; 10, the paper's crops."""
        images, room = self._whole(pixels)
        corners = [(0, 0), (0, room), (room, 0), (room, room)] if n == 10 else []
        cuts = self._cut(images, room, corners)
        return [view.contiguous(memory_format=torch.channels_last) for cut in cuts for view in (cut, cut.flip(-1))[:n]]

    def _whole(self, pixels: Tensor) -> tuple[Tensor, int]:
        """The images as floats, and by how many pixels a side they are larger than what the network sees."""
        images = self.floats(pixels)
        if images.shape[-1] < self.side:
            images = resized(images, self.side)
        return images, images.shape[-1] - self.side

    def _cut(self, images: Tensor, room: int, more: Sequence[tuple[int, int]] = ()) -> list[Tensor]:
        """The centre, and what lies at the places of ``more``."""
        places = [(room // 2, room // 2), *more]
        return [images[:, :, y : y + self.side, x : x + self.side] for y, x in places]


def resized(images: Tensor, side: int) -> Tensor:
    """(n, C, S, S) → (n, C, side, side) in channels-last order; antialiased."""
    if images.shape[-1] != side:
        images = F.interpolate(images, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return images.contiguous(memory_format=torch.channels_last)
