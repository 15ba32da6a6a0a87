"""Weather: snow, frost, fog."""

from __future__ import annotations

import numpy as np

from .filters import cloud_over, gaussian, motion, zoomed
from .pixels import Floats, Pixels, as_floats, as_pixels


def snow(
    image: Pixels,
    rng: np.random.Generator,
    mean: float,
    deviation: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    mix: float,
) -> Pixels:
    """Flakes: normal noise, enlarged, cut below ``threshold``, blurred downwards; added twice, over a bleached image.

    ``mix``: the share of the image that is not bleached.
    """
    values = as_floats(image)
    flakes = zoomed(rng.normal(mean, deviation, image.shape[:2]), zoom)
    flakes[flakes < threshold] = 0
    flakes = (np.clip(flakes, 0, 1) * 255).astype(np.uint8) / np.float64(255)
    flakes = motion(flakes, radius, sigma, rng.uniform(-135, -45))
    grey = values @ np.array([0.299, 0.587, 0.114])
    bleached = np.maximum(values, (grey * 1.5 + 0.5)[..., None])
    values = mix * values + (1 - mix) * bleached
    return as_pixels(values + (flakes + np.rot90(flakes, 2))[..., None])


def fog(image: Pixels, rng: np.random.Generator, strength: float, decay: float, cloud_side: float) -> Pixels:
    """A cloud of ``strength`` added, then the whole scaled so that the brightest it can be is as bright as before."""
    values = as_floats(image)
    brightest = values.max()
    values = values + strength * cloud_over(image.shape, int(cloud_side), decay, rng)[..., None]
    return as_pixels(values * brightest / (brightest + strength))


def frost(image: Pixels, rng: np.random.Generator, of_image: float, of_frost: float) -> Pixels:
    """The image × ``of_image`` + frost × ``of_frost``. The paper's frost is photographed, this one is made."""
    return as_pixels(of_image * as_floats(image) + of_frost * made_frost(image.shape[:2], rng))


def made_frost(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Ice on a window, (H, W, 3) from 0 to 1: needles over a cloud, between blue-green and white.

    Of the five photographs that the authors' script chooses from, the mean colours (R, G, B) are (78, 149, 166), twice
    (201, 205, 214), (138, 153, 165) and (112, 123, 135); their standard deviations go from 15 to 44 levels, 27 on
    average. Here the mean is drawn between the first two of these colours; the deviation is 28 before clipping.
    """
    height, width = shape[:2]
    ice = cloud_over(shape, 2, 1.6, rng)
    ice = (ice - ice.mean()) / max(ice.std(), 1e-9)
    length = max(2.0, min(height, width) / 16)
    for angle in rng.uniform(-180, 180, 4):
        seeds = (rng.random((height, width)) < 0.03) * rng.uniform(0.3, 1, (height, width))
        needles = gaussian(motion(seeds, 2 * length, length, angle), 0.4)
        ice += 0.8 * needles / max(needles.std(), 1e-9)
    ice = (ice - ice.mean()) / max(ice.std(), 1e-9)
    dark, white = np.array([78, 149, 166]) / 255, np.array([201, 205, 214]) / 255
    colour = dark + rng.random() * (white - dark)
    return np.asarray(np.clip(colour + 28 / 255 * ice[..., None], 0, 1), np.float64)
