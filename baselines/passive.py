"""Averaged passive-aggressive learning of a multi-class linear classifier, in blocks of matrix products.

Crammer et al. 2006 (PA-I), with averaging as Ushiku, Harada and Kuniyoshi 2012 used it for the ISI entry. The updates
are exactly those of one example after another: inside a block the scores are kept right through the block's Gram
matrix, so that the long vectors are touched once a block, by matrix products.
"""

from __future__ import annotations

import logging
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from topfive.common.classifier import Classifier

from .rows import Rows
from .svm import linear_scores

log = logging.getLogger("topfive.baselines.passive")

BLOCK = 128
SETTLED = 0.9  # of the errors of the epoch before: with more than this left, another one would change little


class PassiveAggressive(Classifier):
    """Moves the weights just far enough that the truth beats the best wrong class by 1, at most by ``aggressiveness``.

    ``features``: (n, D) float16 or float32 of about unit length, rows in random order. Fitted: ``coef_`` (D, C),
    ``intercept_`` (C,) zeros: the features' mean is not removed, as in the paper. The average is that of the weights
    after each block of 128 rows, by the number of rows in it. ``tuned_``, ``train_share_`` and ``converged_`` as those
    of ``LinearSVM``; nothing is held out, so what tells of convergence is the share of training rows taken wrongly.
    """

    def __init__(self, *, aggressiveness: float = 0.1, epochs: int = 5, device: str = "cpu") -> None:
        self.aggressiveness = aggressiveness
        self.epochs = epochs
        self.device = device

    def fit(self, features: Any, labels: NDArray[np.int64]) -> Self:
        """Learn from (n, D) features and their (n,) labels. ValueError: fewer than two classes."""
        self.classes_, targets = np.unique(np.asarray(labels), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("a classifier needs at least two classes in training")
        n, dims = features.shape
        weights = torch.zeros((dims, len(self.classes_)), device=self.device)
        mean = weights.clone()
        rows, blocks = Rows(features, self.device), [slice(a, min(a + BLOCK, n)) for a in range(0, n, BLOCK)]
        seen = 0
        shares: list[float] = []
        for epoch in range(self.epochs):
            wrong = 0
            for x, where in rows.batches(blocks, lambda block: block.float()):
                scores, gram = (x @ weights).cpu().numpy(), (x @ x.T).cpu().numpy()
                moves, errors = self._block(scores, gram, targets[where])
                wrong += errors
                weights += x.T @ torch.from_numpy(moves).to(self.device)
                seen += len(x)
                mean += (weights - mean) * (len(x) / seen)
            shares.append(wrong / n)
            log.info("passive-aggressive: epoch %d of %d, %.1f %% wrong", epoch + 1, self.epochs, 100 * shares[-1])
        self.coef_ = mean.cpu().numpy()
        self.intercept_ = np.zeros(len(self.classes_), dtype=np.float32)
        self.tuned_, self.train_share_ = "nothing", 1.0
        self.converged_ = {
            "converged": shares[-1] == 0 or (len(shares) > 1 and shares[-1] > SETTLED * shares[-2]),
            "why": f"{100 * shares[-1]:.1f} % of the training rows were wrong in the last of {self.epochs} epochs"
            + (f", {100 * shares[-2]:.1f} % in the one before" if len(shares) > 1 else ""),
        }
        return self

    def decision_function(self, features: Any) -> NDArray[np.float32]:
        """(n, C) float32 for (n, D) features."""
        return linear_scores(features, self.coef_, self.intercept_, self.device)

    def _block(
        self, scores: NDArray[np.float32], gram: NDArray[np.float32], targets: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], int]:
        """The (b, C) multiples of each row to add to the weights, one example after another; ``scores`` is used up."""
        moves = np.zeros_like(scores)
        errors = 0
        for i, truth in enumerate(targets):
            row = scores[i].copy()
            own = row[truth]
            row[truth] = -np.inf
            rival = int(row.argmax())
            errors += bool(row[rival] >= own)
            loss = 1 - own + row[rival]
            if loss <= 0:
                continue
            step = min(self.aggressiveness, loss / max(2 * gram[i, i], 1e-12))
            moves[i, truth], moves[i, rival] = step, -step
            later = step * gram[i, i + 1 :]
            scores[i + 1 :, truth] += later
            scores[i + 1 :, rival] -= later
        return moves, errors
