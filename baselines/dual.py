"""One-vs-rest least squares with a penalty, solved exactly on the Gram matrix of the rows.

For few rows of many values, where it costs n³ whatever the length of the rows, and where stochastic gradient descent
ends after a few dozen steps. Saunders, Gammerman and Vovk 1998, "Ridge regression learning algorithm in dual
variables". The penalty, and the weights of descriptors that stand side by side, are those of the lowest leave-out
error, which has a closed form (Allen 1974), so that every row is trained on and every row is held out.

A row is held out together with the tenth of its class that is most like it: rows that are cut from one photograph, or
frames of one film, would else vouch for each other, and hardly any penalty would look best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from topfive.common.machine import torch_threads

from .compute import on_all_cores
from .sgd import held_out_error, require_finite
from .stages import release
from .tuning import at_limit, best_of

ROWS = 5000  # at most: a Gram matrix of 100 MB, of which there are four, and one for each descriptor
PER_CLASS = 50  # rows; from here on SGD is as good or better, docs/baselines.md
PENALTIES = (1.0, 0.5, 2.0)  # in units of the Gram matrix's mean diagonal
PENALTY_LIMITS = (2.0**-20, 2.0**10)
WEIGHTS = (1.0, 0.5, 2.0)  # of a descriptor against the first one's 1
WEIGHT_LIMITS = (2.0**-6, 2.0**6)
HELD_OUT = 0.1  # of a row's class, rounded down: held out with the row
STRIP = 4096  # features that are read at once
TILE = 512  # rows of the Gram matrix that one core makes at a time
BLOCKS = 1024  # rows whose leave-out scores are solved for at once


def suits(n_rows: int, n_values: int, n_classes: int) -> bool:
    """Whether this solver is taken: at most 5,000 rows, fewer than 50 a class, no more rows than values."""
    return n_rows <= min(ROWS, n_values) and n_rows < PER_CLASS * n_classes


@dataclass(frozen=True)
class Solution:
    """``coef`` (D, C) and ``intercept`` (C,) float32; ``penalty`` in units of the mean diagonal, ``weights`` of the
    parts, ``error`` held out (mean of top-1 and top-5), ``inside``: no tuned value lies at a limit."""

    coef: NDArray[np.float32]
    intercept: NDArray[np.float32]
    penalty: float
    weights: tuple[float, ...]
    error: float
    inside: bool


def solve(
    features: Any,
    targets: torch.Tensor,
    n_classes: int,
    *,
    parts: Sequence[slice] = (),
    variants: int = 1,
    device: str = "cpu",
) -> Solution:
    """Fit (n, D) features of (n,) targets below ``n_classes``, with the penalty and weights of the lowest error.

    ``parts``: columns of each descriptor, which get a weight each; none: one for all. ``variants``: how many rows an
    image has; they follow one another as n / variants images each time. ValueError: features that are not finite.
    Neither solution nor choice depends on the number of threads.
    """
    problem = Problem(features, targets, n_classes, list(parts) or [slice(0, features.shape[1])], variants, device)
    with torch_threads(1):
        penalty, weights, error = problem.tune()
    given = [at_limit(penalty, PENALTY_LIMITS), *(at_limit(weight, WEIGHT_LIMITS) for weight in weights)]
    coef, intercept = problem.model(weights, penalty)
    return Solution(coef, intercept, penalty, weights, error, not any(given))


class Problem:
    """The Gram matrices of the parts, centred, and what is asked of them for any weights and penalty."""

    def __init__(
        self, features: Any, targets: torch.Tensor, n_classes: int, parts: Sequence[slice], variants: int, device: str
    ) -> None:
        self.features, self.targets, self.parts = features, targets, parts
        self.variants, self.device, self.n = variants, device, len(features)
        self.mean = torch.empty(features.shape[1], device=device)
        self.grams = [self._gram(part) for part in parts]
        hits = torch.nn.functional.one_hot(targets, n_classes).float().to(device) * 2 - 1
        self.target_mean = hits.mean(0)
        self.centred = hits - self.target_mean
        with torch_threads(1):
            self.together = self._together()
        # A trial is asked for again where the search comes back to it.
        self.error = cache(self._error)

    def tune(self) -> tuple[float, tuple[float, ...], float]:
        """Penalty, weights and held-out error: first the penalty, then each weight, then the penalty again."""
        weights = [1.0] * len(self.parts)

        def penalty_of(grid: Sequence[float]) -> float:
            return best_of(lambda value: self.error(tuple(weights), value), grid, PENALTY_LIMITS)

        penalty = penalty_of(PENALTIES)
        for i in range(1, len(weights)):

            def trial(value: float, i: int = i) -> float:
                return self.error((*weights[:i], value, *weights[i + 1 :]), penalty)

            weights[i] = best_of(trial, WEIGHTS, WEIGHT_LIMITS)
        if len(weights) > 1:
            penalty = penalty_of((penalty, penalty / 2, penalty * 2))
        return penalty, tuple(weights), self.error(tuple(weights), penalty)

    def model(self, weights: Sequence[float], penalty: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """``coef`` (D, C) and ``intercept`` (C,) of the rows as they are, weights of the parts included."""
        with torch_threads(1):
            inverse, _ = self._inverse(weights, penalty)
            dual = inverse @ self.centred
        coef = torch.empty((self.features.shape[1], dual.shape[1]))
        for part, weight in zip(self.parts, weights, strict=True):
            for strip, x in self._strips(part):
                # Neighbouring values by one core each.
                made = on_all_cores(lambda columns: columns.T @ dual, torch.split(x, TILE, dim=1))
                coef[strip] = torch.cat(made).mul_(weight).cpu()
        with torch_threads(1):
            intercept = self.target_mean.cpu() - self.mean.cpu() @ coef
        return coef.numpy(), intercept.numpy()

    def leave_out_scores(self, weights: Sequence[float], penalty: float) -> torch.Tensor:
        """(n, C): each row's scores by the rows that are not held out with it; NaN where the penalty is too small.

        With A = (K + penalty)⁻¹ the residuals of a group B that is left out are (penalty · A_BB − 1/n)⁻¹ R_B, where R
        are the residuals with it. The mean of the rows is theirs all the same, which the 1/n accounts for.
        """
        inverse, penalty = self._inverse(weights, penalty)
        residuals = penalty * (inverse @ self.centred)
        scores = torch.empty_like(residuals)
        for start in range(0, self.n, BLOCKS):
            rows = slice(start, start + BLOCKS)
            together = self.together[rows]
            blocks = penalty * inverse[together[:, :, None], together[:, None, :]] - 1 / self.n
            left_out = torch.linalg.solve_ex(blocks, residuals[together])[0][:, 0]
            scores[rows] = self.centred[rows] - left_out + self.target_mean
        return scores

    def _error(self, weights: tuple[float, ...], penalty: float) -> float:
        scores = self.leave_out_scores(weights, penalty)
        return held_out_error(scores.cpu(), self.targets) if torch.isfinite(scores).all() else float("inf")

    def _inverse(self, weights: Sequence[float], penalty: float) -> tuple[torch.Tensor, float]:
        """(n, n) inverse of the weighted Gram matrix with the penalty on its diagonal, and that penalty, absolute."""
        gram = torch.zeros_like(self.grams[0])
        for weight, one in zip(weights, self.grams, strict=True):
            gram.add_(one, alpha=weight)
        diagonal = gram.diagonal()
        absolute = max(penalty * float(diagonal.mean()), 1e-12)
        diagonal.add_(absolute)
        factor, failed = torch.linalg.cholesky_ex(gram)
        if failed:  # so small a penalty that float32 is not enough
            return torch.full_like(gram, torch.nan), absolute
        return torch.cholesky_inverse(factor), absolute

    def _together(self) -> torch.Tensor:
        """(n, m) rows that are held out together, each row first: its image's others and those of images like it."""
        images = self.n // self.variants
        near = int(HELD_OUT * images / len(self.centred[0]))
        gram = torch.stack([one[:images, :images] for one in self.grams]).sum(0)
        length = gram.diagonal().clamp(min=1e-12).sqrt()
        likeness = gram / length / length[:, None]
        labels = self.targets[:images].to(self.device)
        likeness[labels[:, None] != labels] = -2.0
        likeness.fill_diagonal_(2.0)
        like = likeness.topk(near + 1, dim=1).indices
        shifts = images * torch.arange(self.variants, device=self.device)
        groups = [
            torch.cat([like + (own + shift) % self.n for shift in shifts.tolist()], dim=1) for own in shifts.tolist()
        ]
        return torch.cat(groups)

    def _gram(self, part: slice) -> torch.Tensor:
        gram = torch.zeros((self.n, self.n), device=self.device)
        for strip, x in self._strips(part, learn=True):
            require_finite(self.mean[strip])

            def tile(rows: torch.Tensor, x: torch.Tensor = x) -> None:
                a, b = int(rows[0]), int(rows[-1]) + 1
                gram[a:b, :b] += x[a:b] @ x[:b].T

            on_all_cores(tile, torch.split(torch.arange(self.n, device=self.device), TILE))
        lower = gram.tril(-1)
        return gram.tril_().add_(lower.T)

    def _strips(self, part: slice, learn: bool = False) -> Any:
        """The columns of a part, some at a time: where they are, and (n, ≤4096) float32, centred."""
        for start in range(part.start, part.stop, STRIP):
            strip = slice(start, min(start + STRIP, part.stop))
            x = torch.from_numpy(np.array(self.features[:, strip])).to(self.device).float()
            release(self.features)
            if learn:
                with torch_threads(1):
                    self.mean[strip] = x.mean(0)
            yield strip, x.sub_(self.mean[strip])
