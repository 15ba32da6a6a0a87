"""Least squares on the Gram matrix: the same solution as scikit-learn's, honest held-out scores, weights of parts."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from topfive.baselines import dual
from topfive.baselines.dual import Problem, solve, suits
from topfive.baselines.svm import LinearSVM
from topfive.baselines.tuning import at_limit, best_of
from topfive.common.machine import torch_threads

Rows = tuple[np.ndarray, torch.Tensor]


@pytest.fixture(scope="module")
def few() -> Rows:
    """120 rows of 300 values around 4 overlapping centres, away from the origin."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 4
    rows = rng.normal(size=(4, 300))[labels] + 4 * rng.normal(size=(120, 300)) + 1
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), torch.from_numpy(labels)


def problem(rows: np.ndarray, targets: torch.Tensor, *ends: int, variants: int = 1) -> Problem:
    edges = [0, *ends, rows.shape[1]]
    parts = [slice(a, b) for a, b in pairwise(edges)]
    return Problem(rows, targets, int(targets.max()) + 1, parts, variants, "cpu")


def ridge(rows: np.ndarray, targets: torch.Tensor, penalty: float) -> Ridge:
    hits = 2.0 * (targets.numpy()[:, None] == np.arange(4)) - 1
    return Ridge(alpha=penalty).fit(rows.astype(np.float64), hits)


def test_the_solution_is_scikit_learns(few: Rows) -> None:
    rows, targets = few
    gram = problem(rows, targets)
    coef, intercept = gram.model((1.0,), 0.3)
    exact = ridge(rows, targets, 0.3 * float(gram.grams[0].diagonal().mean()))
    np.testing.assert_allclose(coef, exact.coef_.T, atol=1e-4)
    np.testing.assert_allclose(intercept, exact.intercept_, atol=1e-4)


def test_parts_are_weighed_as_if_their_values_were_longer(few: Rows) -> None:
    rows, targets = few
    gram = problem(rows, targets, 100)
    coef, intercept = gram.model((1.0, 4.0), 0.3)
    longer = rows.copy()
    longer[:, 100:] *= 2
    expected, constant = problem(longer, targets).model((1.0,), 0.3)
    np.testing.assert_allclose(rows @ coef + intercept, longer @ expected + constant, atol=1e-4)


@pytest.mark.parametrize("variants", [1, 2])
def test_leave_out_scores_are_those_of_fits_without_the_rows(few: Rows, variants: int) -> None:
    rows, targets = few
    images = len(rows) // variants
    targets = targets[:images].repeat(variants)
    gram = problem(rows, targets, variants=variants)
    scores = gram.leave_out_scores((1.0,), 0.3).numpy()
    penalty = 0.3 * float(gram.grams[0].diagonal().mean())
    for row in (0, 17, len(rows) - 1):
        out = gram.together[row]
        assert out[0] == row
        # A tenth of the class, and all variants of these images.
        assert len(out) == len(set(out.tolist())) == variants * (1 + images // 40)
        assert set((out % images).tolist()) == set((out[: 1 + images // 40] % images).tolist())
        assert (targets[out] == targets[row]).all()
        rest = np.setdiff1d(np.arange(len(rows)), out)
        # The targets are centred by the mean of all of them, as in the closed form; it is a constant of the scores.
        np.testing.assert_allclose(
            scores[row], ridge(rows[rest], targets[rest], penalty).predict(rows[[row]])[0], atol=1e-3
        )


def test_near_duplicates_do_not_vouch_for_each_other() -> None:
    """Rows in threes that are nearly the same, of no other likeness within their class: nothing can be learned."""
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(80, 400)), 3, axis=0) + 0.1 * rng.normal(size=(240, 400))
    targets = torch.arange(240) // 3 % 4
    error = problem(rows.astype(np.float32), targets).error((1.0,), 1.0)
    assert error > 0.5


def test_the_descriptor_that_says_nothing_gets_little_weight(few: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, targets = few
    noise = np.random.default_rng(1).normal(size=(120, 300)).astype(np.float32) / 8
    both = np.hstack([rows, noise])
    parts = [slice(0, 300), slice(300, 600)]
    weighed = solve(both, targets, 4, parts=parts)
    assert weighed.weights[0] == 1
    assert weighed.weights[1] < 1
    assert weighed.error < solve(both, targets, 4).error
    model = LinearSVM(solver="dual").fit(both, targets.numpy(), parts=parts)
    np.testing.assert_array_equal(model.coef_, weighed.coef)
    assert model.settings_["weights"] == weighed.weights
    assert model.tuned_ == "penalty and descriptors' weights, each image held out once"


def test_the_choice_is_inside_its_grid_or_it_is_told(few: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, targets = few
    model = LinearSVM(solver="dual").fit(rows, targets.numpy())
    assert model.converged_ == {"converged": True, "why": "solved exactly"}
    monkeypatch.setattr(dual, "PENALTY_LIMITS", (0.5, 2.0))
    monkeypatch.setattr(Problem, "_error", lambda self, weights, penalty: penalty)
    model = LinearSVM(solver="dual").fit(rows, targets.numpy())
    assert model.settings_["penalty"] == 0.5
    assert not model.converged_["converged"]


def test_grids_grow_where_the_best_value_is_at_the_edge() -> None:
    tried: list[float] = []

    def loss(best: float) -> float:
        def trial(value: float) -> float:
            tried.append(value)
            return abs(np.log2(value / best))

        return best_of(trial, (1.0, 0.5, 2.0), (2.0**-6, 2.0**6))

    assert loss(1.0) == 1.0
    assert tried == [1.0, 0.5, 2.0]
    tried.clear()
    assert loss(8.0) == 8.0
    assert tried == [1.0, 0.5, 2.0, 4.0, 8.0, 16.0]
    assert loss(0.125) == 0.125
    assert loss(1000.0) == 64.0  # the limit, where it ends
    assert at_limit(64.0, (1.0, 64.0))
    assert not at_limit(2.0, (1.0, 64.0))
    assert best_of(lambda value: 0.5, (1.0, 0.5, 2.0), (0.1, 10.0)) == 1.0  # of equals, the first

    def slowly(value: float) -> float:
        return 0.5 - 0.02 * np.log2(value)  # a standard error is 0.05 of 100 rows, 0.0158 of 1,000

    assert best_of(slowly, (1.0, 0.5, 2.0), (0.1, 8.0), held_out=100) == 2.0
    assert best_of(slowly, (1.0, 0.5, 2.0), (0.1, 8.0), held_out=1000) == 8.0


def test_it_is_taken_for_few_long_rows_alone(few: Rows) -> None:
    assert suits(3030, 16_896, 101)
    assert not suits(2000, 16_896, 20)  # a hundred a class
    assert not suits(5001, 16_896, 200)
    assert not suits(1000, 256, 200)  # fewer values than rows
    rows, targets = few
    assert LinearSVM().fit(rows, targets.numpy()).settings_["solver"] == "liblinear"  # still smaller
    labels = np.arange(120) % 40
    model = LinearSVM(negative_weight=1, step=1).fit(np.tile(rows, 4), labels)
    assert model.settings_["solver"] == "dual"


def test_nothing_depends_on_threads_or_on_where_the_rows_are(few: Rows, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(600, 5000)).astype(np.float16)  # more than one tile, more than one strip
    targets = torch.arange(600) % 20
    np.save(tmp_path / "rows.npy", rows)
    parts = [slice(0, 4500), slice(4500, 5000)]
    with torch_threads(1):
        one = solve(rows, targets, 20, parts=parts)
    with torch_threads(2):
        two = solve(np.load(tmp_path / "rows.npy", mmap_mode="r"), targets, 20, parts=parts)
    np.testing.assert_array_equal(one.coef, two.coef)
    np.testing.assert_array_equal(one.intercept, two.intercept)
    assert (one.penalty, one.weights) == (two.penalty, two.weights)
