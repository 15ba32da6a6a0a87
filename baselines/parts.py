"""The parts under their own names, to recombine: descriptor × encoder × pyramid × classifier.

``fisher[descriptor=sift+lcs,k=256,pyramid=1x1+3x1]`` and the like.

With a cache folder, contenders on the same images, grid of patches, seed and device share what they have in common. PCA
and codebook of a descriptor are shared whatever the pyramid and the other descriptors; ``bovw``, ``vlad``, ``llc`` and
``supervector`` have the same visual words, ``fisher`` a mixture of Gaussians. Training features are shared where only
the classifier differs.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from topfive.common.parameters import number, one_of, true_or_false, whole_number

from . import descriptors, pyramid
from .coded import Coded
from .grid import Grid
from .passive import PassiveAggressive
from .vocabulary import Channel


class Configurable(Coded):
    """One encoder over one or more descriptors, their vectors side by side.

    descriptor    of patches: "sift", "csift" (opponent colours), "lcs", "hog", "lbp", "hog-lbp"; of the whole image,
                  and not coded: "gist", "color", "hog31"; joined by +
    k             size of the codebook
    dims          of a patch's descriptor after PCA, 0 for none
    xy            append the patch's place
    pyramid       regions, rows x columns, joined by +: "1x1+3x1"
    mirrored, views    see ``Coded``
    step          px between patches; 0 takes what suits the images
    classifier    "svm", or "pa": the passive-aggressive one of ``isi-2012``
    fused         a classifier for each descriptor, their scores averaged, instead of one on all vectors side by side
    """

    coding = ""
    part = True
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
        classifier: str = "svm",
        fused: bool = False,
        views: int = 2,
        random_state: int = 0,
        device: str = "cpu",
        n_jobs: int | None = None,
        cache_dir: str | None = None,
    ) -> None:
        super().__init__(views, random_state, device, n_jobs, cache_dir)
        self.descriptor = descriptor
        self.k = k
        self.dims = dims
        self.xy = xy
        self.pyramid = pyramid
        self.mirrored = mirrored
        self.step = step
        self.classifier = classifier
        self.fused = fused

    def check(self) -> None:
        """ValueError for names, sizes or regions that make no sense."""
        super().check()
        descriptors.parse(self.descriptor)
        whole_number("k", self.k, 1)
        whole_number("dims", self.dims, 0)
        true_or_false("xy", self.xy)
        pyramid.parse(self.pyramid)
        number("step", self.step, least=0)
        one_of("classifier", self.classifier, ("svm", "pa"))

    def channels(self, grid: Grid) -> list[Channel]:
        """One for each descriptor."""
        return [
            Channel(name, "whole")
            if name in descriptors.WHOLE
            else Channel(name, self.coding, self.k, self.dims, self.xy, self.pyramid)
            for name in descriptors.parse(self.descriptor)
        ]

    def grid(self, height: int, width: int) -> Grid:
        """The usual grid, with ``step`` where given."""
        grid = super().grid(height, width)
        return dataclasses.replace(grid, step=float(self.step)) if self.step else grid

    def linear_classifier(self) -> Any:
        """As ``classifier`` says."""
        return PassiveAggressive(device=self.device) if self.classifier == "pa" else super().linear_classifier()


class Fisher(Configurable):
    """Fisher vectors: Perronnin, Sánchez and Mensink 2010; with ``root=false`` without their signed square roots.

    The other parameters are those of ``Configurable``.
    """

    coding = "fisher"

    def __init__(
        self,
        descriptor: str = "sift",
        k: int = 256,
        dims: int = 64,
        xy: bool = True,
        pyramid: str = "1x1",
        mirrored: bool = False,
        step: float = 0,
        classifier: str = "svm",
        fused: bool = False,
        root: bool = True,
        views: int = 2,
        random_state: int = 0,
        device: str = "cpu",
        n_jobs: int | None = None,
        cache_dir: str | None = None,
    ) -> None:
        super().__init__(
            descriptor, k, dims, xy, pyramid, mirrored, step, classifier, fused,
            views=views, random_state=random_state, device=device, n_jobs=n_jobs, cache_dir=cache_dir,
        )  # fmt: skip
        self.root = root

    def check(self) -> None:
        """ValueError as for the others, and for a ``root`` that is not true or false."""
        super().check()
        true_or_false("root", self.root)

    def channels(self, grid: Grid) -> list[Channel]:
        """One for each descriptor, with or without the roots."""
        channels = super().channels(grid)
        if self.root:
            return channels
        return [dataclasses.replace(c, coding="fisher-2007") if c.coding == self.coding else c for c in channels]


class Bovw(Configurable):
    """Bags of visual words: Csurka et al. 2004."""

    coding = "bovw"


class Vlad(Configurable):
    """VLAD: Jégou et al. 2010."""

    coding = "vlad"


class Llc(Configurable):
    """Locality-constrained linear coding: Wang et al. 2010."""

    coding = "llc"


class SuperVector(Configurable):
    """Super-vectors: Zhou et al. 2010."""

    coding = "supervector"
