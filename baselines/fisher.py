"""The Fisher vector: how an image's patches would move the means and variances of a Gaussian mixture.

Perronnin, Sánchez and Mensink 2010, "Improving the Fisher kernel for large-scale image classification". The gradient
by the mixture's weights is left out, as the paper does. Small posteriors are kept: dropping those below 1e-4 saves
time in a sparse implementation and nothing in this one, which is two matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch

from .compute import no_denormals, on_cpu
from .gmm import GMM
from .pyramid import Areas, Tile

ROWS_AT_A_TIME = 1024  # patches, on a CPU: what is made of them stays in a core's cache
ALIGNED = 8  # values: on a GPU rows of bfloat16 are of a multiple of these, which its matrix units read


def fisher_vectors(
    x: torch.Tensor,
    gmm: GMM,
    regions: Sequence[torch.Tensor] | None = None,
    *,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """Gradients of the mean log likelihood by means, then variances, each in units of its Fisher information.

    (B, T, D) float32 descriptors -> (B, R, 2, K, D) float32; one region of all patches where ``regions`` is None.
    ``dtype``: of the two matrix products. bfloat16 halves the time; the cosine of its normalised vectors with the exact
    ones, K = 64, is 0.9945 on average and at least 0.973 for SIFT in 64 whitened dimensions, 0.998 and 0.992 for LCS,
    but 0.952 and 0.811 for LCS that is not whitened. ValueError where there are no patches.
    """
    n_patches = x.shape[1]
    areas = Areas([torch.arange(n_patches)] if regions is None else regions, [n_patches], x.device)
    sums = FisherSums(gmm, areas, dtype)
    sums.add(x)
    return sums.vectors()


class FisherSums:
    """``fisher_vectors`` of patches that come scale by scale."""

    def __init__(self, gmm: GMM, areas: Areas, dtype: torch.dtype) -> None:
        self.gmm, self.areas, self.dtype = gmm, areas, dtype
        self.weights = _first_product(gmm, dtype)
        self.tiles = iter(areas.tiles)
        # (B, areas, 2D + 2 or some more, K): of [x, x², 1, 1, …] times posteriors
        self.sums: torch.Tensor | None = None

    def add(self, x: torch.Tensor) -> None:
        """The (B, T, D) patches of the next scale."""
        tile = next(self.tiles)
        batch, n_patches = x.shape[:2]
        if n_patches == 0:
            return
        if tile.order is not None:
            x = x[:, tile.order]
        width, k = self.weights.shape
        if self.sums is None:
            self.sums = x.new_zeros((batch, self.areas.n, width, k))
        # What is made of a few rows is used before the next ones are made, in the same memory: fresh memory is slow.
        rows = ROWS_AT_A_TIME if on_cpu(x.device) else batch * n_patches
        both = x.new_ones((rows, width), dtype=self.dtype)
        logits = both.new_empty((rows, k))
        images, step = max(1, rows // n_patches), min(rows, n_patches)
        with no_denormals():
            for first in range(0, batch, images):
                for start in range(0, n_patches, step):
                    few = x[first : first + images, start : start + step]
                    n = few.shape[0] * few.shape[1]
                    self._add(few, self.sums[first : first + images], both[:n], logits[:n], start, tile)

    def _add(
        self, x: torch.Tensor, sums: torch.Tensor, both: torch.Tensor, logits: torch.Tensor, start: int, tile: Tile
    ) -> None:
        """Patches of some images, the first of them at ``start`` in the tile. The last columns of ``both`` are 1."""
        dims, held = x.shape[2], both.view(*x.shape[:2], -1)
        held[..., :dims].copy_(x)
        if self.dtype == x.dtype:
            torch.mul(x, x, out=held[..., dims : 2 * dims])
        else:
            held[..., dims : 2 * dims].copy_(x * x)
        torch.mm(both, self.weights, out=logits)
        posteriors = torch.softmax(logits, 1, out=logits).view(*x.shape[:2], -1)
        for begin, end, area in tile.runs:
            low, high = max(begin - start, 0), min(end - start, x.shape[1])
            if low < high:
                patches, share = held[:, low:high].transpose(1, 2), posteriors[:, low:high]
                if self.dtype == sums.dtype:
                    sums[:, area].baddbmm_(patches, share)
                else:
                    sums[:, area].add_(torch.bmm(patches, share))

    def vectors(self) -> torch.Tensor:
        """(B, R, 2, K, D) float32, after the last scale. ValueError where there were no patches."""
        if self.sums is None:
            raise ValueError("no patches to encode; an image must have room for at least one")
        parts = self.sums.unbind(1)
        sums = torch.stack([sum((parts[a] for a in rest), parts[a0]) for a0, *rest in self.areas.members], dim=1)
        return _gradients(sums.transpose(2, 3).contiguous(), self.areas.sizes, self.gmm)


@lru_cache(maxsize=32)
def _first_product(gmm: GMM, dtype: torch.dtype) -> torch.Tensor:
    """(2D + 2, K): [x, x², 1, 1] times this are the logits of the posteriors of x. On a GPU rows of zeros follow."""
    first, constant = gmm.linear_terms()
    # Posteriors stay what they are when all logits are shifted; those of typical patches are brought to 0, where they
    # are rounded least.
    log_densities = gmm.weights.log() - 0.5 * gmm.log_norms()
    constant = constant - (gmm.weights @ log_densities - gmm.means.shape[1] / 2)
    # Beside a patch and its squares stand two ones: they bring the constant and what its rounding left into the first
    # product, and the mass into the second.
    rest = constant - constant.to(dtype).to(constant)
    zeros = 0 if on_cpu(first.device) else -(len(first) + 2) % ALIGNED
    return torch.cat([first, torch.stack([constant, rest]), first.new_zeros((zeros, first.shape[1]))]).to(dtype)


def _gradients(sums: torch.Tensor, sizes: torch.Tensor, gmm: GMM) -> torch.Tensor:
    """(B, R, 2, K, D) of sums (B, R, K, 2D + 2 or some more) over (R,) regions of so many patches."""
    dims = gmm.means.shape[1]
    first, second, mass = torch.split(sums[..., : 2 * dims + 1] / sizes.view(-1, 1, 1), [dims, dims, 1], dim=3)
    root, means, variances = gmm.weights.sqrt().unsqueeze(1), gmm.means, gmm.variances
    out = sums.new_empty((*sums.shape[:2], 2, *means.shape))
    torch.mul(first - mass * means, 1 / (variances.sqrt() * root), out=out[:, :, 0])
    spread = second.addcmul(means, first, value=-2).addcmul_(mass, means.square() - variances)
    torch.mul(spread, 1 / (variances * root * 2**0.5), out=out[:, :, 1])
    return out


def improve(vectors: torch.Tensor) -> torch.Tensor:
    """Signed square root, then unit L2 norm, over the last axis; zero stays zero."""
    rooted = vectors * vectors.abs().clamp_(min=1e-20).rsqrt_()  # as sign times root, which is slow at 0
    return torch.nn.functional.normalize(rooted, dim=-1)
