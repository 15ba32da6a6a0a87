"""Pixels as uint8 and as numbers from 0 to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


def as_floats(image: Pixels) -> Floats:
    """0 to 255 as 0 to 1."""
    return image / np.float64(255)


def as_pixels(values: Floats) -> Pixels:
    """0 to 1, clipped, as 0 to 255: rounded. (The authors' script cuts the fraction off: up to one level darker.)"""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
