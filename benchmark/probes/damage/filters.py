"""What several corruptions are made of: Gaussian and motion blur, zoom about the centre, the plasma fractal."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from .pixels import Floats


def gaussian(image: Floats, sigma: float, *, truncate: float = 4.0, border: int = cv2.BORDER_REPLICATE) -> Floats:
    """``skimage.filters.gaussian`` of (H, W) or (H, W, C): the kernel ends at ``truncate`` standard deviations.

    Its border mode "nearest" is ``cv2.BORDER_REPLICATE``, "reflect" is ``cv2.BORDER_REFLECT``.
    """
    radius = int(truncate * sigma + 0.5)
    if radius == 0:
        return image
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    return np.asarray(cv2.sepFilter2D(image, -1, kernel, kernel, borderType=border), np.float64)


def motion(image: Floats, radius: float, sigma: float, angle: float) -> Floats:
    """ImageMagick's motion blur of (H, W) or (H, W, C), ``angle`` in degrees.

    A Gaussian's half, of 2·⌈radius⌉ + 1 taps from its middle on, walked from each pixel along the angle (x to the
    right, y down) in whole pixels; pixels beyond the border are those on it.
    """
    taps = np.arange(2 * math.ceil(radius) + 1)
    kernel = np.exp(-(taps**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    across = np.ceil(taps * math.cos(math.radians(angle)) - 0.5).astype(int)
    down = np.ceil(taps * math.sin(math.radians(angle)) - 0.5).astype(int)
    height, width = image.shape[:2]
    top, left = max(-down.min(), 0), max(-across.min(), 0)
    edges = [(top, max(down.max(), 0)), (left, max(across.max(), 0)), (0, 0)]
    padded = np.pad(image, edges[: image.ndim], mode="edge")
    total = np.zeros_like(image)
    for weight, dx, dy in zip(kernel, across + left, down + top, strict=True):
        total += weight * padded[dy : dy + height, dx : dx + width]
    return total


def zoomed(image: Floats, factor: float) -> Floats:
    """The middle of (H, W) or (H, W, C) enlarged bilinearly to the same size, corner on corner. ``factor`` ≥ 1."""
    for axis in (0, 1):
        length = image.shape[axis]
        kept = math.ceil(length / factor)
        enlarged = round(kept * factor)
        position = (np.arange(length) + (enlarged - length) // 2) * ((kept - 1) / max(enlarged - 1, 1))
        position = np.clip(position, 0, kept - 1)
        first = np.minimum(position.astype(int), max(kept - 2, 0))
        share = (position - first).reshape(-1, *[1] * (image.ndim - 1 - axis))
        first += (length - kept) // 2
        after = np.minimum(first + 1, length - 1)
        image = image.take(first, axis) * (1 - share) + image.take(after, axis) * share
    return image


def plasma(side: int, decay: float, rng: np.random.Generator) -> Floats:
    """A cloud by the diamond-square algorithm: (side, side) from 0 to 1. ``side`` is a power of two.

    Corners and midpoints are means of their four neighbours (wrapping around) plus a uniform number, whose range
    shrinks by ``decay``² at each halving.
    """
    cloud = np.zeros((side, side))
    step, wobble = side, 100.0

    def with_noise(four: Floats) -> Floats:
        return four / 4 + wobble * rng.uniform(-wobble, wobble, four.shape)

    while step >= 2:
        half = step // 2
        corners = cloud[::step, ::step]
        pairs = corners + np.roll(corners, -1, 0)
        cloud[half::step, half::step] = with_noise(pairs + np.roll(pairs, -1, 1))
        middles = cloud[half::step, half::step]
        cloud[::step, half::step] = with_noise(middles + np.roll(middles, 1, 0) + corners + np.roll(corners, -1, 1))
        cloud[half::step, ::step] = with_noise(middles + np.roll(middles, 1, 1) + corners + np.roll(corners, -1, 0))
        step, wobble = half, wobble / decay
    cloud -= cloud.min()
    return np.asarray(cloud / cloud.max(), np.float64)


def cloud_over(shape: tuple[int, ...], least: int, decay: float, rng: np.random.Generator) -> Floats:
    """The top left (H, W) of a plasma of ``least`` pixels or the next power of two that covers the image."""
    height, width = shape[:2]
    side = max(int(least), 1 << (max(height, width) - 1).bit_length())
    return plasma(side, decay, rng)[:height, :width]


def box_weights(inputs: int, outputs: int) -> NDArray[np.float64]:
    """Pillow's box filter as a matrix, (outputs, inputs): the mean of the pixels whose centres lie under the box."""
    scale = inputs / outputs
    support = max(scale, 1.0) / 2
    centre = (np.arange(outputs) + 0.5) * scale
    distance = np.arange(inputs) + 0.5 - centre[:, None]
    weights = ((distance > -support) & (distance <= support)).astype(np.float64)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float64)
