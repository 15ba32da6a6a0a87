"""Histograms of oriented gradients: Dalal and Triggs 2005, and the 31 values a cell of Felzenszwalb et al. 2010."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from .grid import Grid, axis, gather, pool
from .votes import direction_votes

CLIP = 0.2


def strongest_gradient(rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """[−1, 0, 1] differences of the channel with the largest gradient: (B, C, H, W) -> dy, dx (B, H, W); 0 at edges."""
    dy, dx, most = _gradient(rgb[:, 0])
    for channel in rgb[:, 1:].unbind(1):
        other_dy, other_dx, energy = _gradient(channel)
        stronger = energy > most
        dy, dx = torch.where(stronger, other_dy, dy), torch.where(stronger, other_dx, dx)
        most = torch.maximum(energy, most)
    return dy, dx


def _gradient(plane: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Differences dy, dx of (B, H, W), 0 at the edges, and the sum of their squares."""
    dy, dx = torch.zeros_like(plane), torch.zeros_like(plane)
    torch.sub(plane[:, 2:], plane[:, :-2], out=dy[:, 1:-1])
    torch.sub(plane[..., 2:], plane[..., :-2], out=dx[..., 1:-1])
    return dy, dx, (dy * dy).addcmul_(dx, dx)


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


def hog31(rgb: torch.Tensor, *, cell: int = 8) -> torch.Tensor:
    """The 31 values a cell of Felzenszwalb et al. 2010: (B, C, H, W) in [0, 1] -> (B, rows, columns, 31) float32.

    18 signed and 9 unsigned directions, each normalised by the energy of the four 2 × 2 neighbourhoods of its cell,
    clipped at 0.2 and summed; then the four energies. Border cells use the neighbourhoods of the nearest inner ones.
    Votes go to one direction and one cell, as in ``hog``; Felzenszwalb shares them between neighbouring cells and
    leaves the edge pixels out. Direction d reaches from 20·d to 20·(d + 1) degrees; Felzenszwalb's is centred on 20·d.
    """
    dy, dx = strongest_gradient(rgb)
    magnitude = torch.hypot(dx, dy)
    bins = torch.atan2(dy, dx).mul_(18 / (2 * math.pi)).floor_().long().remainder_(18)
    signed = cell_sums(magnitude, bins, 18, cell) / (cell * cell)
    if min(signed.shape[1:3]) < 2:
        raise ValueError(f"an image of {tuple(rgb.shape[-2:])} px holds fewer than 2 × 2 cells of {cell} px")
    unsigned = signed[..., :9] + signed[..., 9:]
    energy = unsigned.square().sum(3).unsqueeze(1)
    squares = torch.nn.functional.avg_pool2d(energy, 2, stride=1) * 4  # (B, 1, rows - 1, columns - 1)
    squares = torch.nn.functional.pad(squares, (1, 1, 1, 1), mode="replicate")[:, 0]
    both = torch.cat([signed, unsigned], dim=3)
    total = torch.zeros_like(both)
    textures = []
    for top in (0, 1):
        for left in (0, 1):
            around = squares[:, top : top + both.shape[1], left : left + both.shape[2]].unsqueeze(3)
            clipped = (both / (around + 1e-8).sqrt()).clamp_(max=CLIP)
            total += clipped / 2
            textures.append(0.2357 * clipped[..., :18].sum(3))
    return torch.cat([total, torch.stack(textures, dim=3)], dim=3)


def hog_scales(rgb: torch.Tensor, grid: Grid) -> Iterator[torch.Tensor]:
    """HOG of patches, for codebooks: (B, 3, H, W) in [0, 1] -> for each cell width of the grid (B, T, 144) float32.

    √gamma, 9 unsigned directions in the 4 × 4 cells of a patch, votes shared between directions and, by triangular
    windows, between cells; L2-Hys over the patch.
    """
    dy, dx = strongest_gradient(rgb.sqrt())
    magnitude = torch.hypot(dx, dy)
    angle = torch.atan2(dy, dx).mul_(9 / math.pi).remainder_(9)
    maps = direction_votes(angle, magnitude, 0, 9)
    for cell in grid.cells:
        rows, columns = (axis(side, cell, grid.step) for side in rgb.shape[-2:])
        patches = gather(pool(maps, rows, columns), rows, columns).flatten(0, 1)
        for _ in range(2):
            patches = patches / (patches.square().sum(0) + 1e-4).sqrt_()
            patches.clamp_(max=CLIP)
        yield patches.mul_(patches.square().sum(0).clamp_(min=1e-20).rsqrt_()).permute(1, 2, 0)
