"""A Gaussian mixture with diagonal covariances, fitted by EM in batches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch

from .compute import on_all_cores
from .kmeans import CHUNK, kmeans, nearest

VARIANCE_FLOOR = 0.01  # of the variance of all samples, in each dimension
WEIGHT_FLOOR = 1e-5


@dataclass(frozen=True, eq=False)
class GMM:
    """``weights`` (K,), ``means`` (K, D), ``variances`` (K, D), float32."""

    weights: torch.Tensor
    means: torch.Tensor
    variances: torch.Tensor

    def to(self, device: torch.device | str) -> GMM:
        """The same mixture on another device."""
        return GMM(self.weights.to(device), self.means.to(device), self.variances.to(device))

    def log_norms(self) -> torch.Tensor:
        """(K,): log of 2π times the variance, summed over the dimensions: twice what normalises each log density."""
        return (2 * torch.pi * self.variances).log().sum(1)

    def linear_terms(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(2D, K) and (K,): the joint log density of x and component k is [x, x²] @ first + second."""
        precision = 1 / self.variances
        first = torch.cat([self.means * precision, -0.5 * precision], dim=1).T.contiguous()
        constant = self.weights.log() - 0.5 * ((self.means.square() * precision).sum(1) + self.log_norms())
        return first, constant

    def log_joint(self, x: torch.Tensor) -> torch.Tensor:
        """(N, K): log of weight × density of each component at each of (N, D) points."""
        first, constant = self.linear_terms()
        return torch.addmm(constant, torch.cat([x, x.square()], dim=1), first)

    def log_likelihood(self, x: torch.Tensor) -> torch.Tensor:
        """(N,): log density of the mixture at (N, D) points."""
        return self.log_joint(x).logsumexp(1)


def _expectations(gmm: GMM, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(K,) and (K, 2D): sums over (N, D) points of the posteriors, and of these times the points and their squares."""
    share = gmm.log_joint(x).softmax(1)
    return share.sum(0), share.T @ torch.cat([x, x.square()], dim=1)


def fit_gmm(x: torch.Tensor, k: int, *, seed: int, iterations: int = 15) -> GMM:
    """EM from a short k-means on (N, D) float32 samples, held a chunk at a time against the components."""
    floor = (VARIANCE_FLOOR * x.var(0)).clamp_(min=1e-6)
    centres = kmeans(x, k, seed=seed, iterations=5)
    member = nearest(x, centres)
    counts = torch.bincount(member, minlength=k).to(x).clamp_(min=1)
    square = torch.zeros_like(centres).index_add_(0, member, (x - centres[member]).square())
    gmm = GMM(counts / counts.sum(), centres, (square / counts.unsqueeze(1)).maximum(floor))
    parts = torch.split(x, CHUNK)
    for _ in range(iterations):
        mass, sums = x.new_zeros(k), x.new_zeros((k, 2 * x.shape[1]))
        for part_mass, part_sums in on_all_cores(partial(_expectations, gmm), parts):
            mass += part_mass
            sums += part_sums
        first, second = torch.split(sums / mass.clamp(min=1e-6).unsqueeze(1), x.shape[1], dim=1)
        alive = (mass > 1e-3).unsqueeze(1)  # a component that lost all its samples stays where it was
        means = torch.where(alive, first, gmm.means)
        variances = torch.where(alive, (second - first.square()).maximum(floor), gmm.variances)
        weights = (mass / len(x)).clamp(min=WEIGHT_FLOOR)
        gmm = GMM(weights / weights.sum(), means, variances)
    return gmm
