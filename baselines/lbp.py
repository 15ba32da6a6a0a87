"""Uniform local binary patterns, (8, 1): Ojala, Pietikäinen and Mäenpää 2002; dense cells of 59 bins as NEC-UIUC's.

The eight neighbours are the pixels of the 3 × 3 square, not points interpolated on a circle, as in VLFeat.
scikit-image's ``local_binary_pattern`` interpolates; the bits of the four straight neighbours are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import torch

from .grid import Grid, axis, pool

BINS = 59

# Neighbours in circular order from +x towards +y (downwards), as (dy, dx).
NEIGHBOURS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))


@lru_cache(maxsize=2)
def uniform_bins(device: torch.device | str = "cpu") -> torch.Tensor:
    """(256,) int64: the bin of each code; 58 for codes with at most two changes around the circle, the last for the
    rest."""
    bins = torch.full((256,), BINS - 1, dtype=torch.int64)
    codes = torch.arange(256)
    turned = ((codes << 1) | (codes >> 7)) & 255
    changes = sum(((codes ^ turned) >> bit) & 1 for bit in range(8))
    uniform = torch.nonzero(torch.as_tensor(changes) <= 2).flatten()
    bins[uniform] = torch.arange(len(uniform))
    return bins.to(device)


def lbp_codes(grey: torch.Tensor) -> torch.Tensor:
    """(B, H, W) -> (B, H, W) uint8: bit i is set where neighbour i is at least as bright; edge pixels repeated."""
    height, width = grey.shape[-2:]
    padded = torch.nn.functional.pad(grey.unsqueeze(1), (1, 1, 1, 1), mode="replicate")[:, 0]
    codes = torch.zeros(grey.shape, dtype=torch.uint8, device=grey.device)
    for bit, (dy, dx) in enumerate(NEIGHBOURS):
        neighbour = padded[:, 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        codes |= (neighbour >= grey).to(torch.uint8) << bit
    return codes


def lbp_histogram(grey: torch.Tensor) -> torch.Tensor:
    """(B, H, W) -> (B, 59) float32: square roots of the shares of uniform codes over the image, so of unit L2 norm."""
    bins = uniform_bins(grey.device)[lbp_codes(grey).long()].flatten(1)
    counts = grey.new_zeros((len(grey), BINS)).scatter_add_(1, bins, torch.ones_like(bins, dtype=grey.dtype))
    return (counts / bins.shape[1]).sqrt_()


def lbp_scales(grey: torch.Tensor, grid: Grid) -> Iterator[torch.Tensor]:
    """Uniform codes in the 2 × 2 quarters of patches: (B, H, W) -> for each cell width of the grid (B, T, 236) float32.

    Square roots of counts, as NEC-UIUC, of unit L2 norm; quarters in y, x order, 59 bins each.
    """
    bins = uniform_bins(grey.device)[lbp_codes(grey).long()]
    maps = grey.new_zeros((BINS, *grey.shape)).scatter_(0, bins.unsqueeze(0), 1.0)
    for cell in grid.cells:
        rows, columns = (axis(side, cell, grid.step, "box") for side in grey.shape[-2:])
        cells = pool(maps, rows, columns)
        down = [cells[..., top : top + len(rows.centres), :] for top in rows.first]
        quarters = []
        for half in (down[0] + down[1], down[2] + down[3]):
            across = [half[..., left : left + len(columns.centres)] for left in columns.first]
            quarters += [across[0] + across[1], across[2] + across[3]]
        counts = torch.stack(quarters).flatten(3).flatten(0, 1).clamp_(min=1e-12)  # the root of 0 is slow
        yield counts.div_(counts.sum(0)).sqrt_().permute(1, 2, 0)  # the roots' squares sum to 1
