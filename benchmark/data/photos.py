"""The built-in data set ``photos``: crops of the photographs that scikit-image and scikit-learn install.

A demonstration that needs no download, not ImageNet. One photograph is one class. Each photograph is cut into a grid of
blocks; one block in five, spread evenly, belongs to validation, the others to training. A crop lies wholly within one
block and keeps ``MARGIN`` pixels from its edge, and it is resized from its own pixels alone, so no source pixel, not
even one under a resampling filter, is seen by both splits. Scale, colour cast, saturation, gamma and contrast are drawn
for each crop, so that colour alone does not decide.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError
from .dataset import Dataset, Split, dataset_fingerprint, pixel_digests, split_fingerprint
from .images import LazyImages, Pixels
from .sampling import spread
from .storage.ids import Ids

SIDE = 64
MARGIN = 2  # kept free inside every block, so 4 pixels lie between the splits
MAX_PER_CLASS = 2000
_BLOCKS = 6  # along the short side, fewer where that would make blocks smaller than _BLOCK pixels
_BLOCK = 82
_ATTEMPTS = 6  # at a crop with something in it: bare sky and black margins say nothing
_CONTRAST = 10.0  # standard deviation of its grey levels

# class: (installed with, file)
FILES = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "brick": ("skimage", "data/brick.png"),
    "camera": ("skimage", "data/camera.png"),
    "cell": ("skimage", "data/cell.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "coffee": ("skimage", "data/coffee.png"),
    "coins": ("skimage", "data/coins.png"),
    "colorwheel": ("skimage", "data/color.png"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "grass": ("skimage", "data/grass.png"),
    "gravel": ("skimage", "data/gravel.png"),
    "hubble_deep_field": ("skimage", "data/hubble_deep_field.jpg"),
    "immunohistochemistry": ("skimage", "data/ihc.png"),
    "moon": ("skimage", "data/moon.png"),
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
    "page": ("skimage", "data/page.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "text": ("skimage", "data/text.png"),
}


@dataclass(frozen=True)
class Block:
    """A rectangle of a photograph, in pixels, that belongs to one split; the margin is already taken off."""

    top: int
    left: int
    bottom: int
    right: int
    validation: bool


def photograph(name: str) -> Pixels:
    """One photograph as (H, W, 3) uint8 RGB, straight from the installed package; nothing is downloaded."""
    package, file = FILES[name]
    spec = importlib.util.find_spec(package)
    path = Path(spec.submodule_search_locations[0]) / file if spec and spec.submodule_search_locations else None
    if path is None or not path.is_file():
        raise InputError(f"photos needs {file}, which {package} installs; it is not there: reinstall {package}")
    # Pillow, not OpenCV: one of the files makes OpenCV's PNG reader print a warning that cannot be silenced.
    from PIL import Image

    with Image.open(path) as image:
        return np.array(image.convert("RGB"), dtype=np.uint8)


def blocks(height: int, width: int) -> list[Block]:
    """The grid over a photograph of that many pixels: about one block in five is for validation."""
    rows = max(2, min(_BLOCKS, min(height, width) // _BLOCK))
    columns = rows
    if height > width:
        rows = max(rows, round(columns * height / width))
    else:
        columns = max(columns, round(rows * width / height))
    ys = np.linspace(0, height, rows + 1).astype(int)
    xs = np.linspace(0, width, columns + 1).astype(int)
    return [
        Block(
            int(ys[r]) + MARGIN,
            int(xs[c]) + MARGIN,
            int(ys[r + 1]) - MARGIN,
            int(xs[c + 1]) - MARGIN,
            # A knight's-move pattern: every row and every column of five blocks holds exactly one.
            validation=(c + 2 * r) % 5 == 0,
        )
        for r in range(rows)
        for c in range(columns)
    ]


def crop_boxes(
    photo: Pixels, grid: list[Block], validation: bool, n: int, random: np.random.Generator
) -> list[tuple[int, int, int, int]]:
    """``n`` squares (top, left, bottom, right), each within one block of the split; blocks are visited in turn."""
    own = [block for block in grid if block.validation == validation]
    smallest = min(min(block.bottom - block.top, block.right - block.left) for block in grid)
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    boxes = []
    for turn in range(n):
        for attempt in range(_ATTEMPTS):
            block = own[(turn + attempt * 7) % len(own)]
            # Uniform in the logarithm: half to all of the smallest block's side, alike in both splits.
            side = round(smallest * 0.5 ** (1 - random.random()))
            top = block.top + int(random.random() * (block.bottom - block.top - side + 1))
            left = block.left + int(random.random() * (block.right - block.left - side + 1))
            if grey[top : top + side, left : left + side].std() >= _CONTRAST:
                break
        boxes.append((top, left, top + side, left + side))
    return boxes


def change_light(crop: Pixels, random: np.random.Generator) -> Pixels:
    """A random colour cast, saturation, gamma and contrast: (H, W, 3) uint8 in, the same out."""
    draws = random.random(7)
    gains = 1.35 ** (2 * draws[:3] - 1)
    gains /= gains.mean()
    gamma = 1.5 ** (2 * draws[3] - 1)
    contrast = 0.6 + 0.7 * draws[4]
    level = 80 + 96 * draws[5]
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    saturation = 0.3 + 0.7 * draws[6]
    mixed = saturation * crop.astype(np.float64) + (1 - saturation) * grey[..., None]
    toned = 255 * (mixed / 255) ** gamma
    # The crop's own brightness is moved towards a random level: how light it is says little about its class.
    toned = (toned - toned.mean()) * contrast + 0.5 * toned.mean() + 0.5 * level
    lit: Pixels = np.clip(np.rint(toned * gains), 0, 255).astype(np.uint8)
    return lit


def crops(name: str, photo: Pixels, validation: bool, n: int, seed: int) -> Pixels:
    """``n`` crops of one split of a photograph: (n, 64, 64, 3) uint8 RGB, the same for the same seed anywhere."""
    # Two streams, so that the first crops stay the same when more are asked for.
    where, light = (
        np.random.Generator(np.random.PCG64([seed, list(FILES).index(name), int(validation), stream]))
        for stream in (0, 1)
    )
    boxes = crop_boxes(photo, blocks(*photo.shape[:2]), validation, n, where)
    return np.stack([change_light(_resized(photo[t:b, x:r]), light) for t, x, b, r in boxes])


def _resized(crop: Pixels) -> Pixels:
    """To 64 × 64, by area averaging or bicubic: these few thousand crops can take the time."""
    method = cv2.INTER_AREA if len(crop) > SIDE else cv2.INTER_CUBIC
    return crop if len(crop) == SIDE else np.asarray(cv2.resize(crop, (SIDE, SIDE), interpolation=method), np.uint8)


def open_photos(
    *, seed: int, limit: int | None, n_jobs: int, classes: tuple[str, ...] | None = None, per_class: int = 100
) -> Dataset:
    """The data set: ``per_class`` training crops of each photograph and a quarter as many for validation."""
    if isinstance(per_class, bool) or not isinstance(per_class, int) or not 1 <= per_class <= MAX_PER_CLASS:
        raise InputError(f"photos[per_class={per_class}]: give a whole number from 1 to {MAX_PER_CLASS}")
    names = tuple(FILES) if classes is None else classes
    sizes = {"train": per_class, "val": max(1, per_class // 4)}
    cut: dict[str, list[Pixels]] = {split: [] for split in sizes}
    for name in names:
        photo = photograph(name)
        for split, n in sizes.items():
            cut[split].append(crops(name, photo, split == "val", n, seed))
    made = {}
    for split, n in sizes.items():
        labels = np.repeat(np.arange(len(names)), n)
        pixels = np.concatenate(cut[split])
        ids = Ids(f"{name}_{split}_{i:05d}" for name in names for i in range(n))
        kept = spread(labels, limit)
        labels, pixels, ids = labels[kept], pixels[kept], ids.take(kept)
        fingerprint = split_fingerprint(ids, labels, pixel_digests(pixels))
        made[split] = Split(LazyImages.from_array(pixels, n_jobs=n_jobs, fingerprint=fingerprint), labels, ids)
    train, val = made["train"], made["val"]
    return Dataset(
        name="photos",
        title="The built-in photographs",
        description=(
            f"64 × 64 crops of {len(names)} photographs that scikit-image and scikit-learn install; one photograph is "
            "one class. A demonstration that needs no download, not ImageNet."
        ),
        layout="built in",
        classes=names,
        class_names=tuple(name.replace("_", " ") for name in names),
        train=train,
        val=val,
        fingerprint=dataset_fingerprint(names, train, val),
        notes=(
            "photos is a demonstration that needs no download, not ImageNet: training and validation crops come from "
            "disjoint parts of the same few photographs, so its errors say nothing about new scenes.",
        ),
    )
