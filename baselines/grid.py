"""Where the patches of a dense grid lie, and the banded matrices that pool an image into their cells.

A patch is 4 × 4 square cells. Pooling with a triangular window is separable, so a map of (H, W) pixels is pooled into
all cells at once by two matrix products, and only at the cell centres that some patch uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

CELLS = 4  # cells along one side of a patch


@dataclass(frozen=True)
class Grid:
    """``cells``: widths of a cell in px, one for each scale; ``step``: distance of neighbouring patches in px."""

    cells: tuple[float, ...]
    step: float

    @classmethod
    def for_size(cls, height: int, width: int) -> Grid:
        """A grid that suits images of this size: fine for thumbnails, five scales by √2 for ILSVRC's photographs."""
        short = min(height, width)
        if short <= 48:
            return cls((2.0, 3.0), 2.0)
        if short <= 96:
            return cls((2.0, 3.0, 4.0), 3.0)
        return cls((4.0, 5.657, 8.0, 11.314, 16.0), 4.0)


@dataclass(frozen=True)
class Axis:
    """The patches along one axis: ``centres`` (n,) in px, the (n_cells, length) pooling ``matrix``, and for each patch
    the (n, 4) rows of the matrix that are its cells."""

    centres: NDArray[np.float64]
    matrix: NDArray[np.float32]
    index: NDArray[np.int64]


@lru_cache(maxsize=256)
def axis(length: int, cell: float, step: float, window: str = "triangle") -> Axis:
    """Patches of 4 cells on a grid centred in ``length`` px; none (n = 0) where a patch does not fit.

    ``window``: "triangle" is SIFT's bilinear vote, 2 cells wide; "box" counts each pixel once, in shares where a cell
    cuts through it. Rows of the matrix sum to 1 where the window lies inside the image.
    """
    room = length - CELLS * cell
    n = int(np.floor(room / step + 1e-9)) + 1 if room >= -1e-9 else 0
    first = CELLS * cell / 2 + (room - (n - 1) * step) / 2
    centres = first + step * np.arange(n)
    cell_centres = centres[:, None] + (np.arange(CELLS) - (CELLS - 1) / 2) * cell
    unique, index = np.unique(np.round(cell_centres, 4), return_inverse=True)
    if window == "triangle":
        pixels = np.arange(length) + 0.5
        matrix = np.maximum(0.0, 1 - np.abs(pixels[None] - unique[:, None]) / cell) / cell
    else:
        edges = np.arange(length + 1.0)
        low, high = unique[:, None] - cell / 2, unique[:, None] + cell / 2
        matrix = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None) / cell
    return Axis(np.asarray(centres, dtype=np.float64), matrix.astype(np.float32), index.reshape(n, CELLS))


def pool(maps: torch.Tensor, cell: float, step: float, window: str = "triangle") -> torch.Tensor:
    """Pool (C, B, H, W) maps at every cell centre that some patch uses: (B, cells, C), in y, x order.

    The products run in the dtype of ``maps``.
    """
    channels, batch, height, width = maps.shape
    down = torch.as_tensor(axis(height, cell, step, window).matrix).to(maps)
    across = torch.as_tensor(axis(width, cell, step, window).matrix).to(maps)
    pooled = torch.matmul(down, torch.matmul(maps, across.T))  # (C, B, cells_y, cells_x)
    return pooled.permute(1, 2, 3, 0).reshape(batch, -1, channels)


def gather(cells: torch.Tensor, height: int, width: int, cell: float, step: float) -> torch.Tensor:
    """The cells of each patch side by side: (B, cells, C) -> (B, T, 16, C), patches and cells in y, x order."""
    rows, columns = axis(height, cell, step), axis(width, cell, step)
    index = rows.index[:, None, :, None] * len(columns.matrix) + columns.index[None, :, None, :]
    chosen = cells.index_select(1, torch.from_numpy(index.reshape(-1)).to(cells.device))
    return chosen.view(len(cells), index.shape[0] * index.shape[1], CELLS * CELLS, cells.shape[2])


def positions(height: int, width: int, grid: Grid) -> NDArray[np.float32]:
    """(T, 3) float32: x, y in [0, 1] of each patch's centre and log2 of its cell width, scale by scale, row by row."""
    parts = []
    for cell in grid.cells:
        y, x = axis(height, cell, grid.step).centres / height, axis(width, cell, grid.step).centres / width
        yy, xx = np.meshgrid(y, x, indexing="ij")
        parts.append(np.stack([xx.ravel(), yy.ravel(), np.full(xx.size, np.log2(cell))], axis=1))
    return np.concatenate(parts).astype(np.float32)


@lru_cache(maxsize=64)
def blur_matrix(length: int, sigma: float) -> NDArray[np.float32]:
    """(length, length) float32: Gaussian smoothing along an axis with the edge pixels repeated outwards."""
    radius = max(1, int(np.ceil(4 * sigma)))
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()
    matrix = np.zeros((length, length))
    for row in range(length):
        np.add.at(matrix[row], np.clip(row + offsets, 0, length - 1), weights)
    return matrix.astype(np.float32)


def blur(image: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian smoothing of (..., H, W) float by ``sigma`` px, edges repeated."""
    height, width = image.shape[-2:]
    down = torch.as_tensor(blur_matrix(height, sigma)).to(image)
    across = torch.as_tensor(blur_matrix(width, sigma)).to(image)
    return torch.matmul(down, torch.matmul(image, across.T))
