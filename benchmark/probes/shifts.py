"""The probe ``shifts``: small changes that a person would hardly notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from topfive.common.parameters import whole_number

from .choices import chosen
from .contract import Images, Pixels
from .damage.digital import jpeg_compression

AMOUNTS: Mapping[str, tuple[float, ...]] = {
    "translation": (1, 2, 3, 4, 5, 6, 7, 8),  # pixels
    "rotation": (2, 5, 10, 15, 30),  # degrees
    "scale": (0.8, 0.9, 1.1, 1.25),  # times each side
    "grey": (0.5, 1),  # share of the colour that goes
    "jpeg": (90, 75, 50, 25, 10),  # quality
}


class Shifts:
    """Small shifts: moved by 1 to 8 pixels, turned, scaled, greyed, saved as JPEG.

    After Azulay and Weiss, "Why do deep convolutional networks generalize so poorly to small image transformations?",
    JMLR 2019, and Engstrom et al., "Exploring the landscape of spatial robustness", ICML 2019; amounts are our own
    (``AMOUNTS``). The size of an image stays; what comes in at a border is mirrored there. Image i is moved in one of
    four directions, and turned to one side, both drawn from its place and the seed, alike at all amounts. Translation
    is by whole pixels of the image as it is stored and does not blur; rotation and scale interpolate bilinearly,
    which does, a little.

    Parameters
    ----------
    kinds: "all", or names of ``AMOUNTS`` joined by "+", as in "translation+rotation".
    images: how many validation images are asked about.
    random_state: seed of the directions.
    """

    def __init__(self, kinds: str | Sequence[str] = "all", images: int = 500, random_state: int = 0) -> None:
        self.kinds = kinds
        self.images = images
        self.random_state = random_state
        self._kinds = chosen("kind of shift", kinds, list(AMOUNTS))
        whole_number("images", images, 1)
        whole_number("random_state", random_state, 0)

    def views(self, images: Images) -> Iterator[tuple[Mapping[str, str | int | float], Images]]:
        """``images`` under ``{"shift": kind, "amount": amount}``, kind by kind, changed lazily."""
        for kind in self._kinds:
            for amount in AMOUNTS[kind]:
                yield {"shift": kind, "amount": amount}, images.map(Shift(kind, amount, self.random_state))


@dataclass(frozen=True)
class Shift:
    """One kind of shift by one amount, as a change of image ``i``."""

    kind: str
    amount: float
    random_state: int

    takes_index: ClassVar[bool] = True

    def __call__(self, image: Pixels, i: int) -> Pixels:
        rng = np.random.default_rng([self.random_state, list(AMOUNTS).index(self.kind), i])
        if self.kind == "translation":
            down, right = ((0, 1), (0, -1), (1, 0), (-1, 0))[rng.integers(4)]
            return translated(image, int(self.amount) * down, int(self.amount) * right)
        if self.kind == "rotation":
            return turned(image, self.amount * (1 if rng.integers(2) else -1), 1.0)
        if self.kind == "scale":
            return turned(image, 0.0, self.amount)
        if self.kind == "grey":
            return greyed(image, self.amount)
        return jpeg_compression(image, rng, self.amount)


def translated(image: Pixels, down: int, right: int) -> Pixels:
    """Moved by whole pixels; the border is a mirror (its own pixels not doubled)."""
    height, width = image.shape[:2]
    return image[_mirrored(np.arange(height) - down, height)[:, None], _mirrored(np.arange(width) - right, width)]


def turned(image: Pixels, degrees: float, scale: float) -> Pixels:
    """Turned counter-clockwise and scaled about the middle, bilinearly; the border is a mirror."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, scale)
    out = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(out, np.uint8)


def greyed(image: Pixels, share: float) -> Pixels:
    """``share`` of the way to the luma 0.299 R + 0.587 G + 0.114 B."""
    luma = (image @ np.array([0.299, 0.587, 0.114]))[..., None]
    return np.asarray(np.rint(image * (1 - share) + luma * share), np.uint8)


def _mirrored(places: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Places beyond 0 … length − 1 walked back from the border."""
    if length == 1:
        return np.zeros_like(places)
    places = np.abs(places) % (2 * (length - 1))
    return np.minimum(places, 2 * (length - 1) - places)
