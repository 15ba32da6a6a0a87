"""Principal components of descriptors, whitened.

A deviation: the papers of the contenders reduce dimensions and do not whiten. Fisher vectors hardly notice, as each
value is divided by its Gaussian's deviation; distances to visual words, of ``bovw``, ``vlad``, ``llc`` and
``supervector``, are others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch


@dataclass(frozen=True, eq=False)
class PCA:
    """``mean`` (D,), ``components`` (D, d): columns of unit length divided by the deviation along them (whitening)."""

    mean: torch.Tensor
    components: torch.Tensor

    @classmethod
    def fit(cls, samples: torch.Tensor, n_components: int) -> PCA:
        """From (N, D) samples; at most D components. Directions without variance are scaled as the largest one is."""
        mean = samples.mean(0, dtype=torch.float64)
        centred = samples.double() - mean
        values, vectors = torch.linalg.eigh(centred.T @ centred / max(1, len(samples) - 1))
        values, vectors = values.flip(0)[:n_components], vectors.flip(1)[:, :n_components]
        # The sign of an eigenvector is arbitrary: make its largest entry positive, so that every machine agrees.
        rows = vectors.abs().argmax(0)
        vectors = vectors * vectors[rows, torch.arange(vectors.shape[1])].sign()
        floor = values[0].clamp(min=1e-12)
        scale = torch.where(values > 1e-6 * floor, values, floor).rsqrt()
        return cls(mean.float(), (vectors * scale).float())

    def transform(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """(N, D) -> (N, d), in the dtype and on the device of ``x``; into ``out`` where given, of that dtype."""
        components, shift = _affine(self, x.dtype, x.device)
        return torch.addmm(shift, x, components, out=out)


@lru_cache(maxsize=32)
def _affine(pca: PCA, dtype: torch.dtype, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """The components and what is added to the product, where and as it is made."""
    components = pca.components.to(device, dtype)
    return components, -(pca.mean.to(device) @ components.float()).to(dtype)
