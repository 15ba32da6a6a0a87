"""The linear classifiers: the same optimum as liblinear's, tuning, and features on disk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from sklearn.svm import LinearSVC
from topfive.baselines.passive import PassiveAggressive
from topfive.baselines.store import Store, read, release
from topfive.baselines.svm import LinearSVM


@pytest.fixture(scope="module")
def problem() -> tuple[np.ndarray, np.ndarray]:
    """600 rows of 20 values around 4 overlapping centres, of unit length, in random order."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 600) * 10  # labels need not be 0, 1, 2 …
    rows = rng.normal(size=(4, 20))[labels // 10] + 1.2 * rng.normal(size=(600, 20))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels


def objective(model: LinearSVM, rows: np.ndarray, labels: np.ndarray, alpha: float) -> float:
    signs = np.where(labels[:, None] == model.classes_, 1.0, -1.0)
    margins = np.maximum(0, 1 - signs * (rows @ model.coef_ + model.intercept_))
    return float(alpha / 2 * (model.coef_**2).sum() + (margins**2).sum(1).mean() / 2)


def test_reaches_liblinears_objective(problem: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = problem
    alpha = 0.01
    ours = LinearSVM(solver="sgd", alpha=alpha, negative_weight=1.0, step=0.5, epochs=150).fit(rows, labels)
    theirs = LinearSVM(solver="liblinear").fit(rows, labels)
    # liblinear minimises |w|²/2 + C Σ max(0, 1 − ys)²; a large scaling leaves the intercept all but free, as here.
    exact = LinearSVC(
        C=1 / (2 * alpha * len(rows)) * 1.0, intercept_scaling=100, tol=1e-8, max_iter=100_000, dual=False
    )
    exact.C = 1 / (2 * alpha * len(rows))
    exact.fit(rows, labels)
    theirs.coef_, theirs.intercept_ = exact.coef_.T.astype(np.float32), exact.intercept_.astype(np.float32)
    best, reached = (objective(m, rows, labels, alpha) for m in (theirs, ours))
    assert best <= reached + 1e-4
    assert reached <= 1.01 * best


@pytest.mark.parametrize("solver", ["sgd", "liblinear"])
def test_tuned_models_classify(problem: tuple[np.ndarray, np.ndarray], solver: str) -> None:
    rows, labels = problem
    model = LinearSVM(solver=solver).fit(rows[:500], labels[:500])
    assert (model.predict(rows[500:]) == labels[500:]).mean() > 0.85
    assert model.classes_.tolist() == [0, 10, 20, 30]


def test_two_classes_have_two_columns(problem: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = problem
    for solver in ("sgd", "liblinear"):
        model = LinearSVM(solver=solver).fit(rows, labels > 10)
        scores = model.decision_function(rows)
        assert scores.shape == (600, 2)
        assert (model.predict(rows) == (labels > 10)).mean() > 0.8


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the kernel of Linux what is resident")
def test_a_pass_over_features_on_disk_takes_no_memory(tmp_path: Path) -> None:
    def resident() -> int:
        return psutil.Process().memory_info().shared  # mapped files are counted here

    def fill(out: Any) -> None:
        for start in range(0, len(out), 64):
            out[start : start + 64] = np.arange(start, start + 64)[:, None] % 1000
            release(out[start : start + 64])

    before = resident()
    features = Store(str(tmp_path)).features({"data": "test"}, (4096, 8192), fill)  # 64 MiB
    assert resident() - before < 8 * 2**20
    columns = features[:, 5:4101]
    for start in range(0, 4096, 100):
        rows = read(columns, start, start + 100)
        assert rows.shape[1] == 4096
        assert (rows == np.arange(start, min(start + 100, 4096))[:, None] % 1000).all()
    assert resident() - before < 8 * 2**20
    assert read(np.eye(3), 1, 9).tolist() == [[0, 1, 0], [0, 0, 1]]  # arrays in memory stay as they are


def test_features_on_disk_give_the_same_model(problem: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    rows, labels = problem
    half = rows.astype(np.float16)

    def fill(out: np.ndarray) -> None:
        out[:] = half

    stored = Store(str(tmp_path)).features({"data": "test"}, half.shape, fill)
    assert isinstance(stored, np.memmap)
    again = Store(str(tmp_path)).features({"data": "test"}, half.shape, lambda out: pytest.fail("made twice"))
    fits = [
        LinearSVM(solver="sgd", negative_weight=0.5, step=1.0, epochs=3).fit(x, labels) for x in (half, stored, again)
    ]
    np.testing.assert_array_equal(fits[0].coef_, fits[1].coef_)
    np.testing.assert_array_equal(fits[0].coef_, fits[2].coef_)


def test_a_different_key_is_made_again_and_nothing_half_made_stays(tmp_path: Path) -> None:
    store = Store(str(tmp_path))

    def broken(out: np.ndarray) -> None:
        raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError, match="power"):
        store.features({"data": "a"}, (2, 2), broken)
    assert list(tmp_path.iterdir()) == []
    assert store.kept("codebook", {"data": "a"}, lambda: 1) == 1
    assert store.kept("codebook", {"data": "a"}, lambda: 2) == 1
    assert store.kept("codebook", {"data": "b"}, lambda: 3) == 3


def test_passive_aggressive_in_blocks_is_the_sequential_algorithm(problem: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = problem
    model = PassiveAggressive(epochs=1, aggressiveness=0.3)
    targets = labels // 10
    weights = np.zeros((20, 4))
    for x, truth in zip(rows[:100].astype(np.float64), targets[:100], strict=True):
        scores = x @ weights
        rivals = np.where(np.arange(4) == truth, -np.inf, scores)
        rival = int(rivals.argmax())
        step = min(0.3, max(0.0, 1 - scores[truth] + scores[rival]) / (2 * x @ x))
        weights[:, truth] += step * x
        weights[:, rival] -= step * x
    model.fit(rows[:100], labels[:100])  # one block: its average is the weights after it
    np.testing.assert_allclose(model.coef_, weights, atol=1e-4)


def test_one_class_is_an_error(problem: tuple[np.ndarray, np.ndarray]) -> None:
    rows, _ = problem
    with pytest.raises(ValueError, match="two classes"):
        LinearSVM().fit(rows, np.zeros(600))
    with pytest.raises(ValueError, match="labels"):
        LinearSVM().fit(rows, np.arange(5))


def test_gpu_agrees(problem: tuple[np.ndarray, np.ndarray], gpu: str) -> None:
    rows, labels = problem
    fits = [
        LinearSVM(solver="sgd", negative_weight=0.5, step=0.5, epochs=5, device=device).fit(rows, labels)
        for device in ("cpu", gpu)
    ]
    np.testing.assert_allclose(fits[0].decision_function(rows), fits[1].decision_function(rows), atol=0.03)
