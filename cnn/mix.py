"""Training images mixed in pairs: mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019).

Half of the images of a batch, on average, are mixed with their neighbour in it, by a share that is uniform on 0 to 1,
the papers' Beta(1, 1), and the loss is the two labels' by the same share. Deviation: each image draws its own share,
where the papers' batches have one.
"""

from __future__ import annotations

import torch
from torch import Tensor

CHOICES = ("none", "mixup", "cutmix")
CHANCE = 0.5  # that an image is mixed, as CutMix's authors on small images


def draw(how: str, chance: Tensor) -> dict[str, Tensor]:
    """From (n, 4) uniform numbers: "kept" (n,), the share of its own that an image keeps; "box" (n, 4), for CutMix,
    left, top, right, bottom of what it takes from its neighbour, as fractions of the side.

    CutMix's box has the image's shape and a random centre; what lies outside of the image is cut off.
    """
    chosen = chance[:, 0] < CHANCE
    share = torch.where(chosen, chance[:, 1], torch.zeros(()))  # of the other image
    if how == "mixup":
        return {"kept": 1 - share}
    half = share.sqrt() / 2
    x, y = chance[:, 2], chance[:, 3]
    box = torch.stack([x - half, y - half, x + half, y + half], 1).clamp(0, 1)
    return {"kept": 1 - (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]), "box": box}


def neighbours(batch: Tensor) -> Tensor:
    """(n, …) → (n, …), of each pair the other one; the last of an odd number is its own neighbour.

    So the processes that share a batch of even parts mix as one process does.
    """
    n = len(batch)
    return batch[(torch.arange(n, device=batch.device) ^ 1).clamp_max(n - 1)]


def mixed(images: Tensor, drawn: dict[str, Tensor]) -> Tensor:
    """(n, C, S, S) → the same, each with its part of its neighbour."""
    other = neighbours(images)
    if "box" not in drawn:
        return torch.lerp(other, images, drawn["kept"][:, None, None, None])
    side = images.shape[-1]
    at = (torch.arange(side, device=images.device) + 0.5) / side
    left, top, right, bottom = drawn["box"].T[..., None]
    across, down = (at >= left) & (at < right), (at >= top) & (at < bottom)
    return torch.where((down[:, None, :, None] & across[:, None, None, :]), other, images)
