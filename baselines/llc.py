"""Locality-constrained linear coding: Wang et al. 2010, the fast form with its 5 nearest codewords.

Deviations: each region's vector gets unit length, so that regions weigh alike, where the paper normalises the vector of
all regions together and a region weighs by what is in it; weights below 0 are taken for 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

NEIGHBOURS = 5
REGULARISER = 1e-4


def codes(x: torch.Tensor, centres: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The nearest codewords (N, 5) and their weights (N, 5), summing to 1, that rebuild each of (N, D) descriptors.

    Solves (Z Zᵀ + 1e-4 · trace · I) w = 1 with Z the codewords as seen from the descriptor.
    """
    n_near = min(NEIGHBOURS, len(centres))
    distance = centres.square().sum(1) - 2 * (x @ centres.T)
    near = distance.topk(n_near, dim=1, largest=False).indices
    z = centres[near] - x.unsqueeze(1)
    gram = torch.bmm(z, z.transpose(1, 2))
    trace = gram.diagonal(dim1=1, dim2=2).sum(1).clamp_(min=1e-12)
    gram = gram + torch.eye(n_near, device=x.device) * (REGULARISER * trace).view(-1, 1, 1)
    weights = torch.linalg.solve(gram, torch.ones_like(x[:, :1]).expand(-1, n_near).unsqueeze(2))[..., 0]
    return near, weights / weights.sum(1, keepdim=True)


def llc_vectors(x: torch.Tensor, centres: torch.Tensor, regions: Sequence[torch.Tensor]) -> torch.Tensor:
    """(B, T, D) -> (B, R, K): the largest weight of each codeword in each region, at least 0; unit L2 norm."""
    batch, n_patches, dims = x.shape
    near, weights = codes(x.reshape(-1, dims), centres)
    near, weights = near.view(batch, n_patches, -1), weights.view(batch, n_patches, -1)
    out = x.new_zeros((batch, len(regions), len(centres)))
    for r, region in enumerate(regions):
        chosen = region.to(x.device)
        out[:, r].scatter_reduce_(1, near[:, chosen].flatten(1), weights[:, chosen].flatten(1), "amax")
    return torch.nn.functional.normalize(out, dim=2)
