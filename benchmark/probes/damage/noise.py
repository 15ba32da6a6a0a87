"""Noise: Gaussian, shot (Poisson), impulse (salt and pepper); each value of each channel by itself."""

from __future__ import annotations

import numpy as np

from .pixels import Pixels, as_floats, as_pixels


def gaussian_noise(image: Pixels, rng: np.random.Generator, sigma: float) -> Pixels:
    """Normal noise of standard deviation ``sigma`` added to values from 0 to 1."""
    return as_pixels(as_floats(image) + rng.normal(scale=sigma, size=image.shape))


def shot_noise(image: Pixels, rng: np.random.Generator, photons: float) -> Pixels:
    """Each value is a Poisson count of mean value × ``photons``, over ``photons``."""
    return as_pixels(rng.poisson(as_floats(image) * photons) / photons)


def impulse_noise(image: Pixels, rng: np.random.Generator, share: float) -> Pixels:
    """A ``share`` of all values is replaced, half of them by the highest, half by the lowest."""
    struck = rng.random(image.shape) <= share
    salt = rng.random(image.shape) <= 0.5
    return np.where(struck, np.where(salt, np.uint8(255), np.uint8(0)), image)
