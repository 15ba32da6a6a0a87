"""Each corruption against its published formula, computed again with NumPy, SciPy, scikit-image and Pillow.

The formulas and constants below are written after the authors' scripts (github.com/hendrycks/robustness), by
themselves: slowly, and for square images only.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage import color, filters, util
from topfive.benchmark.probes.damage import KINDS, SEVERITIES, damaged
from topfive.benchmark.probes.damage.constants import AT_64, AT_224
from topfive.benchmark.probes.damage.weather import made_frost

Array = np.ndarray[Any, Any]
Rng = np.random.Generator


def gaussian_noise(x: Array, rng: Rng, c: float) -> Array:
    return np.clip(x + rng.normal(size=x.shape, scale=c), 0, 1)


def shot_noise(x: Array, rng: Rng, c: float) -> Array:
    return np.clip(rng.poisson(x * c) / c, 0, 1)


def impulse_noise(x: Array, rng: Rng, c: float) -> Array:
    return np.asarray(util.random_noise(x, mode="s&p", amount=c, rng=rng))


def defocus_blur(x: Array, rng: Rng, radius: float, alias: float) -> Array:
    reach, size = (8, 3) if radius <= 8 else (radius, 5)
    xs, ys = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1))
    kernel = np.array((xs**2 + ys**2) <= radius**2, dtype=np.float64)
    kernel = cv2.GaussianBlur(kernel / kernel.sum(), (size, size), alias)
    return np.stack([ndimage.correlate(x[..., d], kernel, mode="mirror") for d in range(3)], axis=2)


def glass_blur(x: Array, rng: Rng, sigma: float, d: int, passes: int) -> Array:
    pixels = np.uint8(filters.gaussian(x, sigma=sigma, channel_axis=-1) * 255)
    side = len(x)
    for _ in range(passes):
        shifts = rng.integers(-d, d, size=(side - 2 * d, side - 2 * d, 2))
        for row, h in enumerate(range(side - d, d, -1)):
            for column, w in enumerate(range(side - d, d, -1)):
                dx, dy = shifts[row, column]
                # The script's own line: its right side holds views, so that nothing is swapped.
                pixels[h, w], pixels[h + dy, w + dx] = pixels[h + dy, w + dx], pixels[h, w]
    return np.asarray(filters.gaussian(pixels / 255, sigma=sigma, channel_axis=-1))


def motion(x: Array, radius: float, sigma: float, angle: float) -> Array:
    """MotionBlurImage of ImageMagick, pixel by pixel."""
    width = int(2 * math.ceil(radius) + 1)
    kernel = [math.exp(-(k * k) / (2 * sigma * sigma)) for k in range(width)]
    point = width * math.sin(math.radians(angle)), width * math.cos(math.radians(angle))
    out = np.zeros_like(x)
    for row in range(len(x)):
        for column in range(len(x)):
            for k in range(width):
                dx = math.ceil(k * point[1] / math.hypot(*point) - 0.5)
                dy = math.ceil(k * point[0] / math.hypot(*point) - 0.5)
                r, c = min(max(row + dy, 0), len(x) - 1), min(max(column + dx, 0), len(x) - 1)
                out[row, column] += kernel[k] / sum(kernel) * x[r, c]
    return out


def motion_blur(x: Array, rng: Rng, radius: float, sigma: float) -> Array:
    return motion(x, radius, sigma, rng.uniform(-45, 45))


def clipped_zoom(x: Array, factor: float) -> Array:
    side = len(x)
    kept = int(np.ceil(side / factor))
    top = (side - kept) // 2
    factors = (factor, factor, 1)[: x.ndim]
    out = ndimage.zoom(x[top : top + kept, top : top + kept], factors, order=1, mode="nearest")
    trim = (len(out) - side) // 2
    return np.asarray(out[trim : trim + side, trim : trim + side])


def zoom_blur(x: Array, rng: Rng, stop: float, step: float) -> Array:
    factors = np.arange(1, stop, step)
    return (x + np.sum([clipped_zoom(x, factor) for factor in factors], axis=0)) / (len(factors) + 1)


def snow(x: Array, rng: Rng, *c: float) -> Array:
    layer = clipped_zoom(rng.normal(size=x.shape[:2], loc=c[0], scale=c[1]), c[2])
    layer[layer < c[3]] = 0
    layer = np.uint8(np.clip(layer, 0, 1) * 255) / 255
    layer = motion(layer, c[4], c[5], rng.uniform(-135, -45))[..., np.newaxis]
    grey = (0.299 * x[..., 0] + 0.587 * x[..., 1] + 0.114 * x[..., 2])[..., np.newaxis]
    x = c[6] * x + (1 - c[6]) * np.maximum(x, grey * 1.5 + 0.5)
    return x + layer + np.rot90(layer, k=2)


def frost(x: Array, rng: Rng, a: float, b: float) -> Array:
    return a * x + b * made_frost(x.shape[:2], rng)


def plasma(side: int, decay: float, rng: Rng) -> Array:
    """Diamond-square, point by point."""
    grid, step, wibble = np.zeros((side, side)), side, 100.0
    while step >= 2:
        half = step // 2
        noise = iter(wibble * rng.uniform(-wibble, wibble, (side // step) ** 2))
        for r in range(0, side, step):
            for c in range(0, side, step):
                below, right = (r + step) % side, (c + step) % side
                total = grid[r, c] + grid[below, c] + grid[r, right] + grid[below, right]
                grid[r + half, c + half] = total / 4 + next(noise)
        for rows, columns in ((0, half), (half, 0)):
            noise = iter(wibble * rng.uniform(-wibble, wibble, (side // step) ** 2))
            for r in range(rows, side, step):
                for c in range(columns, side, step):
                    total = grid[(r - half) % side, c] + grid[(r + half) % side, c]
                    total += grid[r, (c - half) % side] + grid[r, (c + half) % side]
                    grid[r, c] = total / 4 + next(noise)
        step, wibble = half, wibble / decay
    grid -= grid.min()
    return grid / grid.max()


def fog(x: Array, rng: Rng, strength: float, decay: float) -> Array:
    side = len(x)
    cloud = plasma(64 if side == 64 else 256, decay, rng)[:side, :side, np.newaxis]
    return (x + strength * cloud) * x.max() / (x.max() + strength)


def brightness(x: Array, rng: Rng, c: float) -> Array:
    hsv = color.rgb2hsv(x)
    hsv[..., 2] = np.clip(hsv[..., 2] + c, 0, 1)
    return np.asarray(color.hsv2rgb(hsv))


def contrast(x: Array, rng: Rng, c: float) -> Array:
    means = np.mean(x, axis=(0, 1), keepdims=True)
    return (x - means) * c + means


def elastic_transform(x: Array, rng: Rng, alpha: float, sigma: float, affine: float) -> Array:
    x = x.astype(np.float32)
    middle, square = np.float32(x.shape[:2]) // 2, min(x.shape[:2]) // 3
    before = np.array([middle + square, [middle[0] + square, middle[1] - square], middle - square], np.float32)
    after = before + rng.uniform(-affine, affine, size=before.shape).astype(np.float32)
    matrix = cv2.getAffineTransform(before, after)
    x = np.asarray(cv2.warpAffine(x, matrix, x.shape[1::-1], borderMode=cv2.BORDER_REFLECT_101))
    noise = [rng.uniform(-1, 1, size=x.shape[:2]) for _ in range(2)]
    dx, dy = (filters.gaussian(n, sigma, mode="reflect", truncate=3)[..., np.newaxis] * alpha for n in noise)
    across, down, channel = np.meshgrid(np.arange(x.shape[1]), np.arange(x.shape[0]), np.arange(3))
    where = [np.reshape(each, (-1, 1)) for each in (down + dy, across + dx, channel)]
    return np.asarray(ndimage.map_coordinates(x, where, order=1, mode="reflect").reshape(x.shape))


def pixelate(x: Array, rng: Rng, c: float) -> Array:
    side = len(x)
    image = Image.fromarray(np.uint8(np.rint(x * 255)))
    image = image.resize((int(side * c), int(side * c)), Image.Resampling.BOX)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX)) / 255


def jpeg_compression(x: Array, rng: Rng, quality: int) -> Array:
    file = io.BytesIO()
    Image.fromarray(np.uint8(np.rint(x * 255))).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)) / 255


# Arguments at severities 1, 3 and 5: for 64 px, for 224 px.
Case = tuple[Callable[..., Array], tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]]
PUBLISHED: dict[str, Case] = {
    "gaussian-noise": (gaussian_noise, ((0.04,), (0.12,), (0.18,)), ((0.08,), (0.18,), (0.38,))),
    "shot-noise": (shot_noise, ((250,), (50,), (15,)), ((60,), (12,), (3,))),
    "impulse-noise": (impulse_noise, ((0.01,), (0.05,), (0.14,)), ((0.03,), (0.09,), (0.27,))),
    "defocus-blur": (defocus_blur, ((0.5, 0.6), (1.5, 0.1), (3, 0.1)), ((3, 0.1), (6, 0.5), (10, 0.5))),
    "glass-blur": (glass_blur, ((0.1, 1, 1), (0.6, 1, 2), (0.9, 2, 2)), ((0.7, 1, 2), (1, 2, 3), (1.5, 4, 2))),
    "motion-blur": (motion_blur, ((10, 1), (10, 2), (12, 3)), ((10, 3), (15, 8), (20, 15))),
    "zoom-blur": (zoom_blur, ((1.06, 0.01), (1.16, 0.01), (1.26, 0.01)), ((1.11, 0.01), (1.21, 0.02), (1.31, 0.03))),
    "snow": (
        snow,
        ((0.1, 0.2, 1, 0.6, 8, 3, 0.8), (0.15, 0.3, 1.75, 0.55, 10, 4, 0.7), (0.3, 0.3, 1.25, 0.65, 14, 12, 0.6)),
        ((0.1, 0.3, 3, 0.5, 10, 4, 0.8), (0.55, 0.3, 4, 0.9, 12, 8, 0.7), (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55)),
    ),
    "frost": (frost, ((1, 0.3), (0.8, 0.45), (0.7, 0.55)), ((1, 0.4), (0.7, 0.7), (0.6, 0.75))),
    "fog": (fog, ((0.4, 3), (1, 2.5), (2, 1.75)), ((1.5, 2), (2.5, 1.7), (3, 1.4))),
    "brightness": (brightness, ((0.1,), (0.3,), (0.5,)), ((0.1,), (0.3,), (0.5,))),
    "contrast": (contrast, ((0.4,), (0.2,), (0.05,)), ((0.4,), (0.2,), (0.05,))),
    "elastic-transform": (
        elastic_transform,
        ((0, 0, 5.12), (6.4, 5.12, 3.84), (10.24, 1.92, 1.28)),
        ((488, 170.8, 24.4), (12.2, 2.44, 4.88), (29.28, 2.44, 4.88)),
    ),
    "pixelate": (pixelate, ((0.9,), (0.7,), (0.5,)), ((0.6,), (0.4,), (0.25,))),
    "jpeg-compression": (jpeg_compression, ((65,), (50,), (25,)), ((25,), (15,), (7,))),
}
SLOW = {"motion-blur", "snow", "fog"}  # as computed here: on a part of the picture


def test_every_kind_is_held_against_its_formula() -> None:
    assert list(PUBLISHED) == list(KINDS)


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_at_64_pixels_each_kind_is_the_published_formula(kind: str, severity: int, picture64: Array) -> None:
    formula, rows, _ = PUBLISHED[kind]
    want = np.clip(formula(picture64 / 255, np.random.default_rng(7), *rows[severity // 2]), 0, 1) * 255
    got = damaged(picture64, kind, severity, np.random.default_rng(7))
    assert np.abs(got - want).max() <= 0.5 + 1e-3  # rounding, and the script's float32 in places


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_at_224_pixels_each_kind_is_the_published_formula(kind: str, severity: int, picture224: Array) -> None:
    picture = np.ascontiguousarray(picture224[40:168, 40:168]) if kind in SLOW else picture224
    formula, _, rows = PUBLISHED[kind]
    want = np.clip(formula(picture / 255, np.random.default_rng(7), *rows[severity // 2]), 0, 1) * 255
    got = damaged(picture, kind, severity, np.random.default_rng(7))
    assert np.abs(got - want).max() <= 0.5 + 1e-3


def test_the_fifteen_kinds_at_hand_worked_values() -> None:
    two = np.array([[[0, 51, 102], [102, 51, 204]]], np.uint8)  # (1, 2, 3)
    rng = np.random.default_rng(0)
    # Contrast 0.4: 51 ± 51 · 0.4 in red, 51 stays, 153 ± 51 · 0.4 in blue.
    assert damaged(two, "contrast", 1, rng).tolist() == [[[31, 51, 133], [71, 51, 173]]]
    # Brightness 0.1: V = 102 becomes 127.5, so × 1.25; V = 204 becomes 229.5, so × 1.125.
    assert damaged(two, "brightness", 1, rng).tolist() == [[[0, 64, 128], [115, 57, 230]]]
    black = np.zeros((64, 64, 3), np.uint8)
    assert damaged(black, "brightness", 2, rng).tolist() == np.full((64, 64, 3), 51).tolist()
    assert not damaged(black, "fog", 5, rng).any()  # as bright as it was at its brightest
    assert not damaged(black, "shot-noise", 5, rng).any()  # no light, no photons
    grey = np.full((64, 64, 3), 128, np.uint8)
    for kind in ("defocus-blur", "motion-blur", "zoom-blur", "contrast", "elastic-transform", "pixelate"):
        assert (damaged(grey, kind, 5, rng) == grey).all(), kind
    assert damaged(grey, "gaussian-noise", 1, rng).std() == pytest.approx(0.04 * 255, rel=0.03)
    assert damaged(grey, "shot-noise", 2, rng).std() == pytest.approx(255 * np.sqrt(128 / 255 / 100), rel=0.03)
    struck = damaged(grey, "impulse-noise", 5, rng)
    assert np.mean(struck == 255) == pytest.approx(0.07, abs=0.01)
    assert np.mean(struck == 0) == pytest.approx(0.07, abs=0.01)
    assert np.mean(struck == 128) == pytest.approx(0.86, abs=0.01)


# Where the published constants do not make each severity worse than the one before, by mean difference.
NOT_STEADY = {
    ("elastic-transform", 64),
    ("elastic-transform", 224),
    ("glass-blur", 64),
    ("glass-blur", 224),
    ("snow", 224),
}


@pytest.mark.parametrize("side", [64, 224])
@pytest.mark.parametrize("kind", KINDS)
def test_damage_grows_with_severity(kind: str, side: int, picture64: Array, picture224: Array) -> None:
    picture = picture64 if side == 64 else picture224
    change = []
    for severity in SEVERITIES:
        out = damaged(picture, kind, severity, np.random.default_rng(0)).astype(float)
        # Frost darkens the picture as it covers it: what counts is how much of the picture is left.
        lost = 1 - np.corrcoef(out.ravel(), picture.ravel())[0, 1]
        change.append(lost if kind == "frost" else np.abs(out - picture).mean())
    if (kind, side) in NOT_STEADY:
        assert len(set(change)) == 5
        assert min(change) > 5
    else:
        assert change == sorted(change)
        assert change[4] > 1.2 * change[0]


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (3, 64), (5, 3), (300, 200), (128, 131), (33, 500)])
@pytest.mark.parametrize("kind", KINDS)
def test_any_size_keeps_its_shape_and_the_image_is_left_alone(kind: str, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(3).integers(0, 256, (*shape, 3), dtype=np.uint8)
    before = image.copy()
    for severity in (1, 5):
        out = damaged(image, kind, severity, np.random.default_rng(1))
        assert out.shape == image.shape
        assert out.dtype == np.uint8
        assert out.flags.c_contiguous
    assert (image == before).all()


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"gaussian-noise", "shot-noise", "impulse-noise", "frost"}))
def test_a_grey_image_stays_grey(kind: str, picture64: Array) -> None:
    grey = np.repeat(picture64.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    out = damaged(grey, kind, 3, np.random.default_rng(2)).astype(int)
    assert np.ptp(out, axis=2).max() <= 1


def test_the_short_side_chooses_the_constants() -> None:
    grey = np.full((300, 128, 3), 128, np.uint8)
    rng = np.random.default_rng(0)
    assert damaged(grey, "gaussian-noise", 1, rng).std() == pytest.approx(0.08 * 255, rel=0.03)
    assert damaged(grey[:, :127], "gaussian-noise", 1, rng).std() == pytest.approx(0.04 * 255, rel=0.03)


def test_made_frost_has_the_brightness_of_the_photographs() -> None:
    drawn = [made_frost((224, 224), np.random.default_rng(i)) * 255 for i in range(12)]
    colours = np.array([each.mean(axis=(0, 1)) for each in drawn])
    assert (colours > np.array([70, 140, 158])).all()
    assert (colours < np.array([209, 213, 222])).all()
    assert np.ptp(colours[:, 0]) > 60  # from blue-green to white
    assert 20 < np.mean([each.std(axis=(0, 1)) for each in drawn]) < 30


def test_the_constants_between_are_the_published_ones() -> None:
    """Severities 2 and 4, which the formulas above are not run at."""
    at_64 = {
        "gaussian-noise": ((0.08,), (0.15,)),
        "shot-noise": ((100,), (30,)),
        "impulse-noise": ((0.02,), (0.08,)),
        "defocus-blur": ((1, 0.1), (2.5, 0.01)),
        "glass-blur": ((0.5, 1, 1), (0.7, 2, 1)),
        "motion-blur": ((10, 1.5), (10, 2.5)),
        "zoom-blur": ((1.11, 0.01), (1.21, 0.01)),
        "snow": ((0.1, 0.2, 1, 0.5, 10, 4, 0.8), (0.25, 0.3, 2.25, 0.6, 12, 6, 0.65)),
        "frost": ((0.9, 0.4), (0.75, 0.5)),
        "fog": ((0.7, 3, 64), (1.5, 2, 64)),
        "brightness": ((0.2,), (0.4,)),
        "contrast": ((0.3,), (0.1,)),
        "elastic-transform": ((3.2, 19.2, 3.84), (6.4, 1.92, 1.92)),
        "pixelate": ((0.8,), (0.6,)),
        "jpeg-compression": ((58,), (40,)),
    }
    at_224 = {
        "gaussian-noise": ((0.12,), (0.26,)),
        "shot-noise": ((25,), (5,)),
        "impulse-noise": ((0.06,), (0.17,)),
        "defocus-blur": ((4, 0.5), (8, 0.5)),
        "glass-blur": ((0.9, 2, 1), (1.1, 3, 2)),
        "motion-blur": ((15, 5), (15, 12)),
        "zoom-blur": ((1.16, 0.01), (1.26, 0.02)),
        "snow": ((0.2, 0.3, 2, 0.5, 12, 4, 0.7), (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65)),
        "frost": ((0.8, 0.6), (0.65, 0.7)),
        "fog": ((2, 2, 256), (2.5, 1.5, 256)),
        "brightness": ((0.2,), (0.4,)),
        "contrast": ((0.3,), (0.1,)),
        "elastic-transform": ((488, 19.52, 48.8), (17.08, 2.44, 4.88)),
        "pixelate": ((0.5,), (0.3,)),
        "jpeg-compression": ((18,), (10,)),
    }
    for table, published in ((AT_64, at_64), (AT_224, at_224)):
        assert set(table) == set(published) == set(KINDS)
        for kind, (second, fourth) in published.items():
            assert table[kind][1] == pytest.approx(second), kind
            assert table[kind][3] == pytest.approx(fourth), kind
