"""k-means by Lloyd's algorithm on matrix products."""

from __future__ import annotations

import torch

from .compute import on_all_cores

CHUNK = 4096  # samples held against all centres at a time: the products should stay in the cache


def nearest(x: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """(N,) int64: the closest of (K, D) centres to each of (N, D) samples; the first of equals."""
    half = centres.square().sum(1) / 2
    return torch.cat(on_all_cores(lambda part: (half - part @ centres.T).argmin(1), torch.split(x, CHUNK)))


def kmeans(x: torch.Tensor, k: int, *, seed: int, iterations: int = 20) -> torch.Tensor:
    """(k, D) centres of (N, D) float32 samples. Starts at random samples; an empty cluster moves to a random sample.

    With fewer samples than centres, samples are repeated with a little noise, so that k centres always come back.
    """
    generator = torch.Generator().manual_seed(seed)
    n = len(x)
    order = torch.randperm(n, generator=generator)
    repeats = -(-k // n)
    start = order.repeat(repeats)[:k].to(x.device)
    centres = x[start].clone()
    if repeats > 1:
        centres += 1e-3 * x.std() * torch.randn(centres.shape, generator=generator).to(x)
    for _ in range(iterations):
        member = nearest(x, centres)
        counts = torch.bincount(member, minlength=k)
        sums = torch.zeros_like(centres).index_add_(0, member, x)
        empty = counts == 0
        centres = sums / counts.clamp(min=1).unsqueeze(1)
        if empty.any():
            again = torch.randint(n, (int(empty.sum()),), generator=generator).to(x.device)
            centres[empty] = x[again]
    return centres
