"""Where the patches of a dense grid lie, and the banded matrices that pool an image into their cells.

A patch is 4 × 4 square cells. Pooling with a triangular window is separable, so a map of (H, W) pixels is pooled into
all cells at once by two matrix products, and only at the cell centres that some patch uses. What is pooled stays a
stack of planes, in which one cell of all patches is a rectangle: no patch is copied together value by value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

CELLS = 4  # cells along one side of a patch

WHOLE_BELOW, BLOCK_ROWS = 128, 32  # px, rows: longer sides are pooled by blocks, which leaves out most of the zeros


@dataclass(frozen=True)
class Grid:
    """``cells``: widths of a cell in px, one for each scale; ``step``: distance of neighbouring patches in px."""

    cells: tuple[float, ...]
    step: float

    @classmethod
    def for_size(cls, height: int, width: int) -> Grid:
        """A grid that suits images of this size: fine for thumbnails, five scales of 16 to 64 px for photographs."""
        short = min(height, width)
        if short <= 48:
            return cls((2.0, 3.0), 2.0)
        if short <= 96:
            return cls((2.0, 3.0, 4.0), 3.0)
        return cls((4.0, 6.0, 8.0, 12.0, 16.0), 4.0)  # multiples of half a step: patches share cells

    @property
    def fine(self) -> bool:
        """Whether it is one for thumbnails, which have few patches: up to 96 px."""
        return max(self.cells) <= 4

    def n_patches(self, height: int, width: int) -> list[int]:
        """Patches of each scale in an image of this size."""
        sides = [(axis(height, cell, self.step), axis(width, cell, self.step)) for cell in self.cells]
        return [len(rows.centres) * len(columns.centres) for rows, columns in sides]


@dataclass(frozen=True, eq=False)
class Axis:
    """The patches along one axis: ``centres`` (n,) in px, the (n_cells, length) pooling ``matrix``, and ``first`` (4,):
    cell c of patch i is row ``first[c] + i`` of the matrix."""

    centres: NDArray[np.float64]
    matrix: NDArray[np.float32]
    first: tuple[int, ...]

    @cached_property
    def blocks(self) -> list[tuple[int, int, NDArray[np.float32]]]:
        """The matrix in blocks of rows, of each only the columns low:high outside of which it is zero."""
        if self.matrix.shape[1] <= WHOLE_BELOW:
            return [(0, self.matrix.shape[1], self.matrix)]
        starts = np.argmax(self.matrix > 0, axis=1)
        lattices = np.split(self.matrix, np.flatnonzero(np.diff(starts) < 0) + 1)
        blocks = []
        for lattice in lattices:
            for part in np.array_split(lattice, max(1, len(lattice) // BLOCK_ROWS)):
                used = np.flatnonzero(part.any(axis=0))
                low, high = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
                blocks.append((low, high, np.ascontiguousarray(part[:, low:high])))
        return blocks


@lru_cache(maxsize=256)
def axis(length: int, cell: float, step: float, window: str = "triangle", shrink: int = 1) -> Axis:
    """Patches of 4 cells on a grid centred in ``length`` px; none (n = 0) where a patch does not fit.

    ``shrink``: the matrix pools an image that was halved to 1/``shrink`` of its size; px are those of the original.
    ``window``: "triangle" is SIFT's bilinear vote, 2 cells wide; "box" counts each pixel once, in shares where a cell
    cuts through it. Rows of the matrix sum to 1 where the window lies inside the image.
    """
    room = length - CELLS * cell
    n = int(np.floor(room / step + 1e-9)) + 1 if room >= -1e-9 else 0
    start = CELLS * cell / 2 + (room - (n - 1) * step) / 2
    centres = start + step * np.arange(n)
    # Cells whose distance is a whole number of steps are on one lattice, and patches share them.
    offsets = (np.arange(CELLS) - (CELLS - 1) / 2) * cell
    remainders = np.round(np.mod(offsets, step), 4) % step
    steps = np.round((offsets - remainders) / step).astype(int)
    first = np.zeros(CELLS, dtype=int)
    lattices: list[NDArray[np.float64]] = []
    for remainder in np.unique(remainders) if n else []:
        members = np.flatnonzero(remainders == remainder)
        low, high = steps[members].min(), steps[members].max() + n
        first[members] = sum(map(len, lattices)) + steps[members] - low
        lattices.append(start + remainder + step * np.arange(low, high))
    places = np.concatenate([np.empty(0), *lattices])[:, None]
    if window == "triangle":
        pixels = shrink * (np.arange(-(-length // shrink)) + 0.5)
        matrix = np.maximum(0.0, 1 - np.abs(pixels - places) / cell) * (shrink / cell)
    else:
        edges = np.arange(length + 1.0)
        low_edge, high_edge = places - cell / 2, places + cell / 2
        matrix = np.clip(np.minimum(edges[1:], high_edge) - np.maximum(edges[:-1], low_edge), 0, None) / cell
    return Axis(np.asarray(centres, dtype=np.float64), matrix.astype(np.float32), tuple(first.tolist()))


def pool(maps: torch.Tensor, rows: Axis, columns: Axis) -> torch.Tensor:
    """Pool (C, B, H, W) maps at every cell centre of two axes: (C, B, rows, columns).

    The products run in the dtype of ``maps``.
    """
    parts = [block @ maps[..., low:high, :] for low, high, block in _blocks(rows, maps.dtype, maps.device)]
    down = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-2)
    return torch.matmul(down, _matrix(columns, maps.dtype, maps.device).T)


# An axis's matrix, in blocks and whole, where and as the products need it.
@lru_cache(maxsize=256)
def _blocks(axis: Axis, dtype: torch.dtype, device: torch.device) -> list[tuple[int, int, torch.Tensor]]:
    return [(low, high, torch.from_numpy(block).to(device, dtype)) for low, high, block in axis.blocks]


@lru_cache(maxsize=256)
def _matrix(axis: Axis, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(axis.matrix).to(device, dtype)


def patch_cells(cells: torch.Tensor, rows: Axis, columns: Axis) -> Iterator[torch.Tensor]:
    """The 16 cells of a patch in y, x order, each for all patches: from (C, B, rows, columns) views (C, B, ny, nx)."""
    for top in rows.first:
        for left in columns.first:
            yield cells[..., top : top + len(rows.centres), left : left + len(columns.centres)]


def gather(cells: torch.Tensor, rows: Axis, columns: Axis) -> torch.Tensor:
    """The cells of each patch: (C, B, rows, columns) -> (16, C, B, T), patches and cells in y, x order."""
    return torch.stack(list(patch_cells(cells, rows, columns))).flatten(3)


def positions(height: int, width: int, grid: Grid) -> NDArray[np.float32]:
    """(T, 3) float32: x, y in [0, 1] of each patch's centre and log2 of its cell width, scale by scale, row by row."""
    parts = []
    for cell in grid.cells:
        y, x = axis(height, cell, grid.step).centres / height, axis(width, cell, grid.step).centres / width
        yy, xx = np.meshgrid(y, x, indexing="ij")
        parts.append(np.stack([xx.ravel(), yy.ravel(), np.full(xx.size, np.log2(cell))], axis=1))
    return np.concatenate(parts).astype(np.float32)


def all_scales(parts: Iterable[torch.Tensor]) -> torch.Tensor:
    """The patches of all scales as one, of (B, T, D) each; value by value in memory, as they are."""
    return torch.cat([part.permute(2, 0, 1) for part in parts], dim=2).permute(1, 2, 0)


def side_by_side(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Several descriptors of the same patches as one, (B, T, D) each, value by value in memory as they are."""
    return torch.cat([part.permute(2, 0, 1) for part in parts]).permute(1, 2, 0)


def weighted_shifts(
    x: torch.Tensor, dim: int, starts: Sequence[int], length: int, weights: Sequence[float]
) -> torch.Tensor:
    """Weighted sum of the slices of ``x`` along ``dim`` that begin at ``starts`` and are ``length`` long."""
    total: torch.Tensor = x.narrow(dim, starts[0], length) * weights[0]
    for start, weight in zip(starts[1:], weights[1:], strict=True):
        total.add_(x.narrow(dim, start, length), alpha=weight)
    return total


def blur(image: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian smoothing of (B, H, W) float by ``sigma`` px, cut off at 4 sigma, edges repeated."""
    radius = max(1, math.ceil(4 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    weights = (taps / taps.sum()).tolist()
    height, width = image.shape[-2:]
    padded = torch.nn.functional.pad(image.unsqueeze(1), [radius] * 4, mode="replicate")[:, 0]
    down = weighted_shifts(padded, -2, range(len(weights)), height, weights)
    return weighted_shifts(down, -1, range(len(weights)), width, weights)


def halve(image: torch.Tensor) -> torch.Tensor:
    """Means of 2 × 2 pixels of (B, H, W) float; an odd last row or column is repeated."""
    height, width = image.shape[-2:]
    if height % 2 or width % 2:
        image = torch.nn.functional.pad(image.unsqueeze(1), (0, width % 2, 0, height % 2), mode="replicate")[:, 0]
    rows = image[:, ::2] + image[:, 1::2]
    return (rows[..., ::2] + rows[..., 1::2]).mul_(0.25)
