"""Histograms of oriented gradients: Dalal and Triggs 2005, and the 31 values a cell of Felzenszwalb et al. 2010."""

from __future__ import annotations

import math

import torch

CLIP = 0.2


def strongest_gradient(rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """[−1, 0, 1] differences of the channel with the largest gradient: (B, C, H, W) -> dy, dx (B, H, W); 0 at edges."""
    dy, dx = torch.zeros_like(rgb), torch.zeros_like(rgb)
    dy[..., 1:-1, :] = rgb[..., 2:, :] - rgb[..., :-2, :]
    dx[..., 1:-1] = rgb[..., 2:] - rgb[..., :-2]
    if rgb.shape[1] == 1:
        return dy[:, 0], dx[:, 0]
    best = (dy.square() + dx.square()).argmax(1, keepdim=True)
    return dy.gather(1, best)[:, 0], dx.gather(1, best)[:, 0]


def cell_sums(votes: torch.Tensor, bins: torch.Tensor, n_bins: int, cell: int) -> torch.Tensor:
    """Histogram of each whole ``cell`` × ``cell`` square: (B, H, W) votes and bins -> (B, H//cell, W//cell, n_bins)."""
    batch, height, width = votes.shape
    rows, columns = height // cell, width // cell
    votes, bins = votes[:, : rows * cell, : columns * cell], bins[:, : rows * cell, : columns * cell]
    device = votes.device
    row = torch.arange(rows * cell, device=device).div(cell, rounding_mode="floor")
    column = torch.arange(columns * cell, device=device).div(cell, rounding_mode="floor")
    where = (row[:, None] * columns + column) * n_bins
    out = votes.new_zeros((batch, rows * columns * n_bins))
    out.scatter_add_(1, (bins + where).flatten(1), votes.flatten(1))
    return out.view(batch, rows, columns, n_bins)


def hog(
    rgb: torch.Tensor, *, cell: int = 8, block: int = 2, n_bins: int = 9, gamma: bool = True, interpolate: bool = False
) -> torch.Tensor:
    """Dalal–Triggs HOG, L2-Hys: (B, C, H, W) float in [0, 1] -> (B, rows, columns, block, block, n_bins).

    ``gamma``: square root of the intensities first. ``interpolate``: share a vote between the two nearest directions,
    as the paper does; without it each pixel votes for one, as scikit-image does. Votes are divided by the area of a
    cell. No sharing between neighbouring cells. The image must hold at least one block.
    """
    dy, dx = strongest_gradient(rgb.sqrt() if gamma else rgb)
    magnitude = torch.hypot(dx, dy)
    angle = torch.atan2(dy, dx).mul_(n_bins / math.pi).remainder_(n_bins)  # unsigned, in bins
    if interpolate:
        low = (angle - 0.5).floor()
        share = angle - 0.5 - low
        first, second = low.long().remainder_(n_bins), (low.long() + 1).remainder_(n_bins)
        cells = cell_sums(magnitude * (1 - share), first, n_bins, cell)
        cells += cell_sums(magnitude * share, second, n_bins, cell)
    else:
        cells = cell_sums(magnitude, angle.long().clamp_(max=n_bins - 1), n_bins, cell)
    cells /= cell * cell
    rows, columns = cells.shape[1] - block + 1, cells.shape[2] - block + 1
    if rows < 1 or columns < 1:
        raise ValueError(
            f"an image of {tuple(rgb.shape[-2:])} px holds no block of {block} × {block} cells of {cell} px"
        )
    blocks = cells.unfold(1, block, 1).unfold(2, block, 1).permute(0, 1, 2, 4, 5, 3).flatten(3)
    blocks = blocks / (blocks.square().sum(-1, keepdim=True) + 1e-10).sqrt_()
    blocks = blocks.clamp_(max=CLIP)
    blocks = blocks / (blocks.square().sum(-1, keepdim=True) + 1e-10).sqrt_()
    return blocks.view(len(rgb), rows, columns, block, block, n_bins)
