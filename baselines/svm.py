"""One-vs-rest linear classifiers: an SVM by averaged stochastic gradient descent, or exact solvers where rows are few.

Perronnin, Akata, Harchaoui and Schmid 2012, "Towards good practice in large-scale learning for image classification":
the weight of the negatives and the stopping point matter most, and both are chosen on a held-out part of the training
set. Deviations: steps on batches instead of single images, so that all classes learn in one matrix product; squared
hinge loss; centred features, because the direction that all of them share would force short steps.

No tuned value is at the edge of what was tried: grids grow (``tuning``), and epochs go on while the held-out error
falls.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC
from topfive.common.classifier import Classifier
from topfive.common.machine import torch_threads
from topfive.common.parameters import number, one_of, whole_number

from . import dual
from .rows import Rows
from .sgd import BATCH, DivergedError, Settings, Trainer, held_out_error
from .tuning import best_of, standard_error

log = logging.getLogger("topfive.baselines.svm")

EPOCHS = 100  # the stopping point is looked for up to here
NEGATIVE_WEIGHTS = (0.25, 1.0, 0.06)
WEIGHT_LIMITS = (1e-4, 64.0)
STEPS = (1.0, 0.4)  # in units of 1 / the largest curvature of a batch
STEP_LIMITS = (0.01, 1.0)  # twice as long a one diverges; what a longer one would reach, more epochs reach
# Stopping early is worth a penalty of 1 / (step · rows seen): this much of it, and 0, are tried at first.
ALPHA = 0.25
ALPHA_LIMITS = (2.0**-8, 2.0**8)
PENALTIES = (1.0, 0.1, 10.0)  # liblinear's C
PENALTY_LIMITS = (1e-4, 1e4)
HELD_OUT = 0.1
STOP_HELD_OUT = 5000  # rows, at most, that choose the stopping point where there are more than the tuning looks at
TUNING_VALUES = 1.5e8  # rows × features that the tuning looks at, but at least this many rows:
TUNING_LEAST = 20_000
LIBLINEAR_WORK = 3e6  # rows × features × classes up to which liblinear is quicker
ONE_THREAD = 400_000  # weights below which one thread is as quick as several


class LinearSVM(Classifier):
    """Minimises, for each class, alpha/2 |w|² + mean of weight · max(0, 1 − ±score)² / 2 over the training rows.

    ``features``: (n, D) float16 or float32, an array or a memory map, rows of about unit length **in random order**
    (``extraction.extract`` stores them so); batches are neighbouring rows, so that a disk is read in long stretches.
    ``alpha``, ``negative_weight``, ``step`` and ``epochs`` are tuned where None. ``solver``: "sgd"; "liblinear";
    "dual", least squares with a penalty instead of the squared hinge (``dual``); or "auto", which takes liblinear for
    small problems and "dual" for few, long rows (``dual.suits``). Fitted: ``coef_`` (D, C) float32, ``intercept_``
    (C,), ``settings_``; ``tuned_``, what was chosen and on which rows, in words; ``train_share_`` of the rows that the
    final fit learned from; ``converged_``, ``{"converged": bool, "why": str}``.
    """

    def __init__(
        self,
        *,
        solver: str = "auto",
        alpha: float | None = None,
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

    def fit(
        self, features: Any, labels: NDArray[np.int64], *, tune_on: int | None = None, parts: Sequence[slice] = ()
    ) -> Self:
        """Learn from (n, D) features and their (n,) labels.

        ``tune_on``: tuning uses the first so many rows only; the others are variants of them, in the same order.
        ``parts``: the columns of each descriptor; "dual" tunes a weight for each.
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
        with torch_threads(1 if alone else self.n_jobs):
            if self.solver == "liblinear" or small:
                self._fit_liblinear(np.asarray(features, dtype=np.float32), targets)
            elif self.solver == "dual" or (
                self.solver == "auto" and dual.suits(len(features), features.shape[1], len(self.classes_))
            ):
                self._fit_dual(features, torch.from_numpy(targets), tune_on or len(features), parts)
            else:
                self._fit_sgd(features, torch.from_numpy(targets), tune_on or len(features))
        return self

    def decision_function(self, features: Any) -> NDArray[np.float32]:
        """(n, C) float32 for (n, D) features."""
        with torch_threads(self.n_jobs):
            return linear_scores(features, self.coef_, self.intercept_, self.device)

    def _check(self) -> None:
        one_of("solver", self.solver, ("auto", "sgd", "liblinear", "dual"))
        number("alpha", self.alpha, least=0, optional=True)
        number("negative_weight", self.negative_weight, above=0, optional=True)
        number("step", self.step, above=0, optional=True)
        whole_number("epochs", self.epochs, 1, optional=True)

    def _fit_liblinear(self, features: NDArray[np.float32], targets: NDArray[np.int64]) -> None:
        rng = np.random.default_rng(self.random_state)
        order = rng.permutation(len(features))
        held = order[: max(1, int(HELD_OUT * len(order)))]
        rest = order[len(held) :]

        def solve(rows: NDArray[np.int64], penalty: float) -> LinearSVC:
            model = LinearSVC(C=penalty, dual="auto", tol=1e-3, max_iter=3000, random_state=self.random_state)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # of trials; of the final fit converged_ tells it
                return model.fit(features[rows], targets[rows])

        def trial(penalty: float) -> float:
            scores = _two_columns(solve(rest, penalty).decision_function(features[held]))
            return held_out_error(torch.from_numpy(scores), torch.from_numpy(targets[held]))

        tunable = len(np.unique(targets[rest])) == len(self.classes_)
        penalty = best_of(trial, PENALTIES, PENALTY_LIMITS, held_out=len(held)) if tunable else PENALTIES[0]
        model = solve(order, penalty)
        coef, intercept = np.atleast_2d(model.coef_).T, np.atleast_1d(model.intercept_)
        if len(self.classes_) == 2:
            coef, intercept = np.hstack([-coef, coef]), np.concatenate([-intercept, intercept])
        self.coef_ = np.ascontiguousarray(coef, dtype=np.float32)
        self.intercept_ = intercept.astype(np.float32)
        self.settings_: Any = {"solver": "liblinear", "C": penalty}
        self.tuned_ = "SVM penalty on a held-out tenth" if tunable else "nothing"
        self.train_share_ = 1.0
        steps = int(np.max(model.n_iter_))
        self.converged_ = _verdict(steps < model.max_iter, f"liblinear stopped after {steps} of {model.max_iter} steps")
        log.info("liblinear: C = %g", penalty)

    def _fit_dual(self, features: Any, targets: torch.Tensor, n: int, parts: Sequence[slice]) -> None:
        begin = time.perf_counter()
        solution = dual.solve(
            features, targets, len(self.classes_), parts=parts, variants=len(features) // n, device=self.device
        )
        self.coef_, self.intercept_ = solution.coef, solution.intercept
        self.settings_ = {"solver": "dual", "penalty": solution.penalty, "weights": solution.weights}
        weights = " and descriptors' weights" if len(parts) > 1 else ""
        self.tuned_ = f"penalty{weights}, each image held out once"
        self.train_share_ = 1.0
        why = "solved exactly" + ("" if solution.inside else "; a tuned value lies at the limit of what is tried")
        self.converged_ = _verdict(solution.inside, why)
        log.info(
            "least squares: penalty %g, weights %s, held-out error %.4f (%.0f s)",
            solution.penalty,
            "+".join(f"{weight:g}" for weight in solution.weights),
            solution.error,
            time.perf_counter() - begin,
        )

    def _fit_sgd(self, features: Any, targets: torch.Tensor, n: int) -> None:
        begin = time.perf_counter()
        trainer = Trainer(features, targets, len(self.classes_), self.device, self.random_state)
        looked_at = int(min(n, max(TUNING_LEAST, TUNING_VALUES / features.shape[1])))
        settings = self._tune(trainer, looked_at)
        log.info(
            "svm: negatives weigh %g, step %g, penalty %g (tuned in %.0f s)",
            settings.negative_weight,
            settings.step,
            settings.alpha,
            time.perf_counter() - begin,
        )
        # More rows need fewer epochs than the tuning saw, so there the stopping point is looked for again.
        held = min(STOP_HELD_OUT, int(HELD_OUT * n)) if self.epochs is None and looked_at < n else 0
        rows = [range(a, a + n - held) for a in range(0, len(features), n)]
        begin = time.perf_counter()
        best, kept = np.inf, None
        for epoch, model in enumerate(trainer.epochs(settings, rows), start=1):
            error = trainer.loss(model, range(n - held, n)) if held else np.nan
            rate = epoch * sum(map(len, rows)) / (time.perf_counter() - begin)
            told = f", held-out error {error:.4f}" if held else ""
            log.info("svm: epoch %d of %d at most, %.0f rows/s%s", epoch, settings.epochs, rate, told)
            if held and error > best:
                break
            best, best_epochs = error, epoch
            if not held:
                kept = model
            elif kept is None:
                kept = model[0].clone(), model[1].clone()
            else:  # into the same memory: at ILSVRC a copy has a gigabyte
                for mine, new in zip(kept, model, strict=True):
                    mine.copy_(new)
        assert kept is not None
        weights, intercept = kept
        with torch_threads(1):
            self.intercept_ = (intercept - trainer.mean @ weights).cpu().numpy()
        self.coef_ = weights.cpu().numpy()
        self.settings_ = replace(settings, epochs=best_epochs)
        self.tuned_ = self._what_was_tuned(looked_at, n, held)
        self.train_share_ = 1 - held / n
        if self.epochs is not None:
            self.converged_ = _verdict(False, f"the SVM ran the {self.epochs} epochs it was given, none held out")
        else:
            self.converged_ = _falling(best_epochs, settings.epochs if held else EPOCHS)

    def _what_was_tuned(self, looked_at: int, n: int, held: int) -> str:
        given = {
            "class weight": self.negative_weight, "rate": self.step, "penalty": self.alpha, "epochs": self.epochs
        }  # fmt: skip
        names = [name for name, value in given.items() if value is None]
        if not names:
            return "nothing"
        words = "SVM " + ", ".join(names[:-1]) + (" and " if names[1:] else "") + names[-1] + " on a held-out tenth"
        words += f" of {looked_at:,} images" if looked_at < n else ""
        return words + (f", epochs again on {held:,} held-out images" if held else "")

    def _tune(self, trainer: Trainer, rows: int) -> Settings:
        """Coordinate search on a held-out part: negatives' weight, step, penalty; the best epoch of each trial."""
        weight = NEGATIVE_WEIGHTS[0] if self.negative_weight is None else self.negative_weight
        step = STEPS[0] if self.step is None else self.step
        alpha = self.alpha or 0.0
        if None not in (self.negative_weight, self.step, self.epochs, self.alpha):
            return Settings(weight, step, self.epochs or 1, alpha)
        held = max(1, int(HELD_OUT * rows))
        train = rows - held
        longest = EPOCHS if self.epochs is None else self.epochs

        @cache
        def trial(weight: float, step: float, alpha: float) -> tuple[float, int]:
            """The held-out loss and the number of epochs that reached it."""
            best = (np.inf, longest)
            settings = Settings(weight, step, longest, alpha)
            try:
                for epoch, model in enumerate(trainer.epochs(settings, [range(train)]), start=1):
                    loss = trainer.loss(model, range(train, rows))
                    best = min(best, (loss, epoch if self.epochs is None else longest))
                    if epoch > best[1] + 1 and self.epochs is None:
                        break
            except DivergedError:
                if step * max(weight, 1.0) <= STEPS[0]:  # no step that long: the features themselves
                    raise
                return np.inf, longest
            log.info(
                "svm: negatives %g, step %g, penalty %g: held-out error %.4f after %d epochs",
                weight, step, alpha, *best,
            )  # fmt: skip
            return best

        if self.negative_weight is None:
            weight = best_of(lambda w: trial(w, step, alpha)[0], NEGATIVE_WEIGHTS, WEIGHT_LIMITS, held_out=held)
        if self.step is None:
            step = best_of(lambda s: trial(weight, s, alpha)[0], STEPS, STEP_LIMITS, held_out=held)
        if self.alpha is None:
            unit = trainer.curvature / (step * BATCH * -(-train // BATCH) * trial(weight, step, 0.0)[1])
            # No penalty at all is no edge of a grid, but the least there is.
            without = trial(weight, step, 0.0)[0]
            if trial(weight, step, ALPHA * unit)[0] < without - standard_error(without, held):
                grid = (ALPHA * unit, 2 * ALPHA * unit)
                limits = (ALPHA_LIMITS[0] * unit, ALPHA_LIMITS[1] * unit)
                alpha = best_of(lambda a: trial(weight, step, a)[0], grid, limits, held_out=held)
        return Settings(weight, step, trial(weight, step, alpha)[1], alpha)


class Linear:
    """The scores of rows that are on ``device``: (n, D) → (n, C) float32, times ``coef`` (D, C) plus ``intercept``."""

    def __init__(self, coef: NDArray[np.float32], intercept: NDArray[np.float32], device: str) -> None:
        self.weights, self.constant = (torch.from_numpy(part).to(device) for part in (coef, intercept))

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.addmm(self.constant, rows.float(), self.weights)


def linear_scores(
    features: Any, coef: NDArray[np.float32], intercept: NDArray[np.float32], device: str
) -> NDArray[np.float32]:
    """(n, C) float32: (n, D) features in memory or on disk times ``coef`` (D, C), plus ``intercept`` (C,)."""
    linear = Linear(coef, intercept, device)
    scores = torch.empty((len(features), len(intercept)), device=device)  # at once: see ``sgd.Trainer.loss``
    for rows, where in Rows(features, device, keep=False).chunks(0, len(features)):
        scores[where] = linear(rows)
    return np.asarray(scores.cpu().numpy())


def _two_columns(scores: NDArray[Any]) -> NDArray[np.float32]:
    columns = scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1)
    return np.asarray(columns, dtype=np.float32)


def _verdict(converged: bool, why: str) -> dict[str, Any]:
    return {"converged": converged, "why": why}


def _falling(best: int, last: int) -> dict[str, Any]:
    """Whether the held-out error, which was lowest after ``best`` epochs of at most ``last``, had stopped falling."""
    if best < last:
        return _verdict(True, f"the held-out error was lowest after {best} of {last} epochs of the SVM")
    return _verdict(False, f"the held-out error was still falling after all {last} epochs of the SVM")
