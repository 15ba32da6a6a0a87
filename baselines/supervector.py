"""Hard-assigned residuals: super-vectors (Zhou, Yu, Zhang and Huang 2010) and VLAD (Jégou et al. 2010).

A deviation: each region's vector gets unit length, so that regions weigh alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .kmeans import nearest

OFFSET = 0.1  # s of the paper, weighs the counts against the residuals; descriptors here have variance 1


def residual_sums(
    x: torch.Tensor, centres: torch.Tensor, regions: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Counts (B, R, K) and sums of x − centre (B, R, K, D) by nearest centre, of (B, T, D) descriptors."""
    batch, n_patches, dims = x.shape
    k = len(centres)
    words = nearest(x.reshape(-1, dims), centres).view(batch, n_patches)
    residuals = x - centres[words]
    counts = x.new_zeros((batch, len(regions), k))
    sums = x.new_zeros((batch, len(regions), k, dims))
    for r, region in enumerate(regions):
        chosen = region.to(x.device)
        members = words[:, chosen]
        counts[:, r].scatter_add_(1, members, torch.ones_like(members, dtype=x.dtype))
        sums[:, r].scatter_add_(1, members.unsqueeze(2).expand(-1, -1, dims), residuals[:, chosen])
    return counts, sums


def super_vectors(
    x: torch.Tensor, centres: torch.Tensor, shares: torch.Tensor, regions: Sequence[torch.Tensor]
) -> torch.Tensor:
    """(B, T, D) -> (B, R, K·(1+D)): for centre k of frequency p_k, p_k^(−½)/N · Σ [s, x − b_k]; then unit L2 norm.

    ``shares``: (K,) frequencies p_k in training.
    """
    counts, sums = residual_sums(x, centres, regions)
    totals = torch.tensor([len(region) for region in regions], device=x.device, dtype=x.dtype)
    scale = (shares.clamp(min=1e-6).rsqrt() / totals.unsqueeze(1)).unsqueeze(2)
    both = torch.cat([OFFSET * counts.unsqueeze(3), sums], dim=3) * scale
    return torch.nn.functional.normalize(both.flatten(2), dim=2)


def vlad_vectors(x: torch.Tensor, centres: torch.Tensor, regions: Sequence[torch.Tensor]) -> torch.Tensor:
    """(B, T, D) -> (B, R, K·D): sums of residuals, each centre's normalised (Arandjelović and Zisserman 2013), then
    all."""
    _, sums = residual_sums(x, centres, regions)
    return torch.nn.functional.normalize(torch.nn.functional.normalize(sums, dim=3).flatten(2), dim=2)
