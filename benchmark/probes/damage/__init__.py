"""Damage to an image: the 15 corruptions of Hendrycks and Dietterich 2019, each a pure function of pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from . import blur, digital, noise, weather
from .constants import AT_64, AT_224, SMALL_BELOW, Constants
from .pixels import Pixels

Function = Callable[..., Pixels]

# In the order of the paper. A kind's place seeds its random numbers: do not reorder.
KINDS: Mapping[str, Function] = {
    "gaussian-noise": noise.gaussian_noise,
    "shot-noise": noise.shot_noise,
    "impulse-noise": noise.impulse_noise,
    "defocus-blur": blur.defocus_blur,
    "glass-blur": blur.glass_blur,
    "motion-blur": blur.motion_blur,
    "zoom-blur": blur.zoom_blur,
    "snow": weather.snow,
    "frost": weather.frost,
    "fog": weather.fog,
    "brightness": digital.brightness,
    "contrast": digital.contrast,
    "elastic-transform": digital.elastic_transform,
    "pixelate": digital.pixelate,
    "jpeg-compression": digital.jpeg_compression,
}
SEVERITIES = (1, 2, 3, 4, 5)


def constants(image: Pixels) -> Constants:
    """The table for an image of this size: the 64-px one where the short side is below 128 px."""
    return AT_64 if min(image.shape[:2]) < SMALL_BELOW else AT_224


def damaged(image: Pixels, kind: str, severity: int, rng: np.random.Generator) -> Pixels:
    """``image``, (H, W, 3) uint8 RGB, damaged: the same shape and dtype. ``kind`` of ``KINDS``, ``severity`` 1 to 5."""
    return KINDS[kind](image, rng, *constants(image)[kind][severity - 1])
