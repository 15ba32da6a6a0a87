"""Principal components of descriptors, whitened.

A deviation: the papers of the contenders reduce dimensions and do not whiten. Fisher vectors hardly notice, as each
value is divided by its Gaussian's deviation; distances to visual words, of ``bovw``, ``vlad``, ``llc`` and
``supervector``, are others.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
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

    def transform(self, x: torch.Tensor) -> torch.Tensor:
        """(..., D) -> (..., d), in the dtype and on the device of ``x``."""
        components = self.components.to(x)
        shift = -(self.mean.to(x.device) @ components.float()).to(x.dtype)
        return torch.addmm(shift, x.flatten(0, -2), components).view(*x.shape[:-1], -1)
