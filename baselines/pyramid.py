"""Spatial pyramids: which patches lie in which region of the image (Lazebnik, Schmid and Ponce 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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


@dataclass(frozen=True)
class Tile:
    """The patches of one scale by area. ``order``: None, or how to sort them so that areas are neighbours; ``runs``:
    (start, stop, area) of patches, sorted, that are neighbours and of one area."""

    order: torch.Tensor | None
    runs: tuple[tuple[int, int, int], ...]


class Areas:
    """Regions, which overlap, as unions of areas, which do not. So a patch is looked at once, however many hold it.

    ``indices``: the patches of each region, on ``device``; ``sizes``: (R,) how many these are; ``members``: the areas
    of each region; ``n``: number of areas.
    """

    def __init__(self, regions: Sequence[torch.Tensor], scales: Sequence[int], device: torch.device | str) -> None:
        """``scales``: number of patches of each scale, whose sum the regions' indices are below."""
        area = np.zeros(sum(scales), dtype=np.int64)  # patches of the same regions get the same number
        for region in regions:
            area *= 2
            area[region.numpy()] += 1
            if area.max(initial=0) >= 2**40:  # numbers become small again
                area = np.unique(area, return_inverse=True)[1]
        kinds, area = np.unique(area, return_inverse=True)
        self.n = len(kinds)
        self.members = [np.flatnonzero(np.bincount(area[region.numpy()])).tolist() for region in regions]
        self.device = torch.device(device)
        self._regions, self._area, self._scales = regions, area, list(scales)

    @cached_property
    def indices(self) -> list[torch.Tensor]:
        return [region.to(self.device) for region in self._regions]

    @cached_property
    def sizes(self) -> torch.Tensor:
        return torch.tensor([len(region) for region in self._regions], device=self.device)

    @cached_property
    def tiles(self) -> list[Tile]:
        """The patches of each scale by area."""
        return [self._tile(area) for area in np.split(self._area, np.cumsum(self._scales)[:-1])]

    def _tile(self, area: NDArray[np.int64]) -> Tile:
        order = None
        ends = np.flatnonzero(np.diff(area)) + 1
        if len(ends) >= self.n:  # some area is in pieces, of which there may be one for each row of patches
            sort = np.argsort(area, kind="stable")
            order, area = torch.from_numpy(sort).to(self.device), area[sort]
            ends = np.flatnonzero(np.diff(area)) + 1
        starts = [0, *ends.tolist()] if len(area) else []
        stops = [*ends.tolist(), len(area)]
        runs = tuple((a, b, int(area[a])) for a, b in zip(starts, stops, strict=False))
        return Tile(order, runs)
