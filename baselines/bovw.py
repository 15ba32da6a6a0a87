"""Bag of visual words: how often each codeword is the nearest one (Csurka et al. 2004)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .kmeans import nearest


def bags(x: torch.Tensor, centres: torch.Tensor, regions: Sequence[torch.Tensor]) -> torch.Tensor:
    """(B, T, D) descriptors and (K, D) centres -> (B, R, K): square roots of the words' shares, so of unit L2 norm."""
    batch = len(x)
    words = nearest(x.reshape(-1, x.shape[2]), centres).view(batch, -1)
    out = x.new_zeros((batch, len(regions), len(centres)))
    for r, region in enumerate(regions):
        chosen = words[:, region.to(x.device)]
        out[:, r].scatter_add_(1, chosen, torch.ones_like(chosen, dtype=x.dtype))
        out[:, r] /= len(region)
    return out.sqrt_()
