"""The encoders behind one door: fit on sampled descriptors, then turn the patches of images into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import torch

from .bovw import bags
from .fisher import fisher_vectors, improve
from .gmm import GMM, fit_gmm
from .kmeans import kmeans


class Codebook(Protocol):
    """Learned from descriptors; turns (B, T, D) of them into one vector of unit length for each region."""

    @classmethod
    def fit(cls, samples: torch.Tensor, k: int, seed: int) -> Self:
        """From (N, D) float32 samples."""
        ...

    def encode(self, x: torch.Tensor, regions: Sequence[torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
        """(B, R, dim) float32; big products may run in ``dtype``."""
        ...


@dataclass(frozen=True)
class FisherCodebook:
    """Fisher vectors with signed square root and L2 norm, 2·K·D values a region."""

    gmm: GMM

    @classmethod
    def fit(cls, samples: torch.Tensor, k: int, seed: int) -> FisherCodebook:
        """A mixture of k Gaussians."""
        return cls(fit_gmm(samples, k, seed=seed))

    def encode(self, x: torch.Tensor, regions: Sequence[torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
        """(B, R, 2KD)."""
        return improve(fisher_vectors(x, self.gmm, regions, dtype=dtype).flatten(2))


@dataclass(frozen=True)
class WordsCodebook:
    """Square roots of word frequencies, K values a region."""

    centres: torch.Tensor

    @classmethod
    def fit(cls, samples: torch.Tensor, k: int, seed: int) -> WordsCodebook:
        """k words by k-means."""
        return cls(kmeans(samples, k, seed=seed))

    def encode(self, x: torch.Tensor, regions: Sequence[torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
        """(B, R, K)."""
        return bags(x, self.centres, regions)


CODEBOOKS: dict[str, type[Codebook]] = {"fisher": FisherCodebook, "bovw": WordsCodebook}
