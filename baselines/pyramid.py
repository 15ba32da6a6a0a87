"""Spatial pyramids: which patches lie in which region of the image (Lazebnik, Schmid and Ponce 2006)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray


def parse(pyramid: str) -> list[tuple[int, int]]:
    """``"1x1+3x1"`` -> [(1, 1), (3, 1)]: levels of rows × columns. ValueError for anything else."""
    levels = []
    for part in str(pyramid).split("+"):
        rows, _, columns = part.partition("x")
        if not (rows.isdecimal() and columns.isdecimal() and int(rows) > 0 and int(columns) > 0):
            raise ValueError(f"pyramid {pyramid!r}: levels are rows x columns joined by +, such as 1x1+3x1")
        levels.append((int(rows), int(columns)))
    return levels


def regions(where: NDArray[np.float32], pyramid: str) -> list[torch.Tensor]:
    """The indices of the patches in each region, level by level, row by row, from (T, ≥2) x, y in [0, 1].

    A region that holds no patch's centre gets the patch nearest to its middle, so that no encoding divides by zero.
    """
    x, y = where[:, 0], where[:, 1]
    out = []
    for rows, columns in parse(pyramid):
        row = np.minimum((y * rows).astype(int), rows - 1)
        column = np.minimum((x * columns).astype(int), columns - 1)
        for r in range(rows):
            for c in range(columns):
                inside = np.flatnonzero((row == r) & (column == c))
                if len(inside) == 0:
                    away = (y - (r + 0.5) / rows) ** 2 + (x - (c + 0.5) / columns) ** 2
                    inside = np.array([away.argmin()])
                out.append(torch.from_numpy(inside))
    return out
