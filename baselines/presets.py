"""The contenders by name: the winners of 2010 to 2012 and the plain ones beside them.

Expected errors are measured on the 200-class slice of Tiny ImageNet (20,000 training images of 64 × 64 px, 4,000 for
validation, seed 0); docs/measurements.md has the commands and the full Tiny ImageNet. What deviates in all of them,
whitening PCA among it, is said in ``coded.Coded``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from topfive.common.parameters import whole_number

from .coded import Coded
from .grid import Grid
from .passive import PassiveAggressive
from .vocabulary import Channel


class _Words(Coded):
    """A contender whose codebook of visual words has ``k`` of them."""

    quick_params: ClassVar[dict[str, Any]] = {"k": 128}

    def __init__(
        self,
        k: int = 1024,
        views: int = 2,
        random_state: int = 0,
        device: str = "cpu",
        n_jobs: int | None = None,
        cache_dir: str | None = None,
    ) -> None:
        super().__init__(views, random_state, device, n_jobs, cache_dir)
        self.k = k

    def check(self) -> None:
        """ValueError for a ``k`` below 1."""
        super().check()
        whole_number("k", self.k, 1)


class SiftBovw(_Words):
    """Edge directions in patches (SIFT), counted as visual words, and a linear SVM: ILSVRC 2010's own baseline.

    Dense RootSIFT, ``k`` words, regions 1×1 + 2×2. Csurka et al. 2004; Lazebnik, Schmid and Ponce 2006. Deviation:
    square roots of frequencies with a linear kernel (the Hellinger kernel) instead of histogram intersection, which
    is no linear classifier of the vectors. Measured: 56.1 % top-5 error by two views.
    """

    def channels(self, grid: Grid) -> list[Channel]:
        """One."""
        return [Channel("sift", "bovw", self.k, dims=64, xy=False, pyramid="1x1+2x2")]


class SiftFisher(Coded):
    """Edge directions in patches all over the image (SIFT), summed up as a Fisher vector, and a linear SVM.

    Dense RootSIFT, PCA to 64 with x and y appended, 128 Gaussians. Perronnin, Sánchez and Mensink 2010; x, y in place
    of a pyramid after Sánchez, Perronnin and de Campos 2012, as the vector is shorter by the number of regions; on
    photographs, which have patches enough, three horizontal strips besides (docs/measurements.md). Measured: 46.3 %
    top-5 error by two views, 200 seconds on two cores.
    """

    def channels(self, grid: Grid) -> list[Channel]:
        """One."""
        return [Channel("sift", "fisher", 128, pyramid="1x1" if grid.fine else "1x1+3x1")]


class OxfordVgg(Coded):
    """``oxford-vgg-2012``: SIFT and LCS Fisher vectors with x, y in the descriptor and no pyramid, one-vs-rest SVM.

    After the Oxford VGG entry to ILSVRC 2012 (27.3 % top-5 error with plain Fisher vectors, quoted) and Chatfield et
    al. 2011. Follows: RootSIFT and colour statistics to 64 dimensions with x, y appended, signed square root and L2, K
    = 1024 on photographs. Deviates: K = 256 for images up to 96 px, whose patches are few; LCS gets the same PCA;
    features are float16 instead of product-quantised. ``mirrored`` is Chatfield's later augmentation (2014), and off
    here. Measured: 36.8 % top-5 error by two views, 8 minutes on two cores.
    """

    quick_params: ClassVar[dict[str, Any]] = {"k": 16}
    least_k = 0  # 0: chosen by the size of the images

    def __init__(
        self,
        k: int = 0,
        mirrored: bool = False,
        views: int = 2,
        random_state: int = 0,
        device: str = "cpu",
        n_jobs: int | None = None,
        cache_dir: str | None = None,
    ) -> None:
        super().__init__(views, random_state, device, n_jobs, cache_dir)
        self.k = k
        self.mirrored = mirrored

    def check(self) -> None:
        """ValueError for a ``k`` below what there is, or a ``mirrored`` that is not true or false."""
        super().check()
        whole_number("k", self.k, self.least_k)

    def channels(self, grid: Grid) -> list[Channel]:
        """SIFT and LCS."""
        k = self.k or (256 if grid.fine else 1024)
        return [Channel("sift", "fisher", k), Channel("lcs", "fisher", k)]


class Xrce(OxfordVgg):
    """``xrce-2011``: SIFT and LCS Fisher vectors over the whole image and three horizontal strips, one-vs-rest SVM.

    After Perronnin and Sánchez, winners of ILSVRC 2011 (25.8 % top-5 error, quoted). Follows: PCA to 64, regions 1×1 +
    3×1, square roots, SGD with the negatives' weight tuned. Deviates: one SVM on both descriptors side by side instead
    of an average of two, which is tuned once and weighs the descriptors by itself; K = 64 up to 96 px, whose patches
    are few, and 256 above against 1024, because their vectors had 520,000 values, a megabyte an image; no compression,
    as the shorter ones fit on a disk as float16. Measured: 38.1 % top-5 error by two views.
    """

    def channels(self, grid: Grid) -> list[Channel]:
        """SIFT and LCS over four regions."""
        k = self.k or (64 if grid.fine else 256)
        return [Channel(name, "fisher", k, xy=False, pyramid="1x1+3x1") for name in ("sift", "lcs")]


class BestOf2012(OxfordVgg):
    """``best-of-2012``: SIFT, opponent SIFT and LCS Fisher vectors, x and y, mirrored images, one-vs-rest SVM.

    No single entry: what the winners of 2010 to 2012 had that adds up, for whoever wants the strongest hand-engineered
    answer. XRCE's Fisher vectors of SIFT and LCS, ISI's colour SIFT, Oxford's x, y in place of a pyramid, Chatfield's
    mirrored images (2014). K = 256, as for ``oxford-vgg-2012`` on small images, at half again its length. Measured:
    36.0 % top-5 error, 10 minutes on two cores; 26.5 % on the full Tiny ImageNet-200.
    """

    least_k = 1

    def __init__(
        self,
        k: int = 256,
        mirrored: bool = True,
        views: int = 2,
        random_state: int = 0,
        device: str = "cpu",
        n_jobs: int | None = None,
        cache_dir: str | None = None,
    ) -> None:
        super().__init__(k, mirrored, views, random_state, device, n_jobs, cache_dir)

    def channels(self, grid: Grid) -> list[Channel]:
        """SIFT, opponent SIFT and LCS."""
        return [Channel(name, "fisher", self.k) for name in ("sift", "csift", "lcs")]


class NecUiuc(_Words):
    """``nec-uiuc-2010``: dense HOG and LBP, coded by LLC and by super-vectors, averaged SGD, scores averaged.

    After Lin et al. 2011, winners of ILSVRC 2010 (28.2 % top-5 error, quoted). Follows: HOG and LBP of a patch as one
    descriptor; local coding with max pooling over a pyramid, super-vectors over 1×1 + 3×1; averaged SGD; an average of
    models. Deviates: four models of two codings instead of six, which is two descriptors in each coding; codebooks of
    ``k`` (LLC; 1,024) and 64 or 256 (super-vectors) against 8,192 to 16,384 and 512 to 1,024, so that coding, whose
    cost grows with them, takes minutes on two cores; Wang's LLC for the LCC they started from, as it has a closed form
    where LCC is an optimisation for each patch; both codings get unit length in each region, so that regions weigh
    alike. Measured: 50.6 % top-5 error by two views.
    """

    fused = True

    def channels(self, grid: Grid) -> list[Channel]:
        """HOG with LBP and HOG alone, each in two codings; ``k`` words for LLC."""
        k = 64 if grid.fine else 256
        return [
            Channel("hog-lbp", "llc", self.k, dims=80, xy=False, pyramid="1x1+2x2+4x4"),
            Channel("hog-lbp", "supervector", k, dims=80, xy=False, pyramid="1x1+3x1"),
            Channel("hog", "llc", self.k, dims=64, xy=False, pyramid="1x1+2x2+4x4"),
            Channel("hog", "supervector", k, dims=64, xy=False, pyramid="1x1+3x1"),
        ]


class IsiTwelve(Coded):
    """``isi-2012``: Fisher vectors of SIFT, colour SIFT and LBP, and GIST; passive-aggressive; a sum of scores.

    After the ISI entry, second at ILSVRC 2012 (26.2 % top-5 error, quoted), and Ushiku, Harada and Kuniyoshi 2012.
    Follows: four kinds of descriptors, K-Gaussian Fisher vectors with regions, an averaged passive-aggressive
    classifier on each, their scores added. Deviates: opponent SIFT for C-SIFT, which divides by an intensity that is
    next to nothing in dark patches; GIST is one vector of the whole image, so there is nothing to code; all scores
    weigh the same, on the scale of their own deviation, as weights of their own would need images held out; K = 64 up
    to 96 px, 256 above, for the reasons of ``xrce-2011``. Measured: 42.4 % top-5 error by two views.
    """

    fused = True

    def channels(self, grid: Grid) -> list[Channel]:
        """Three local descriptors over four regions, and GIST."""
        k = 64 if grid.fine else 256
        local = [Channel(name, "fisher", k, xy=False, pyramid="1x1+3x1") for name in ("sift", "csift", "lbp")]
        return [*local, Channel("gist", "whole")]

    def linear_classifier(self) -> Any:
        """Passive-aggressive."""
        return PassiveAggressive(device=self.device)
