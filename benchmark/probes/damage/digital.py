"""Digital: brightness, contrast, elastic transform, pixelation, JPEG compression."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import map_coordinates

from .filters import box_weights, gaussian
from .pixels import Floats, Pixels, as_floats, as_pixels


def brightness(image: Pixels, rng: np.random.Generator, added: float) -> Pixels:
    """``added`` to the value V = max(R, G, B) of HSV, hue and saturation kept: a scaling of all three channels."""
    values = as_floats(image)
    before = values.max(axis=2, keepdims=True)
    after = np.minimum(before + added, 1)
    return as_pixels(np.where(before > 0, values * after / np.maximum(before, 1e-9), after))


def contrast(image: Pixels, rng: np.random.Generator, factor: float) -> Pixels:
    """Each channel's distance from its mean times ``factor``."""
    values = as_floats(image)
    mean = values.mean(axis=(0, 1))
    return as_pixels((values - mean) * factor + mean)


def elastic_transform(image: Pixels, rng: np.random.Generator, alpha: float, sigma: float, affine: float) -> Pixels:
    """A random affine map, then each pixel taken from ``alpha`` × smoothed uniform noise away. Pixels throughout.

    The affine map moves three points around the middle by up to ``affine`` in x and y; the noise is smoothed with
    standard deviation ``sigma``. Images of under 3 pixels a side have no such points and skip the affine map.
    """
    values: Floats = as_floats(image)
    height, width = image.shape[:2]
    third = min(height, width) // 3
    if third:
        x, y = width // 2, height // 2
        before = np.array([[x + third, y + third], [x + third, y - third], [x - third, y - third]], np.float32)
        after = before + rng.uniform(-affine, affine, before.shape).astype(np.float32)
        matrix = cv2.getAffineTransform(before, after)
        warped = cv2.warpAffine(values.astype(np.float32), matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        values = np.asarray(warped, np.float64)
    dx, dy = (
        alpha * gaussian(rng.uniform(-1, 1, (height, width)), sigma, truncate=3, border=cv2.BORDER_REFLECT)
        for _ in range(2)
    )
    where = np.arange(height)[:, None] + dy, np.arange(width) + dx
    moved = [map_coordinates(values[..., c], where, order=1, mode="reflect") for c in range(values.shape[2])]
    return as_pixels(np.stack(moved, axis=2))


def pixelate(image: Pixels, rng: np.random.Generator, scale: float) -> Pixels:
    """Shrunk to ``scale`` of each side and enlarged again, both by Pillow's box filter; at least one pixel a side."""
    height, width = image.shape[:2]
    rows, columns = max(int(height * scale), 1), max(int(width * scale), 1)
    small = np.floor(np.swapaxes(image, 1, 2) @ box_weights(width, columns).T + 0.5)
    small = np.floor(np.tensordot(box_weights(height, rows), np.swapaxes(small, 1, 2), 1) + 0.5).astype(np.uint8)
    down = ((np.arange(height) + 0.5) * (rows / height)).astype(int)
    across = ((np.arange(width) + 0.5) * (columns / width)).astype(int)
    return np.asarray(small[down[:, None], across], np.uint8)


def jpeg_compression(image: Pixels, rng: np.random.Generator, quality: float) -> Pixels:
    """Encoded as JPEG of that ``quality``, chroma halved in both directions (4:2:0), and decoded."""
    done, encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    if not done:
        raise ValueError(f"OpenCV could not encode an image of shape {image.shape} as JPEG")
    return np.ascontiguousarray(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])
