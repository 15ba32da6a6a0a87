"""Local colour statistics: mean and standard deviation of R, G and B in each cell of a patch.

Clinchant, Csurka, Perronnin and Renders 2007, as the XRCE entries of 2010 and 2011 used it beside SIFT.
"""

from __future__ import annotations

import torch

from .grid import Grid, gather, pool


def dense_lcs(rgb: torch.Tensor, grid: Grid) -> torch.Tensor:
    """(B, 3, H, W) float in [0, 1] -> (B, T, 96) float32 on the patches of ``grid``; order of ``positions``.

    Values run over cell rows, cell columns, then the means of R, G, B and their standard deviations, in [0, 1].
    """
    # Around grey, so that the difference of squares below keeps its digits in float32.
    centred = rgb.transpose(0, 1) - 0.5
    maps = torch.cat([centred, centred.square()])
    height, width = rgb.shape[-2:]
    scales = []
    for cell in grid.cells:
        mean, square = torch.split(pool(maps, cell, grid.step, "box"), 3, dim=-1)
        deviation = (square - mean.square()).clamp_(min=0).sqrt_()
        facts = torch.cat([mean + 0.5, deviation], dim=-1)
        scales.append(gather(facts, height, width, cell, grid.step).flatten(2))
    return torch.cat(scales, dim=1)
