"""The Fisher vector: how an image's patches would move the means and variances of a Gaussian mixture.

Perronnin, Sánchez and Mensink 2010, "Improving the Fisher kernel for large-scale image classification". The gradient
by the mixture's weights is left out, as the paper does. Small posteriors are kept: dropping those below 1e-4 saves
time in a sparse implementation and nothing in this one, which is two matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .compute import on_cpu
from .gmm import GMM

PATCHES_AT_A_TIME = 8192  # on a CPU: what is made of so many stays in a core's cache


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
    n_patches, dims = x.shape[1:]
    if n_patches == 0:
        raise ValueError("no patches to encode; an image must have room for at least one")
    first, constant = gmm.linear_terms()
    # Posteriors stay what they are when all logits are shifted; those of typical patches are brought to 0, where they
    # are rounded least.
    log_densities = gmm.weights.log() - 0.5 * gmm.log_norms()
    constant = constant - (gmm.weights @ log_densities - dims / 2)
    # Beside a patch and its squares stand two ones: they bring the constant and what its rounding left into the first
    # product, and the mass into the second.
    rest = constant - constant.to(dtype).to(constant)
    weights = torch.cat([first, torch.stack([constant, rest])]).to(dtype)
    everywhere = [torch.arange(n_patches)] if regions is None else regions
    sums = []
    at_once = PATCHES_AT_A_TIME // n_patches if on_cpu(x.device) else len(x)
    for few in torch.split(x, max(1, at_once)):
        both = torch.empty((*few.shape[:2], 2 * dims + 2), dtype=dtype, device=x.device)
        both[..., :dims].copy_(few)
        both[..., dims : 2 * dims].copy_(few * few)
        both[..., 2 * dims :].fill_(1)
        posteriors = (both.view(-1, 2 * dims + 2) @ weights).softmax(1).view(*few.shape[:2], -1)
        sums.append(torch.stack([_sums(posteriors, both, region) for region in everywhere], dim=1))
    sizes = torch.tensor([len(region) for region in everywhere], device=x.device)
    return _gradients(torch.cat(sums).float(), sizes, gmm)


def _sums(posteriors: torch.Tensor, both: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
    """(B, K, 2D + 2): each component's share of what the region's patches hold."""
    if len(region) < both.shape[1]:
        posteriors, both = posteriors[:, region], both[:, region]
    return torch.bmm(posteriors.transpose(1, 2), both)


def _gradients(sums: torch.Tensor, sizes: torch.Tensor, gmm: GMM) -> torch.Tensor:
    """(B, R, 2, K, D) of sums (B, R, K, 2D + 2) over (R,) regions of so many patches."""
    dims = gmm.means.shape[1]
    first, second, mass, _ = torch.split(sums / sizes.view(-1, 1, 1), [dims, dims, 1, 1], dim=3)
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
