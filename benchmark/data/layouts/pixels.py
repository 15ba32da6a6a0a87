"""Data sets that are arrays of pixels: written once, as BMP files, into the cache folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..storage.blob import blob
from ..storage.found import Found
from ..storage.left_out import LeftOut
from .by_label import by_label, class_id


@dataclass(frozen=True)
class Pixels:
    """One split: (n, H, W), (n, H, W, 1) or (n, H, W, 3) uint8 RGB and (n,) or (n, 1) labels. where: for messages."""

    split: str | None
    images: NDArray[Any]
    labels: NDArray[Any]
    where: str


def from_pixels(
    layout: str,
    parts: Sequence[Pixels],
    stamps: Sequence[str],
    order: Sequence[str] | None = None,
    *,
    left_out: Iterable[LeftOut] = (),
) -> Found:
    """The data set. order: the names that labels 0, 1, … stand for, where they are known. stamps: what it is made of.

    Raises InputError for other arrays than those of ``Pixels``.
    """
    names: list[str] = []
    labels: list[str | None] = []
    splits: list[str | None] = []
    with blob(layout, *stamps) as files:
        for part in parts:
            for i, (image, label) in enumerate(zip(checked(part), _labels(part), strict=True)):
                files.add("", cv2.imencode(".bmp", image if image.ndim == 2 else image[..., ::-1])[1].tobytes())
                names.append(f"{part.split or 'image'}-{i:06d}")
                labels.append(_name(part, label, order))
                splits.append(part.split)
        stored = files.stored()
    return by_label(layout, stored, names, labels, splits, order, left_out=left_out)


def checked(part: Pixels) -> NDArray[np.uint8]:
    """The images as (n, H, W) or (n, H, W, 3) uint8. Raises InputError."""
    images = part.images
    if images.ndim == 4 and images.shape[3] not in (1, 3) and images.shape[1] in (1, 3):
        images = images.transpose(0, 2, 3, 1)  # channels first
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.dtype != np.uint8:
        cure = "multiply them by 255 if they go from 0 to 1, and " if images.dtype.kind == "f" else ""
        raise InputError(f"{part.where}: the pixels are {images.dtype}; {cure}convert them with astype(uint8)")
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3) or 0 in images.shape[1:]:
        raise InputError(f"{part.where}: the images have the shape {part.images.shape}, not (n, H, W) or (n, H, W, 3)")
    return np.ascontiguousarray(images)


def _labels(part: Pixels) -> list[Any]:
    labels = part.labels
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise InputError(f"{part.where}: the labels have the shape {labels.shape}; give one class an image")
    if len(labels) != len(part.images):
        raise InputError(f"{part.where}: {len(part.images):,} images and {len(labels):,} labels")
    found: list[Any] = labels.tolist()
    return found


def _name(part: Pixels, label: Any, order: Sequence[str] | None) -> str | None:
    if isinstance(label, bytes):
        label = label.decode("utf-8", "surrogateescape")
    if order is None or isinstance(label, str):
        return class_id(label)
    if label == -1:
        return None
    if not (isinstance(label, int) and 0 <= label < len(order)):
        raise InputError(f"{part.where}: the label {label!r} is not one of {len(order)} classes")
    return order[label]
