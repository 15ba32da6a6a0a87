"""Dense SIFT of a batch of images, at every scale of a grid, without a loop over patches.

Lowe 2004, "Distinctive image features from scale-invariant keypoints", upright and on a grid as in Bosch, Zisserman
and Munoz 2007. Deviations from Lowe: the Gaussian weight of a patch is one weight for each cell (as in VLFeat's fast
mode) instead of one for each pixel, because that is what lets neighbouring patches share their cells; and the image is
smoothed for coarse cells only.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch

from .color import opponent
from .grid import CELLS, Grid, blur, gather, pool

ORIENTATIONS = 8
CLIP = 0.2
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


@lru_cache(maxsize=1)
def cell_weights() -> torch.Tensor:
    """(16,): the mean over each cell's triangular window of a Gaussian with a standard deviation of 2 cells."""
    offsets = torch.linspace(-1, 1, 201)
    triangle = 1 - offsets.abs()
    centres = torch.arange(CELLS) - (CELLS - 1) / 2
    gaussian = torch.exp(-((centres[:, None] + offsets) ** 2) / 8)
    weights = (gaussian * triangle).sum(1) / triangle.sum()
    return (weights[:, None] * weights[None]).flatten()


def normalised(cells: torch.Tensor, height: int, width: int, cell: float, step: float, root: bool) -> torch.Tensor:
    """Patches (B, T, 128) from pooled cells (B, cells, 8): L2, clip at 0.2, then L2, or square roots of L1 shares.

    What a patch needs to know about its cells (energy, contrast) is computed once a cell and gathered, because the
    cells are several times fewer than the patches' sixteenths. Flat patches are zero.
    """
    weights = cell_weights().to(cells.device)
    wide = cells.float()
    facts = torch.stack([wide.square().sum(2), wide.sum(2)], dim=2)
    energy, votes = gather(facts, height, width, cell, step).unbind(3)
    scale = (energy @ weights.square()).clamp_(min=1e-20).rsqrt_()
    # A vote of 1 falls on two directions whose shares sum to 1: the mean over cells is the mean gradient.
    scale *= votes.mean(2) >= 2 * CONTRAST  # central differences span 2 px
    patches = gather(cells, height, width, cell, step).flatten(2)
    patches *= weights.to(cells.dtype).repeat_interleave(ORIENTATIONS)
    patches *= scale.to(cells.dtype).unsqueeze(2)
    patches.clamp_(max=CLIP)
    if root:  # RootSIFT: Arandjelović and Zisserman 2012
        share = patches.sum(2, keepdim=True, dtype=torch.float32).clamp_(min=1e-12).rsqrt_()
        return patches.sqrt_().mul_(share.to(cells.dtype))
    length = torch.linalg.vector_norm(patches, dim=2, keepdim=True, dtype=torch.float32)
    return patches.div_(length.clamp_(min=1e-12).to(cells.dtype))


def dense_sift(
    grey: torch.Tensor, grid: Grid, *, root: bool = True, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """SIFT at every patch of ``grid``: (B, H, W) float in [0, 1] -> (B, T, 128) of ``dtype``; order of ``positions``.

    The 128 values run over cell rows, cell columns, then 8 directions, as OpenCV's do. Flat patches are all zero.
    ``dtype``: of the pooling products; bfloat16 is about twice as fast where the processor has it.
    """
    height, width = grey.shape[-2:]
    shared: torch.Tensor | None = None
    scales = []
    for cell in grid.cells:
        # VLFeat's rule: a smoothing of a sixth of a cell, of which the camera is taken to have done 0.5 px already.
        variance = (cell / 6) ** 2 - 0.25
        if variance > 0.25:
            maps = orientation_maps(blur(grey, math.sqrt(variance))).to(dtype)
        else:
            shared = orientation_maps(grey).to(dtype) if shared is None else shared
            maps = shared
        scales.append(normalised(pool(maps, cell, grid.step), height, width, cell, grid.step, root))
    return torch.cat(scales, dim=1)


def opponent_sift(rgb: torch.Tensor, grid: Grid, *, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """RootSIFT of each opponent colour channel: (B, 3, H, W) in [0, 1] -> (B, T, 384) of ``dtype``, unit L2 norm.

    OpponentSIFT of van de Sande, Gevers and Snoek 2010, which stands here for the C-SIFT of the ISI entry: C-SIFT
    further divides the colour channels by the intensity, which is unstable in dark patches.
    """
    parts = [dense_sift(channel, grid, dtype=dtype) for channel in opponent(rgb).unbind(1)]
    return torch.cat(parts, dim=2).div_(3**0.5)
