"""The registry of encoders: what each learns from sampled descriptors, and how it encodes an image's patches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .bovw import bags
from .fisher import fisher_vectors, improve
from .gmm import GMM, fit_gmm
from .kmeans import kmeans, nearest
from .llc import llc_vectors
from .supervector import super_vectors, vlad_vectors

Codebook = Any  # GMM or Words, as the coding learns it
Encode = Callable[[torch.Tensor, Codebook, Sequence[torch.Tensor], torch.dtype], torch.Tensor]


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


@dataclass(frozen=True)
class Coding:
    """``learns``: a name in ``LEARN``; codings that learn the same share it.

    ``encode``: (B, T, D) descriptors, the codebook, the patches of each region and the dtype that big products may run
    in -> (B, R, dim) float32, a vector of unit length for each region.
    """

    learns: str
    encode: Encode


CODINGS: dict[str, Coding] = {
    # 2·K·D values a region, with signed square roots (power normalisation) and unit L2 norm
    "fisher": Coding(
        "gmm", lambda x, gmm, where, dtype: improve(fisher_vectors(x, gmm, where, dtype=dtype).flatten(2))
    ),
    # the same without the roots (Perronnin and Dance 2007)
    "fisher-2007": Coding(
        "gmm",
        lambda x, gmm, where, dtype: torch.nn.functional.normalize(
            fisher_vectors(x, gmm, where, dtype=dtype).flatten(2), dim=-1
        ),
    ),
    # K·(1 + D) values; no signed square roots, as in the paper
    "supervector": Coding("words", lambda x, words, where, _: super_vectors(x, words.centres, words.shares, where)),
    "llc": Coding("words", lambda x, words, where, _: llc_vectors(x, words.centres, where)),  # K values
    "vlad": Coding("words", lambda x, words, where, _: vlad_vectors(x, words.centres, where)),  # K·D values
    "bovw": Coding("words", lambda x, words, where, _: bags(x, words.centres, where)),  # K
}
