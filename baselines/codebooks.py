"""The registry of encoders: what each learns from sampled descriptors, and how it encodes an image's patches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from .bovw import bags
from .fisher import FisherSums, improve
from .gmm import GMM, fit_gmm
from .kmeans import kmeans, nearest
from .llc import llc_vectors
from .pyramid import Areas
from .supervector import super_vectors, vlad_vectors

Codebook = Any  # GMM or Words, as the coding learns it


@dataclass(frozen=True)
class Words:
    """k-means ``centres`` (K, D), and ``shares`` (K,): how often each is the nearest one in training."""

    centres: torch.Tensor
    shares: torch.Tensor


def fit_words(samples: torch.Tensor, k: int, *, seed: int) -> Words:
    """k visual words of (N, D) float32 samples."""
    centres = kmeans(samples, k, seed=seed)
    counts = torch.bincount(nearest(samples, centres), minlength=k)
    return Words(centres, counts / counts.sum())


LEARN: dict[str, Callable[..., GMM | Words]] = {"gmm": fit_gmm, "words": fit_words}


class Coder(Protocol):
    """Encodes the patches of a batch of images, which come scale by scale."""

    def add(self, x: torch.Tensor) -> None:
        """The (B, T, D) float32 descriptors of the next scale; T may be 0."""

    def vectors(self) -> torch.Tensor:
        """After the last scale: (B, R, dim) float32, a vector of unit length for each region."""


class _Fisher(FisherSums):
    def vectors(self) -> torch.Tensor:
        return improve(super().vectors().flatten(2))


class _PlainFisher(FisherSums):
    def vectors(self) -> torch.Tensor:
        return torch.nn.functional.normalize(super().vectors().flatten(2), dim=-1)


class _AllAtOnce:
    """For codings of words: ``encode`` takes the descriptors of all scales, the words, the patches of each region."""

    def __init__(self, encode: Callable[..., torch.Tensor], words: Words, areas: Areas) -> None:
        self.encode, self.words, self.areas = encode, words, areas
        self.scales: list[torch.Tensor] = []

    def add(self, x: torch.Tensor) -> None:
        self.scales.append(x)

    def vectors(self) -> torch.Tensor:
        return self.encode(torch.cat(self.scales, dim=1), self.words, self.areas.indices)


def _of_words(encode: Callable[..., torch.Tensor]) -> Coding:
    return Coding("words", lambda words, areas, _: _AllAtOnce(encode, words, areas))


@dataclass(frozen=True)
class Coding:
    """``learns``: a name in ``LEARN``; codings that learn the same share it.

    ``start``: a coder, of the codebook, the areas of the image and the dtype that its large products may run in.
    """

    learns: str
    start: Callable[[Codebook, Areas, torch.dtype], Coder]


CODINGS: dict[str, Coding] = {
    # 2·K·D values a region, with signed square roots (power normalisation) and unit L2 norm
    "fisher": Coding("gmm", _Fisher),
    # the same without the roots (Perronnin and Dance 2007)
    "fisher-2007": Coding("gmm", _PlainFisher),
    # K·(1 + D) values; no signed square roots, as in the paper
    "supervector": _of_words(lambda x, words, where: super_vectors(x, words.centres, words.shares, where)),
    "llc": _of_words(lambda x, words, where: llc_vectors(x, words.centres, where)),  # K values
    "vlad": _of_words(lambda x, words, where: vlad_vectors(x, words.centres, where)),  # K·D values
    "bovw": _of_words(lambda x, words, where: bags(x, words.centres, where)),  # K values
}
