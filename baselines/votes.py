"""How a gradient's magnitude is shared between neighbouring directions: what SIFT and HOG have in common."""

from __future__ import annotations

import torch


def direction_votes(
    angle: torch.Tensor, magnitude: torch.Tensor, first: int, n: int, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """Magnitude shared between the two nearest of ``n`` directions around a circle: (B, H, W) -> (n, B, H, W).

    ``angle``: in directions, from ``first`` to ``first + n``, which are the same one; direction d is map d modulo n.
    """
    turn = angle * magnitude
    maps = torch.empty((n, *magnitude.shape), dtype=dtype, device=magnitude.device)
    share, other = torch.empty_like(magnitude), torch.empty_like(magnitude)

    def vote(direction: int, out: torch.Tensor) -> torch.Tensor:
        """Falls linearly from the whole magnitude in this direction to 0 in its neighbours."""
        torch.sub(turn, magnitude, alpha=direction, out=out).abs_()
        return torch.sub(magnitude, out, out=out).clamp_(min=0)

    for direction in range(first + 1, first + n):
        maps[direction % n].copy_(vote(direction, share))
    maps[first % n].copy_(vote(first, share).add_(vote(first + n, other)))
    return maps
