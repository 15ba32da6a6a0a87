"""One-vs-rest linear SVM by averaged stochastic gradient descent on matrix products.

Perronnin, Akata, Harchaoui and Schmid 2012, "Towards good practice in large-scale learning for image classification":
the weight of the negatives and the stopping point matter most, and both are chosen on a held-out part of the training
set. Deviations: steps on batches instead of single images, so that all classes learn in one matrix product; squared
hinge loss; centred features, because the direction that all of them share would force short steps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import LinearSVC

from . import parameters
from .compute import on_cpu, product_dtype, threads
from .store import read

log = logging.getLogger("topfive.baselines.svm")

Each = Callable[[Callable[[slice], Any]], list[Any]]
Model = tuple[torch.Tensor, torch.Tensor]

BATCH = 128
EPOCHS = 8  # the stopping point is looked for up to here
NEGATIVE_WEIGHTS = (0.25, 1.0, 0.06)
STEPS = (1.0, 0.4)  # in units of 1 / the largest curvature of a batch
PENALTIES = (1.0, 0.1, 10.0)  # liblinear's C
HELD_OUT = 0.1
STOP_HELD_OUT = 5000  # rows, at most, that choose the stopping point where there are more than the tuning looks at
TUNING_VALUES = 1.5e8  # rows × features that the tuning looks at, but at least this many rows:
TUNING_LEAST = 20_000
LIBLINEAR_WORK = 3e6  # rows × features × classes up to which liblinear is quicker
STRIP = 4096  # features of a step that are worked on at once, so that their weights stay in a core's cache
AVERAGE_EVERY = 4  # steps; averaging at each would cost as much as the step
PREDICT_ROWS = 1024
ONE_THREAD = 400_000  # weights below which one thread is as quick as several
INTERCEPT_STEP = 0.1  # against the weights' step: the constant feature would else dominate the curvature


@dataclass(frozen=True)
class Recipe:
    """What is tuned: the weight of a negative against a positive's 1, the step, and how many epochs."""

    negative_weight: float
    step: float
    epochs: int


class LinearSVM(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Minimises, for each class, alpha/2 |w|² + mean of weight · max(0, 1 − ±score)² / 2 over the training rows.

    ``features``: (n, D) float16 or float32, an array or a memory map, rows of about unit length **in random order**
    (``encoder.extract`` stores them so); batches are neighbouring rows, so that a disk is read in long stretches.
    ``negative_weight``, ``step`` and ``epochs`` are tuned where None. ``solver``: "sgd", "liblinear", or "auto", which
    takes liblinear for small problems. Fitted: ``coef_`` (D, C) float32, ``intercept_`` (C,), ``recipe_``.
    """

    def __init__(
        self,
        *,
        solver: str = "auto",
        alpha: float = 0.0,
        negative_weight: float | None = None,
        step: float | None = None,
        epochs: int | None = None,
        random_state: int = 0,
        device: str = "cpu",
        n_jobs: int | None = None,
    ) -> None:
        self.solver = solver
        self.alpha = alpha
        self.negative_weight = negative_weight
        self.step = step
        self.epochs = epochs
        self.random_state = random_state
        self.device = device
        self.n_jobs = n_jobs

    def fit(self, features: Any, labels: NDArray[np.int64], *, tune_on: int | None = None) -> Self:
        """Learn from (n, D) features and their (n,) labels.

        ``tune_on``: tuning uses the first so many rows only; the others are variants of them, in the same order.
        ValueError: fewer than two classes, more or fewer labels than rows, a parameter that makes no sense, features
        that are not finite.
        """
        self._check()
        self.classes_, targets = np.unique(np.asarray(labels), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("a classifier needs at least two classes in training")
        if len(features) != len(targets):
            raise ValueError(f"{len(features)} rows of features but {len(targets)} labels")
        work = float(features.shape[0]) * features.shape[1] * len(self.classes_)
        small = self.solver == "auto" and work <= LIBLINEAR_WORK
        # Threads that share a small product mostly wait for each other, long on a busy machine.
        alone = features.shape[1] * len(self.classes_) < ONE_THREAD
        with threads(1 if alone else self.n_jobs):
            if self.solver == "liblinear" or small:
                self._fit_liblinear(np.asarray(features, dtype=np.float32), targets)
            else:
                self._fit_sgd(features, torch.from_numpy(targets), tune_on or len(features))
        return self

    def decision_function(self, features: Any) -> NDArray[np.float32]:
        """(n, C) float32 for (n, D) features."""
        with threads(self.n_jobs):
            return linear_scores(features, self.coef_, self.intercept_, self.device)

    def predict(self, features: Any) -> NDArray[np.int64]:
        """(n,) labels."""
        return np.asarray(self.classes_[self.decision_function(features).argmax(1)])

    def _check(self) -> None:
        parameters.one_of("solver", self.solver, ("auto", "sgd", "liblinear"))
        parameters.not_negative("alpha", self.alpha)
        for name in ("negative_weight", "step"):
            if getattr(self, name) is not None:
                parameters.positive(name, getattr(self, name))
        if self.epochs is not None:
            parameters.whole_number("epochs", self.epochs, 1)

    def _fit_liblinear(self, features: NDArray[np.float32], targets: NDArray[np.int64]) -> None:
        rng = np.random.default_rng(self.random_state)
        order = rng.permutation(len(features))
        held = order[: max(1, int(HELD_OUT * len(order)))]
        rest = order[len(held) :]

        def solve(rows: NDArray[np.int64], penalty: float) -> LinearSVC:
            model = LinearSVC(C=penalty, dual="auto", tol=1e-3, max_iter=3000, random_state=self.random_state)
            return model.fit(features[rows], targets[rows])

        best = (np.inf, PENALTIES[0])
        if len(np.unique(targets[rest])) == len(self.classes_):
            for penalty in PENALTIES:
                scores = _two_columns(solve(rest, penalty).decision_function(features[held]))
                best = min(best, (_loss(torch.from_numpy(scores), torch.from_numpy(targets[held])), penalty))
        model = solve(order, best[1])
        coef, intercept = np.atleast_2d(model.coef_).T, np.atleast_1d(model.intercept_)
        if len(self.classes_) == 2:
            coef, intercept = np.hstack([-coef, coef]), np.concatenate([-intercept, intercept])
        self.coef_ = np.ascontiguousarray(coef, dtype=np.float32)
        self.intercept_ = intercept.astype(np.float32)
        self.recipe_: Any = {"solver": "liblinear", "C": best[1]}
        log.info("liblinear: C = %g of %d tried", best[1], len(PENALTIES))

    def _fit_sgd(self, features: Any, targets: torch.Tensor, n: int) -> None:
        begin = time.perf_counter()
        trainer = _Trainer(features, targets, len(self.classes_), self.alpha, self.device, self.random_state)
        looked_at = int(min(n, max(TUNING_LEAST, TUNING_VALUES / features.shape[1])))
        recipe = self._tune(trainer, looked_at)
        log.info(
            "svm: negatives weigh %g, step %g (tuned in %.0f s)",
            recipe.negative_weight,
            recipe.step,
            time.perf_counter() - begin,
        )
        # More rows need fewer epochs than the tuning saw, so there the stopping point is looked for again.
        held = min(STOP_HELD_OUT, int(HELD_OUT * n)) if self.epochs is None and looked_at < n else 0
        rows = [range(a, a + n - held) for a in range(0, len(features), n)]
        begin = time.perf_counter()
        best, kept = np.inf, None
        for epoch, model in enumerate(trainer.epochs(recipe, rows), start=1):
            error = trainer.loss(model, range(n - held, n)) if held else np.nan
            rate = epoch * sum(map(len, rows)) / (time.perf_counter() - begin)
            told = f", held-out error {error:.4f}" if held else ""
            log.info("svm: epoch %d of %d at most, %.0f rows/s%s", epoch, recipe.epochs, rate, told)
            if held and error > best:
                break
            best, recipe_epochs = error, epoch
            if not held:
                kept = model
            elif kept is None:
                kept = model[0].clone(), model[1].clone()
            else:  # into the same memory: at ILSVRC a copy has a gigabyte
                for mine, new in zip(kept, model, strict=True):
                    mine.copy_(new)
        assert kept is not None
        weights, intercept = kept
        with threads(1):
            self.intercept_ = (intercept - trainer.mean @ weights).cpu().numpy()
        self.coef_ = weights.cpu().numpy()
        self.recipe_ = replace(recipe, epochs=recipe_epochs)

    def _tune(self, trainer: _Trainer, rows: int) -> Recipe:
        """Coordinate search on a held-out part: the negatives' weight, then the step; the best epoch of each trial."""
        if self.negative_weight is not None and self.step is not None and self.epochs is not None:
            return Recipe(self.negative_weight, self.step, self.epochs)
        train = rows - max(1, int(HELD_OUT * rows))
        longest = EPOCHS if self.epochs is None else self.epochs
        tried: dict[tuple[float, float], tuple[float, int]] = {}

        def trial(weight: float, step: float) -> tuple[float, int]:
            """The held-out loss and the number of epochs that reached it."""
            if (weight, step) not in tried:
                best = (np.inf, longest)
                for epoch, model in enumerate(trainer.epochs(Recipe(weight, step, longest), [range(train)]), start=1):
                    loss = trainer.loss(model, range(train, rows))
                    best = min(best, (loss, epoch if self.epochs is None else longest))
                    if epoch > best[1] + 1 and self.epochs is None:
                        break
                log.info("svm: negatives %g, step %g: held-out error %.4f after %d epochs", weight, step, *best)
                tried[weight, step] = best
            return tried[weight, step]

        step = STEPS[0] if self.step is None else self.step
        weights = NEGATIVE_WEIGHTS if self.negative_weight is None else (self.negative_weight,)
        weight = min(weights, key=lambda w: trial(w, step))
        steps = STEPS if self.step is None else (self.step,)
        step = min(steps, key=lambda s: trial(weight, s))
        return Recipe(weight, step, trial(weight, step)[1])


class _Trainer:
    """The rows, their targets and the steps on them; holds no model, so that trials share what was measured once.

    A processor's cores share a step by strips of features, whose weights stay in a core's cache between the gradient
    and the sum. The strips do not depend on the number of cores, so neither does the result.
    """

    def __init__(self, features: Any, targets: torch.Tensor, n_classes: int, alpha: float, device: str, seed: int):
        self.features, self.targets, self.n_classes, self.alpha = features, targets, n_classes, alpha
        self.device, self.seed, self.dtype = device, seed, product_dtype(device)
        dims = features.shape[1]
        width = STRIP if on_cpu(device) else dims
        self.strips = [slice(a, min(a + width, dims)) for a in range(0, dims, width)]
        self.workers = min(torch.get_num_threads(), len(self.strips))
        with threads(1):  # sums in an order that does not depend on the number of cores
            self.mean = self._mean()
            self.curvature = self._curvature()

    def epochs(self, recipe: Recipe, rows: Sequence[range]) -> Iterator[Model]:
        """The averaged weights (D, C) and intercepts (C,) after each epoch over ``rows``; the next one changes them."""
        weights = torch.zeros((self.features.shape[1], self.n_classes), device=self.device)
        intercept = torch.full((self.n_classes,), -1.0, device=self.device)
        mean_weights, mean_intercept = weights.clone(), intercept.clone()
        rounded = weights.to(self.dtype)  # what the scores are computed with
        step = recipe.step / self.curvature
        generator = torch.Generator().manual_seed(self.seed)
        batches = _slices(rows)
        done = 0

        def update(strip: slice, x: torch.Tensor, slope: torch.Tensor, share: float) -> None:
            part = weights[strip]
            if self.alpha:
                part.mul_(1 - step * self.alpha * len(x))
            part.add_((x[:, strip].T @ slope).float(), alpha=-step)
            rounded[strip].copy_(part)
            if share:
                mean_weights[strip].lerp_(part, share)

        for _ in range(recipe.epochs):
            shuffled = [batches[i] for i in torch.randperm(len(batches), generator=generator)]
            with self._cores() as each:
                for x, where in self._batches(shuffled):
                    y = self.targets[where].to(self.device)
                    scores = self._scores(x, rounded, each) + intercept
                    hits = torch.zeros_like(scores).scatter_(1, y.unsqueeze(1), 1.0)
                    # The slope of the loss by the score; positives weigh 1.
                    slope = (scores + 1).clamp_(min=0).mul_(recipe.negative_weight)
                    slope = torch.where(hits > 0, (scores - 1).clamp_(max=0), slope)
                    done += 1
                    # The plain mean during the first epoch, then one that forgets at the pace of an epoch.
                    share = min(1.0, AVERAGE_EVERY / min(done, len(batches)))
                    share *= done % AVERAGE_EVERY == 0 or done % len(batches) == 0

                    each(partial(update, x=x, slope=slope.to(self.dtype), share=share))
                    intercept.sub_(slope.sum(0), alpha=step * INTERCEPT_STEP)
                    if share:
                        mean_intercept.lerp_(intercept, share)
            _require_finite(intercept)
            yield mean_weights, mean_intercept

    def loss(self, model: Model, rows: range) -> float:
        """Held-out loss of a model."""
        weights, intercept = model
        rounded = weights.to(self.dtype)
        with self._cores() as each:
            scores = [self._scores(x, rounded, each) + intercept for x, _ in self._batches(_slices([rows]))]
        return _loss(torch.cat(scores).cpu(), self.targets[rows.start : rows.stop])

    def _scores(self, x: torch.Tensor, weights: torch.Tensor, each: Each) -> torch.Tensor:
        """(n, C) float32, the sum over the strips, in their order."""
        return torch.stack([part.float() for part in each(lambda strip: x[:, strip] @ weights[strip])]).sum(0)

    @contextmanager
    def _cores(self) -> Iterator[Each]:
        """What calls a function of each strip, on all cores at once, and gives the answers in order."""
        with threads(1), ThreadPoolExecutor(self.workers, thread_name_prefix="svm") as pool:
            yield lambda work: list(pool.map(work, self.strips))

    def _batches(self, slices: list[slice]) -> Iterator[tuple[torch.Tensor, slice]]:
        """Centred rows in the product's dtype, made one batch ahead."""
        mean = self.mean.to(self.dtype)

        def rows(where: slice) -> torch.Tensor:
            return (
                torch.from_numpy(read(self.features, where.start, where.stop)).to(self.device).to(self.dtype).sub_(mean)
            )

        with ThreadPoolExecutor(1, thread_name_prefix="rows") as reader:
            ahead = [reader.submit(rows, s) for s in slices[:1]]
            for i, where in enumerate(slices):
                made = ahead.pop().result()
                if i + 1 < len(slices):
                    ahead.append(reader.submit(rows, slices[i + 1]))
                yield made, where

    def _mean(self) -> torch.Tensor:
        """(D,) over at most 4,096 rows: centring only has to be about right, the intercept takes up the rest."""
        rows = torch.from_numpy(read(self.features, 0, 4096))
        return rows.mean(0, dtype=torch.float32).to(self.device)

    def _curvature(self) -> float:
        """Largest eigenvalue of a batch's Gram matrix, the mean of four batches: above 2 / it, a step diverges."""
        values = []
        starts = np.linspace(0, max(0, len(self.features) - BATCH), 4).astype(int).tolist()
        for x, _ in self._batches([slice(start, start + BATCH) for start in starts]):
            gram = (x @ x.T).float()
            _require_finite(gram)
            values.append(float(torch.linalg.eigvalsh(gram)[-1]))
        return max(float(np.mean(values)), 1e-6)


def linear_scores(
    features: Any, coef: NDArray[np.float32], intercept: NDArray[np.float32], device: str
) -> NDArray[np.float32]:
    """(n, C) float32: (n, D) features in memory or on disk times ``coef`` (D, C), plus ``intercept`` (C,)."""
    weights, constant = torch.from_numpy(coef).to(device), torch.from_numpy(intercept).to(device)
    scores = np.empty((len(features), len(intercept)), dtype=np.float32)
    for start in range(0, len(features), PREDICT_ROWS):
        rows = torch.from_numpy(read(features, start, start + PREDICT_ROWS)).to(device).float()
        scores[start : start + PREDICT_ROWS] = torch.addmm(constant, rows, weights).cpu().numpy()
    return scores


def _require_finite(values: torch.Tensor) -> None:
    """ValueError where one is not: a row that is not finite makes the sums over its batch so."""
    if not torch.isfinite(values).all():
        raise ValueError("the features hold NaN or infinite values, or a step so long that the weights overflow")


def _slices(rows: Sequence[range]) -> list[slice]:
    """Batches of neighbouring rows; a slice does not reach from one range into the next."""
    return [slice(a, min(a + BATCH, r.stop)) for r in rows for a in range(r.start, r.stop, BATCH)]


def _loss(scores: torch.Tensor, targets: torch.Tensor) -> float:
    """Mean of the top-1 and top-5 error; ties count against."""
    rank = (scores >= scores.gather(1, targets.unsqueeze(1))).sum(1)
    k = min(5, scores.shape[1] - 1)
    return float(((rank > 1).double().mean() + (rank > k).double().mean()) / 2)


def _two_columns(scores: NDArray[Any]) -> NDArray[np.float32]:
    columns = scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1)
    return np.asarray(columns, dtype=np.float32)
