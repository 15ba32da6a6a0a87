"""The parts under their own names, to recombine: descriptor × encoder × pyramid, each with a linear SVM.

``fisher[descriptor=sift+lcs,k=256,pyramid=1x1+3x1]`` and the like. Contenders that share a data set, a descriptor and a
codebook share what is cached.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from . import descriptors, pyramid
from .classifier import Coded
from .encoder import Channel
from .grid import Grid


class Part(Coded):
    """One encoder over one or more descriptors, their vectors side by side.

    ``descriptor``: names from ``descriptors.DESCRIPTORS`` joined by +. ``k``: size of the codebook. ``dims``: PCA, 0
    for none. ``xy``: append the patch's place. ``pyramid``: regions, rows x columns joined by +. ``mirrored``: see
    ``Coded``. ``step``: px between patches; 0 takes what suits the images.
    """

    coding = ""
    quick_params: ClassVar[dict[str, Any]] = {"k": 32}

    def __init__(
        self,
        descriptor: str = "sift",
        k: int = 256,
        dims: int = 64,
        xy: bool = True,
        pyramid: str = "1x1",
        mirrored: bool = False,
        step: float = 0,
        random_state: int = 0,
        device: str = "cpu",
        n_jobs: int | None = None,
        cache_dir: str | None = None,
    ) -> None:
        super().__init__(random_state, device, n_jobs, cache_dir)
        self.descriptor = descriptor
        self.k = k
        self.dims = dims
        self.xy = xy
        self.pyramid = pyramid
        self.mirrored = mirrored
        self.step = step

    def channels(self, grid: Grid) -> list[Channel]:
        """One for each descriptor. ValueError for names, sizes or regions that make no sense."""
        if self.k < 1 or self.dims < 0:
            raise ValueError(f"k = {self.k}, dims = {self.dims}: k is at least 1, dims at least 0")
        pyramid.parse(self.pyramid)
        names = descriptors.parse(self.descriptor)
        return [Channel(name, self.coding, self.k, self.dims, self.xy, self.pyramid) for name in names]

    def grid(self, height: int, width: int) -> Grid:
        """The usual grid, with ``step`` where given."""
        grid = super().grid(height, width)
        return dataclasses.replace(grid, step=float(self.step)) if self.step else grid


class Fisher(Part):
    """Fisher vectors: Perronnin, Sánchez and Mensink 2010."""

    coding = "fisher"


class Bovw(Part):
    """Bags of visual words: Csurka et al. 2004."""

    coding = "bovw"


class Vlad(Part):
    """VLAD: Jégou et al. 2010."""

    coding = "vlad"


class Llc(Part):
    """Locality-constrained linear coding: Wang et al. 2010."""

    coding = "llc"


class SuperVector(Part):
    """Super-vectors: Zhou et al. 2010."""

    coding = "supervector"
