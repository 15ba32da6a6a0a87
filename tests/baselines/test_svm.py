"""The linear classifiers: the same optimum as liblinear's, tuning, and features on disk."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import topfive.baselines.store as store_module
import torch
from sklearn.svm import LinearSVC
from topfive.baselines import svm
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
    # liblinear minimises |w|²/2 + C Σ max(0, 1 − ys)²; a large scaling leaves the intercept all but free, as here.
    exact = LinearSVC(C=1 / (2 * alpha * len(rows)), intercept_scaling=100, tol=1e-8, max_iter=100_000, dual=False)
    exact.fit(rows, labels)
    theirs = LinearSVM()
    theirs.classes_ = exact.classes_
    theirs.coef_, theirs.intercept_ = exact.coef_.T.astype(np.float32), exact.intercept_.astype(np.float32)
    best, reached = (objective(m, rows, labels, alpha) for m in (theirs, ours))
    assert best <= reached + 1e-4
    assert reached <= 1.01 * best


def test_liblinear_is_liblinear_at_the_c_that_was_tuned(problem: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = problem
    ours = LinearSVM(solver="liblinear").fit(rows, labels)
    exact = LinearSVC(C=ours.recipe_["C"], tol=1e-8, max_iter=100_000, dual=False).fit(rows, labels)
    np.testing.assert_allclose(ours.coef_, exact.coef_.T, atol=0.01)
    np.testing.assert_allclose(ours.intercept_, exact.intercept_, atol=0.01)


def test_auto_takes_liblinear_for_small_problems_alone(
    problem: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels = problem
    assert LinearSVM().fit(rows, labels).recipe_["solver"] == "liblinear"
    monkeypatch.setattr(svm, "LIBLINEAR_WORK", rows.size * 4 - 1)
    assert isinstance(LinearSVM().fit(rows, labels).recipe_, svm.Recipe)


def test_weights_do_not_depend_on_the_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(512, 5000)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    labels = np.arange(512) % 100  # 500,000 weights
    one, two = (
        LinearSVM(solver="sgd", negative_weight=0.25, step=0.4, epochs=2, n_jobs=n_jobs).fit(rows, labels)
        for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one.coef_, two.coef_)
    np.testing.assert_array_equal(one.intercept_, two.intercept_)


def test_the_model_of_the_best_epoch_is_kept(
    problem: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels = problem
    monkeypatch.setattr(svm, "TUNING_LEAST", 200)
    monkeypatch.setattr(svm, "TUNING_VALUES", 0)
    monkeypatch.setattr(LinearSVM, "_tune", lambda self, *_: svm.Recipe(1.0, 20.0, self.epochs or svm.EPOCHS))
    # Both would differ a little where fewer rows are given.
    monkeypatch.setattr(svm._Trainer, "_mean", lambda self: torch.zeros(20))
    monkeypatch.setattr(svm._Trainer, "_curvature", lambda self: 30.0)
    stopped = LinearSVM(solver="sgd").fit(rows, labels)
    assert 1 < stopped.recipe_.epochs < svm.EPOCHS  # so long a step soon makes it worse
    told = LinearSVM(solver="sgd", epochs=stopped.recipe_.epochs).fit(rows[:540], labels[:540])  # a tenth was held out
    np.testing.assert_array_equal(stopped.coef_, told.coef_)
    np.testing.assert_array_equal(stopped.intercept_, told.intercept_)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"solver": "foo"}, "solver must be one of auto, sgd, liblinear, not 'foo'"),
        ({"alpha": -1}, "alpha must be a number of at least 0, not -1"),
        ({"step": "fast"}, "step must be a number of at least 0, not 'fast'"),
        ({"epochs": 2.5}, "epochs must be a whole number of at least 1, not 2.5"),
    ],
)
def test_bad_parameters_are_one_clear_error(
    parameters: dict[str, Any], said: str, problem: tuple[np.ndarray, np.ndarray]
) -> None:
    with pytest.raises(ValueError, match=said):
        LinearSVM(**parameters).fit(*problem)


@pytest.mark.parametrize("solver", ["sgd", "liblinear"])
@pytest.mark.parametrize("row", [3, 550])
def test_features_that_are_not_finite_are_one_clear_error(
    problem: tuple[np.ndarray, np.ndarray], solver: str, row: int
) -> None:
    rows, labels = problem[0].copy(), problem[1]
    rows[row, 7] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        LinearSVM(solver=solver).fit(rows, labels)


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


def test_only_what_is_missing_is_made_and_kept(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    asked = []

    def make(missing: list[int]) -> list[str]:
        asked.append(missing)
        return [f"made {i}" for i in missing]

    keys = [{"data": "a"}, {"data": "b"}, None]
    assert store.kept("codebook", keys[:1], make) == ["made 0"]
    assert store.kept("codebook", keys, make) == ["made 0", "made 1", "made 2"]
    assert store.kept("codebook", keys[1::-1], make) == ["made 1", "made 0"]
    assert asked == [[0], [1, 2]]
    with pytest.raises((AttributeError, pickle.PicklingError)):
        store.kept("codebook", [{"data": "c"}], lambda missing: [lambda: None])
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".pickle", ".pickle"]


def test_large_features_without_a_key_lie_below_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "IN_MEMORY", 0)
    folder = tmp_path / "cache"

    def fill(out: np.ndarray) -> None:
        assert [path.suffix for path in folder.iterdir()] == [".part"]
        out[:] = 1

    assert (Store(str(folder)).features(None, (2, 3), fill) == 1).all()
    assert list(folder.iterdir()) == []


def passive_aggressive_step(weights: np.ndarray, x: np.ndarray, truth: int) -> None:
    scores = x @ weights
    rival = int(np.where(np.arange(4) == truth, -np.inf, scores).argmax())
    step = min(0.3, max(0.0, 1 - scores[truth] + scores[rival]) / (2 * x @ x))
    weights[:, truth] += step * x
    weights[:, rival] -= step * x


def test_passive_aggressive_in_blocks_is_the_sequential_algorithm(problem: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = problem[0][:300], problem[1][:300]
    weights, total, n = np.zeros((20, 4)), np.zeros((20, 4)), 0
    for _ in range(2):
        for start, stop in ((0, 128), (128, 256), (256, 300)):
            for x, truth in zip(rows[start:stop].astype(np.float64), labels[start:stop] // 10, strict=True):
                passive_aggressive_step(weights, x, truth)
            total += (stop - start) * weights
            n += stop - start
    model = PassiveAggressive(epochs=2, aggressiveness=0.3).fit(rows, labels)
    np.testing.assert_allclose(model.coef_, total / n, atol=1e-4)


@pytest.mark.parametrize("model", [LinearSVM(solver="sgd", step=1, epochs=1), PassiveAggressive(epochs=1)])
def test_scores_come_from_the_disk_and_from_no_rows(
    model: Any, problem: tuple[np.ndarray, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels = problem
    model.fit(rows, labels)
    assert model.decision_function(rows[:0]).shape == (0, 4)
    released = []
    monkeypatch.setattr(store_module, "release", released.append)
    np.save(tmp_path / "rows.npy", rows)
    scores = model.decision_function(np.load(tmp_path / "rows.npy", mmap_mode="r"))
    np.testing.assert_allclose(scores, rows @ model.coef_ + model.intercept_, atol=1e-5)
    assert sum(map(len, released)) == len(rows)


def test_one_class_is_an_error(problem: tuple[np.ndarray, np.ndarray]) -> None:
    rows, _ = problem
    with pytest.raises(ValueError, match="two classes"):
        LinearSVM().fit(rows, np.zeros(600))
    with pytest.raises(ValueError, match="two classes"):
        PassiveAggressive().fit(rows, np.zeros(600))
    with pytest.raises(ValueError, match="labels"):
        LinearSVM().fit(rows, np.arange(5))


def test_gpu_agrees(problem: tuple[np.ndarray, np.ndarray], gpu: str) -> None:
    rows, labels = problem
    fits = [
        LinearSVM(solver="sgd", negative_weight=0.5, step=0.5, epochs=5, device=device).fit(rows, labels)
        for device in ("cpu", gpu)
    ]
    np.testing.assert_allclose(fits[0].decision_function(rows), fits[1].decision_function(rows), atol=0.03)


def test_gpu_passive_aggressive_agrees(problem: tuple[np.ndarray, np.ndarray], gpu: str) -> None:
    rows, labels = problem
    here, there = (PassiveAggressive(epochs=2, device=device).fit(rows, labels) for device in ("cpu", gpu))
    np.testing.assert_allclose(here.decision_function(rows), there.decision_function(rows), atol=1e-3)
