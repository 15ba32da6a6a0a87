"""Local colour statistics: mean and standard deviation of R, G and B in each cell of a patch.

Clinchant, Csurka, Perronnin and Renders 2007, as the XRCE entries of 2010 and 2011 used it beside SIFT.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from .grid import Grid, all_scales, axis, gather, pool


def lcs_scales(rgb: torch.Tensor, grid: Grid) -> Iterator[torch.Tensor]:
    """(B, 3, H, W) float in [0, 1] -> for each cell width of the grid (B, T, 96) float32.

    Values run over cell rows, cell columns, then the means of R, G, B and their standard deviations, in [0, 1].
    """
    # Around grey, so that the difference of squares below keeps its digits in float32.
    centred = rgb.transpose(0, 1) - 0.5
    maps = torch.cat([centred, centred * centred])
    for cell in grid.cells:
        rows, columns = (axis(side, cell, grid.step, "box") for side in rgb.shape[-2:])
        mean, square = torch.split(pool(maps, rows, columns), 3)
        deviation = (square - mean * mean).clamp_(min=1e-20).sqrt_()  # the square root of 0 is slow
        yield gather(torch.cat([mean + 0.5, deviation]), rows, columns).flatten(0, 1).permute(1, 2, 0)


def dense_lcs(rgb: torch.Tensor, grid: Grid) -> torch.Tensor:
    """(B, T, 96) on all patches of ``grid``; see ``lcs_scales``. Order of ``positions``."""
    return all_scales(lcs_scales(rgb, grid))
