"""The encoders behind one door: fit on sampled descriptors, then turn the patches of images into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import torch

from .bovw import bags
from .fisher import fisher_vectors, improve
from .gmm import GMM, fit_gmm
from .kmeans import kmeans, nearest
from .llc import llc_vectors
from .supervector import super_vectors, vlad_vectors


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
class _Words:
    """k-means centres (K, D); the codes below differ in what they make of them."""

    centres: torch.Tensor

    @classmethod
    def fit(cls, samples: torch.Tensor, k: int, seed: int) -> Self:
        """k centres by k-means."""
        return cls(kmeans(samples, k, seed=seed))


class WordsCodebook(_Words):
    """Square roots of word frequencies, K values a region."""

    def encode(self, x: torch.Tensor, regions: Sequence[torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
        """(B, R, K)."""
        return bags(x, self.centres, regions)


class VladCodebook(_Words):
    """Hard residuals, intra-normalised, K·D values a region."""

    def encode(self, x: torch.Tensor, regions: Sequence[torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
        """(B, R, KD)."""
        return vlad_vectors(x, self.centres, regions)


class LlcCodebook(_Words):
    """Locality-constrained linear codes, max-pooled, K values a region."""

    def encode(self, x: torch.Tensor, regions: Sequence[torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
        """(B, R, K)."""
        return llc_vectors(x, self.centres, regions)


@dataclass(frozen=True)
class SuperCodebook:
    """Super-vectors, K·(1+D) values a region."""

    centres: torch.Tensor
    shares: torch.Tensor

    @classmethod
    def fit(cls, samples: torch.Tensor, k: int, seed: int) -> SuperCodebook:
        """k centres by k-means, and how often each is the nearest."""
        centres = kmeans(samples, k, seed=seed)
        counts = torch.bincount(nearest(samples, centres), minlength=k)
        return cls(centres, counts / counts.sum())

    def encode(self, x: torch.Tensor, regions: Sequence[torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
        """(B, R, K(1+D)); signed square roots are not the paper's, so not taken."""
        return super_vectors(x, self.centres, self.shares, regions)


CODEBOOKS: dict[str, type[Codebook]] = {
    "fisher": FisherCodebook,
    "supervector": SuperCodebook,
    "llc": LlcCodebook,
    "vlad": VladCodebook,
    "bovw": WordsCodebook,
}
