"""The registry of descriptors, and how images become the batches of one shape that they take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from .color import color_histogram, grey
from .compute import on_cpu
from .gist import gist
from .grid import Grid, side_by_side
from .hog import hog31, hog_scales
from .lbp import lbp_scales
from .lcs import lcs_scales
from .sift import opponent_sift_scales, sift_scales

Pixels = NDArray[np.uint8]
Describe = Callable[[torch.Tensor, Grid, torch.dtype], Iterable[torch.Tensor]]

HOG_SIDE = 64  # px: what a whole image is resized to for its HOG
LEAST_SIDE = 24  # px; anything shorter is enlarged, so that every grid has patches
MAX_PIXELS = 100_000  # an image is shrunk to this, as at ILSVRC
PATCHES_AT_A_TIME = 32_768  # bounds memory: at most this many descriptors exist at once, or those of one image
ON_GPU = 32  # times as many on a GPU, which needs large batches and has no small cache to stay in

# Each takes (B, 3, H, W) float32 RGB in [0, 1], a grid and the dtype of its products, yields (B, T, D) for each scale
# of the grid. So only the descriptors of one scale exist at a time, which fit into a core's cache.
DESCRIPTORS: dict[str, Describe] = {
    "sift": lambda rgb, grid, dtype: sift_scales(grey(rgb), grid, dtype=dtype),
    "csift": lambda rgb, grid, dtype: opponent_sift_scales(rgb, grid, dtype=dtype),
    "lcs": lambda rgb, grid, dtype: lcs_scales(rgb, grid),
    "hog": lambda rgb, grid, dtype: hog_scales(rgb, grid),
    "lbp": lambda rgb, grid, dtype: lbp_scales(grey(rgb), grid),
    "hog-lbp": lambda rgb, grid, dtype: map(
        side_by_side, zip(hog_scales(rgb, grid), lbp_scales(grey(rgb), grid), strict=True)
    ),
}

# One vector an image instead of many patches: (B, 3, H, W) -> (B, dim).
WHOLE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gist": lambda rgb: gist(grey(rgb)),
    "color": color_histogram,
    "hog31": lambda rgb: hog31(_square(rgb)).flatten(1),
}


def parse(descriptor: str) -> list[str]:
    """``"sift+lcs"`` -> ["sift", "lcs"]; ValueError, with the names there are, for an unknown one."""
    names = [name.strip().lower() for name in str(descriptor).split("+")]
    known = DESCRIPTORS.keys() | WHOLE.keys()
    for name in names:
        if name not in known:
            raise ValueError(f"unknown descriptor {name!r}; there are {', '.join(sorted(known))}, joined by +")
    return names


def described_size(image: Pixels) -> tuple[int, int]:
    """(height, width) at which an image is described: its own, but no side below 24 px."""
    return max(image.shape[0], LEAST_SIDE), max(image.shape[1], LEAST_SIDE)


def at_most(grid: Grid, height: int, width: int, device: str) -> int:
    """How many images of one size are described at once; at least one."""
    times = 1 if on_cpu(device) else ON_GPU
    return max(1, times * PATCHES_AT_A_TIME // max(1, sum(grid.n_patches(height, width))))


def to_tensor(images: Sequence[Pixels], device: str) -> torch.Tensor:
    """(B, 3, H, W) float32 RGB in [0, 1] from images of one shape; a side below 24 px is enlarged to that."""
    stacked = torch.from_numpy(np.stack(images))
    if not on_cpu(device):
        stacked = stacked.pin_memory().to(device, non_blocking=True)
    rgb = stacked.permute(0, 3, 1, 2).float().div_(255)
    size = described_size(images[0])
    if size != tuple(rgb.shape[-2:]):
        rgb = torch.nn.functional.interpolate(rgb, size, mode="bilinear", align_corners=False)
    return rgb.contiguous()


def _square(rgb: torch.Tensor) -> torch.Tensor:
    """(B, 3, H, W) resized to (B, 3, 64, 64), whatever the shape; shrunk without skipping pixels."""
    size = (HOG_SIDE, HOG_SIDE)
    return torch.nn.functional.interpolate(rgb, size, mode="bilinear", align_corners=False, antialias=True)


def same_shapes(images: Iterable[Pixels], limit: Callable[[int, int], int]) -> Iterator[tuple[list[int], list[Pixels]]]:
    """Groups of images of one shape with their places in the batch; ``limit(height, width)`` of them at a time."""
    groups: dict[tuple[int, ...], list[tuple[int, Pixels]]] = {}
    for place, image in enumerate(images):
        groups.setdefault(image.shape, []).append((place, image))
    for shape, group in groups.items():
        size = limit(shape[0], shape[1])
        for start in range(0, len(group), size):
            places, members = zip(*group[start : start + size], strict=True)
            yield list(places), list(members)
