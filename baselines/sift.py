"""Dense SIFT of a batch of images, at every scale of a grid, without a loop over patches.

Lowe 2004, "Distinctive image features from scale-invariant keypoints", upright and on a grid as in Bosch, Zisserman
and Munoz 2007. Deviations from Lowe: the Gaussian weight of a patch is one weight for each cell (as in VLFeat's fast
mode) instead of one for each pixel, because that is what lets neighbouring patches share their cells; and the image is
smoothed for coarse cells only. As in Lowe's octaves, cells of 8 px and more are pooled from an image of half the size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import torch

from .color import opponent
from .grid import CELLS, Axis, Grid, all_scales, axis, blur, halve, patch_cells, pool, side_by_side, weighted_shifts
from .votes import direction_votes

ORIENTATIONS = 8
CLIP = 0.2
CONTRAST = 0.005  # mean gradient magnitude of a patch, intensities in [0, 1], below which it counts as flat
LEAST_CELL = 4  # px: a cell is never pooled from fewer than this by halving the image


def orientation_maps(grey: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Gradient magnitude shared between the two nearest of 8 directions: (B, H, W) float -> (8, B, H, W) of ``dtype``.

    Central differences, edge pixels repeated. Direction 0 points along +x, and the next ones turn towards -y (upwards).
    """
    dx, dy = torch.empty_like(grey), torch.empty_like(grey)
    torch.sub(grey[..., 2:], grey[..., :-2], out=dx[..., 1:-1])
    dx[..., 0], dx[..., -1] = grey[..., 1] - grey[..., 0], grey[..., -1] - grey[..., -2]
    torch.sub(grey[..., :-2, :], grey[..., 2:, :], out=dy[..., 1:-1, :])
    dy[..., 0, :], dy[..., -1, :] = grey[..., 0, :] - grey[..., 1, :], grey[..., -2, :] - grey[..., -1, :]
    angle = torch.atan2(dy, dx).mul_(ORIENTATIONS / (2 * math.pi))
    return direction_votes(angle, torch.hypot(dx, dy), -ORIENTATIONS // 2, ORIENTATIONS, dtype)


@lru_cache(maxsize=1)
def cell_weights() -> tuple[float, ...]:
    """(4,), along one axis: the mean over each cell's triangular window of a Gaussian with a deviation of 2 cells."""
    offsets = torch.linspace(-1, 1, 201)
    triangle = 1 - offsets.abs()
    centres = torch.arange(CELLS) - (CELLS - 1) / 2
    gaussian = torch.exp(-((centres[:, None] + offsets) ** 2) / 8)
    return tuple(((gaussian * triangle).sum(1) / triangle.sum()).tolist())


def normalised(cells: torch.Tensor, rows: Axis, columns: Axis, *, root: bool, contrast: float) -> torch.Tensor:
    """Patches (128, B, T) from pooled cells (8, B, rows, columns): L2, clip at 0.2, L2, or square roots of L1 shares.

    Patches whose mean vote is below ``contrast`` are zero.

    Written for few passes over memory, which limit it. Clipping w·c / |w·c| at 0.2 is clipping c at 0.2·|w·c| / w, up
    to a factor of the patch that the second normalisation removes; square roots commute with that, and are taken once a
    cell, not once in each of its patches. Roots are x·rsqrt(x), as that of 0 is slow.
    """
    along = cell_weights()
    planes = cells.float()
    votes, energy = planes.sum(0), planes[0].square()
    for plane in planes[1:]:
        energy.addcmul_(plane, plane)
    if root:  # RootSIFT: Arandjelović and Zisserman 2012
        planes = planes * planes.clamp(min=1e-12).rsqrt_()

    def over_patch(plane: torch.Tensor, weights: Sequence[float]) -> torch.Tensor:
        """Weighted sum of a plane over the cells of each patch."""
        down = weighted_shifts(plane, -2, rows.first, len(rows.centres), weights)
        return weighted_shifts(down, -1, columns.first, len(columns.centres), weights)

    shown = over_patch(votes, [1 / CELLS] * CELLS) >= contrast
    limit = over_patch(energy, [w * w for w in along]).clamp_(min=1e-20).sqrt_().mul_(CLIP)
    if root:
        limit.sqrt_()
    weights = [(down * across) ** (0.5 if root else 1.0) for down in along for across in along]
    limits = {weight: limit / weight for weight in weights}
    slots = cells.new_empty((CELLS * CELLS, ORIENTATIONS, *limit.shape))
    squares = torch.zeros((ORIENTATIONS, *limit.shape), device=cells.device)
    rounded = torch.empty_like(squares) if slots.dtype != squares.dtype else None
    for slot, weight, part in zip(slots, weights, patch_cells(planes, rows, columns), strict=True):
        clipped = slot if rounded is None else rounded
        torch.minimum(part, limits[weight], out=clipped)
        squares.addcmul_(clipped, clipped, value=weight * weight)
        if rounded is not None:
            slot.copy_(clipped)
    scale = squares.sum(0).clamp_(min=1e-20).rsqrt_().mul_(shown)
    scales = {weight: (scale * weight).to(slots.dtype) for weight in limits}
    for slot, weight in zip(slots, weights, strict=True):
        slot.mul_(scales[weight])
    return slots.flatten(3).flatten(0, 1)


def octave_of(cell: float) -> int:
    """How often the image is halved before cells of ``cell`` px are pooled from it."""
    return max(0, math.floor(math.log2(cell / LEAST_CELL) + 1e-3))


def sift_scales(
    grey: torch.Tensor, grid: Grid, *, root: bool = True, dtype: torch.dtype = torch.float32
) -> Iterator[torch.Tensor]:
    """SIFT scale by scale: (B, H, W) float in [0, 1] -> for each cell width of the grid (B, T, 128) of ``dtype``.

    The 128 values run over cell rows, cell columns, then 8 directions, as OpenCV's do. Flat patches are all zero. In
    memory the patches are next to each other, not the values of a patch: (128, B, T).
    A scale at which no patch has room, such as any in an image 1 px wide, has none (T = 0).
    ``dtype``: of the pooling products; bfloat16 is about twice as fast where the processor has it.
    """
    octaves = [grey]
    sharp: dict[int, torch.Tensor] = {}  # maps of images that are not smoothed
    for cell, n in zip(grid.cells, grid.n_patches(*grey.shape[-2:]), strict=True):
        if n == 0:
            yield grey.new_empty((len(grey), 0, CELLS * CELLS * ORIENTATIONS), dtype=dtype)
            continue
        octave = octave_of(cell)
        while len(octaves) <= octave:
            octaves.append(halve(octaves[-1]))
        image, shrink = octaves[octave], 2**octave
        # VLFeat's rule: a smoothing of a sixth of a cell, of which the camera is taken to have done 0.5 px already;
        # halving has done as much again, in pixels of each size that was halved.
        variance = (cell / shrink / 6) ** 2 - 0.25 * (1 + (shrink**2 - 1) / 3) / shrink**2
        if variance > 0.25:
            maps = orientation_maps(blur(image, math.sqrt(variance)), dtype)
        else:
            if octave not in sharp:
                sharp[octave] = orientation_maps(image, dtype)
            maps = sharp[octave]
        rows, columns = (axis(side, cell, grid.step, shrink=shrink) for side in grey.shape[-2:])
        # A vote of 1 falls on two directions whose shares sum to 1: the mean over cells is the mean gradient, as a
        # difference over 2 px, which are more of the original's.
        contrast = 2 * CONTRAST * shrink
        yield normalised(pool(maps, rows, columns), rows, columns, root=root, contrast=contrast).permute(1, 2, 0)


def dense_sift(
    grey: torch.Tensor, grid: Grid, *, root: bool = True, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """SIFT at every patch of ``grid``: (B, T, 128); see ``sift_scales``. Order of ``positions``."""
    return all_scales(sift_scales(grey, grid, root=root, dtype=dtype))


def opponent_sift_scales(
    rgb: torch.Tensor, grid: Grid, *, dtype: torch.dtype = torch.float32
) -> Iterator[torch.Tensor]:
    """RootSIFT of each opponent colour channel, scale by scale: (B, 3, H, W) in [0, 1] -> (B, T, 384), unit L2 norm.

    OpponentSIFT of van de Sande, Gevers and Snoek 2010, which stands here for the C-SIFT of the ISI entry: C-SIFT
    further divides the colour channels by the intensity, which is unstable in dark patches.
    """
    for parts in zip(*(sift_scales(channel, grid, dtype=dtype) for channel in opponent(rgb).unbind(1)), strict=True):
        yield side_by_side(parts).div_(3**0.5)
