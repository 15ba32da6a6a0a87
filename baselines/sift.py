"""Dense SIFT of a batch of images, at every scale of a grid, without a loop over patches.

Lowe 2004, "Distinctive image features from scale-invariant keypoints", upright and on a grid as in Bosch, Zisserman
and Munoz 2007. Deviations from Lowe: the Gaussian weight of a patch is one weight for each cell (as in VLFeat's fast
mode) instead of one for each pixel, because that is what lets neighbouring patches share their cells; and the image is
smoothed for coarse cells only.
"""

from __future__ import annotations

import math

import torch

from .grid import CELLS, Grid, blur, pool

ORIENTATIONS = 8
CONTRAST = 0.005  # mean gradient magnitude of a patch, intensities in [0, 1], below which it counts as flat


def orientation_maps(grey: torch.Tensor) -> torch.Tensor:
    """Gradient magnitude shared between the two nearest of 8 directions: (B, H, W) -> (8, B, H, W) float.

    Central differences, edge pixels repeated. Direction 0 points along +x, and the next ones turn towards -y (upwards).
    """
    dx = torch.empty_like(grey)
    dx[..., 1:-1] = grey[..., 2:] - grey[..., :-2]
    dx[..., 0], dx[..., -1] = grey[..., 1] - grey[..., 0], grey[..., -1] - grey[..., -2]
    dy = torch.empty_like(grey)
    dy[..., 1:-1, :] = grey[..., :-2, :] - grey[..., 2:, :]
    dy[..., 0, :], dy[..., -1, :] = grey[..., 0, :] - grey[..., 1, :], grey[..., -2, :] - grey[..., -1, :]
    magnitude = torch.hypot(dx, dy)
    angle = torch.atan2(dy, dx).mul_(ORIENTATIONS / (2 * math.pi))
    maps = angle.new_empty((ORIENTATIONS, *grey.shape))
    for k in range(ORIENTATIONS):
        # Distance to direction k around the circle, in steps of a direction; the vote falls linearly to 0 at 1.
        away = (angle - k).abs_()
        torch.minimum(away, (away - ORIENTATIONS).abs_(), out=away)
        torch.mul(away.neg_().add_(1).clamp_(min=0), magnitude, out=maps[k])
    return maps


def cell_weights() -> torch.Tensor:
    """(4, 4, 1): the mean over each cell's triangular window of a Gaussian with a standard deviation of 2 cells."""
    offsets = torch.linspace(-1, 1, 201)
    triangle = 1 - offsets.abs()
    centres = torch.arange(CELLS) - (CELLS - 1) / 2
    gaussian = torch.exp(-((centres[:, None] + offsets) ** 2) / 8)
    weights = (gaussian * triangle).sum(1) / triangle.sum()
    return (weights[:, None] * weights[None]).unsqueeze(-1)


def normalise(patches: torch.Tensor, root: bool) -> torch.Tensor:
    """SIFT's normalisation of (..., 128) non-negative histograms: L2, clip at 0.2, L2; or the square root of L1 shares.

    Zero histograms stay zero.
    """
    length = torch.linalg.vector_norm(patches, dim=-1, keepdim=True).clamp_(min=1e-12)
    patches = (patches / length).clamp_(max=0.2)
    if root:  # RootSIFT: Arandjelović and Zisserman 2012
        return patches.div_(patches.sum(-1, keepdim=True).clamp_(min=1e-12)).sqrt_()
    return patches.div_(torch.linalg.vector_norm(patches, dim=-1, keepdim=True).clamp_(min=1e-12))


def dense_sift(
    grey: torch.Tensor, grid: Grid, *, root: bool = True, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """SIFT at every patch of ``grid``: (B, H, W) float in [0, 1] -> (B, T, 128) of ``dtype``; order of ``positions``.

    The 128 values run over cell rows, cell columns, then 8 directions, as OpenCV's do. Flat patches are all zero.
    ``dtype``: of the pooling products; bfloat16 is about twice as fast where the processor has it.
    """
    shared: torch.Tensor | None = None
    scales = []
    weights = cell_weights().to(grey)
    for cell in grid.cells:
        # VLFeat's rule: a smoothing of a sixth of a cell, of which the camera is taken to have done 0.5 px already.
        variance = (cell / 6) ** 2 - 0.25
        if variance > 0.25:
            maps = orientation_maps(blur(grey, math.sqrt(variance))).to(dtype)
        else:
            shared = orientation_maps(grey).to(dtype) if shared is None else shared
            maps = shared
        cells = pool(maps, cell, grid.step)
        mean_gradient = cells.sum((2, 3, 4), dtype=torch.float32) / (2 * CELLS * CELLS)
        cells = cells.mul_(weights.to(dtype)).flatten(2)
        cells = normalise(cells, root)
        scales.append(cells.mul_((mean_gradient >= CONTRAST).unsqueeze(-1).to(dtype)))
    return torch.cat(scales, dim=1)
