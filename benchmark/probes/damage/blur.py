"""Blur: out of focus, through frosted glass, by motion, by zooming."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .filters import gaussian, motion, zoomed
from .pixels import Floats, Pixels, as_floats, as_pixels


def defocus_blur(image: Pixels, rng: np.random.Generator, radius: float, alias_blur: float) -> Pixels:
    """Convolution with a disk of ``radius`` pixels whose edge is smoothed with standard deviation ``alias_blur``."""
    return as_pixels(np.asarray(cv2.filter2D(as_floats(image), -1, disk(radius, alias_blur)), np.float64))


def disk(radius: float, alias_blur: float) -> Floats:
    """The kernel of ``defocus_blur``: 17 × 17, or 2·radius + 1 where the radius is above 8 pixels."""
    reach = 8 if radius <= 8 else int(radius)
    across = np.arange(-reach, reach + 1)
    inside = (across**2 + across[:, None] ** 2 <= radius**2).astype(np.float64)
    size = (3, 3) if radius <= 8 else (5, 5)
    return np.asarray(cv2.GaussianBlur(inside / inside.sum(), size, alias_blur), np.float64)


def glass_blur(image: Pixels, rng: np.random.Generator, sigma: float, reach: float, passes: float) -> Pixels:
    """Gaussian blur, pixels taken from near by, Gaussian blur again.

    From the bottom right to the top left each pixel takes the value of one at most ``reach`` pixels away, as it is by
    then. The authors' script means to swap the two, but its swap of NumPy views only copies; the published images are
    made so, and so are these.
    """
    d = int(reach)
    pixels = (np.clip(gaussian(as_floats(image), sigma), 0, 1) * 255).astype(np.uint8)
    height, width = image.shape[:2]
    for _ in range(int(passes)):
        shifts = rng.integers(-d, d, size=(max(height - 2 * d, 0), max(width - 2 * d, 0), 2))
        pixels = taken_from_near(pixels, shifts, d)
    return as_pixels(gaussian(as_floats(pixels), sigma))


def taken_from_near(pixels: Pixels, shifts: NDArray[np.int64], d: int) -> Pixels:
    """One pass of ``glass_blur``. ``shifts``: (H − 2d, W − 2d, 2), x and y, from the bottom right to the top left.

    A pixel that takes from one that has taken before gets what that one got: such chains are followed to their end by
    doubling, instead of pixel by pixel.
    """
    if shifts.size == 0:
        return pixels
    height, width = pixels.shape[:2]
    rows = np.arange(height - d, d, -1)[:, None]
    columns = np.arange(width - d, d, -1)
    target = (rows * width + columns).ravel()
    source = ((rows + shifts[..., 1]) * width + columns + shifts[..., 0]).ravel()
    turn = np.full(height * width, len(target))
    turn[target] = np.arange(len(target))
    end = np.where(turn[source] < np.arange(len(target)), turn[source], np.arange(len(target)))
    while not np.array_equal(end, further := end[end]):
        end = further
    flat = pixels.reshape(height * width, -1)
    taken = flat.copy()
    taken[target] = flat[source[end]]
    return taken.reshape(pixels.shape)


def motion_blur(image: Pixels, rng: np.random.Generator, radius: float, sigma: float) -> Pixels:
    """ImageMagick's motion blur at an angle between −45° and 45°."""
    return as_pixels(motion(as_floats(image), radius, sigma, rng.uniform(-45, 45)))


def zoom_blur(image: Pixels, rng: np.random.Generator, stop: float, step: float) -> Pixels:
    """The mean of the image and of its middle enlarged by 1, 1 + ``step``, … below ``stop``."""
    values = as_floats(image)
    factors = np.arange(1, stop, step)
    return as_pixels((values + sum(zoomed(values, factor) for factor in factors)) / (len(factors) + 1))
