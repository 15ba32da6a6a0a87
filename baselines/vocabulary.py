"""What an encoder is made of: channels, and the PCA and codebook that each of them learns and may share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .codebooks import CODINGS, Codebook, Words
from .gmm import GMM
from .pca import PCA


@dataclass(frozen=True)
class Vocabulary:
    """What a channel learns and may share with others: PCA to ``dims`` and a codebook of ``k``, "gmm" or "words"."""

    descriptor: str
    learns: str
    k: int
    dims: int
    xy: bool


@dataclass(frozen=True)
class Channel:
    """One descriptor and how it is encoded. ``dims``: after PCA, 0 for none; ``xy``: append the patch's place.

    ``coding`` "whole": the descriptor is one of ``descriptors.WHOLE`` and stands for itself; the rest does not matter.
    """

    descriptor: str
    coding: str
    k: int = 0
    dims: int = 64
    xy: bool = True
    pyramid: str = "1x1"

    @property
    def vocabulary(self) -> Vocabulary:
        """What has to be learned for it."""
        return Vocabulary(self.descriptor, CODINGS[self.coding].learns, self.k, self.dims, self.xy)


def project(x: torch.Tensor, pca: PCA | None, where: torch.Tensor, spread: float) -> torch.Tensor:
    """(B, T, D) descriptors -> (B, T, d) float32: their principal components, with x and y of their places.

    ``where``: (T, 2) or (B, T, 2) places in [0, 1], which count from the middle and times ``spread``; 0: without them.
    """
    dims = pca.components.shape[1] if pca else x.shape[2]
    out = torch.empty((*x.shape[:2], dims + (2 if spread else 0)), device=x.device)
    if pca is None:
        out[..., :dims].copy_(x)
    elif x.dtype == out.dtype:
        pca.transform(x.flatten(0, 1), out=out.flatten(0, 1)[:, :dims])
    else:
        out[..., :dims].copy_(pca.transform(x.flatten(0, 1)).view(*x.shape[:2], dims))
    if spread:
        out[..., dims:].copy_((where - 0.5) * spread)
    return out


@dataclass(frozen=True)
class Learned:
    """A vocabulary as it was learned. ``spread``: what x and y are multiplied by, 0 where they are not appended."""

    pca: PCA | None
    spread: float
    codebook: Codebook

    def project(self, x: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
        """What the codebook is asked about: see the function ``project``."""
        return project(x, self.pca, where, self.spread)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as arrays, to be stored."""
        named = {"codebook." + name: value for name, value in vars(self.codebook).items()}
        if self.pca is not None:
            named |= {"pca." + name: value for name, value in vars(self.pca).items()}
        return {"spread": np.array(self.spread)} | {name: value.cpu().numpy() for name, value in named.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], learns: str, device: str) -> Learned:
        """The inverse of ``arrays``; ``learns``: the vocabulary's; tensors on ``device``."""

        def part(prefix: str) -> dict[str, torch.Tensor]:
            found = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            return {name: torch.from_numpy(np.array(array)).to(device) for name, array in found.items()}

        pca = part("pca.")
        codebook = {"gmm": GMM, "words": Words}[learns](**part("codebook."))
        return cls(PCA(**pca) if pca else None, float(arrays["spread"]), codebook)
