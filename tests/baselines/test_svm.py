"""The linear classifiers: the same optimum as liblinear's, tuning, and features on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import threadpoolctl
import topfive.baselines.rows as rows_module
import topfive.baselines.stages as stages_module
import torch
from sklearn.svm import LinearSVC
from topfive.baselines import sgd, svm
from topfive.baselines.compute import on_all_cores, threads
from topfive.baselines.passive import PassiveAggressive
from topfive.baselines.rows import Rows
from topfive.baselines.sgd import Settings, Trainer
from topfive.baselines.svm import LinearSVM
from topfive.common.machine import torch_threads

from ..pretended_gpu import pretended_gpu


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


def test_steps_and_average_follow_their_definition(
    problem: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two epochs of five batches in double precision, written down step by step."""
    rows, labels = problem
    monkeypatch.setattr(sgd, "product_dtype", lambda device: torch.float32)
    ours = LinearSVM(solver="sgd", alpha=0.01, negative_weight=0.5, step=0.8, epochs=2, random_state=3)
    ours.fit(rows, labels)
    x = rows.astype(np.float64) - rows.astype(np.float64).mean(0)
    signs = np.where(labels[:, None] == np.unique(labels), 1.0, -1.0)
    largest = [np.linalg.eigvalsh(x[a : a + 128] @ x[a : a + 128].T)[-1] for a in (0, 157, 314, 472)]
    step = 0.8 / np.mean(largest)
    weights, intercept = np.zeros((20, 4)), np.full(4, -1.0)
    mean_weights, mean_intercept = weights.copy(), intercept.copy()
    generator = torch.Generator().manual_seed(3)
    done = 0
    for _ in range(2):
        for i in torch.randperm(5, generator=generator).tolist():
            a = slice(128 * i, min(128 * i + 128, 600))
            slope = -signs[a] * np.maximum(0, 1 - signs[a] * (x[a] @ weights + intercept))
            slope *= np.where(signs[a] > 0, 1.0, 0.5)
            weights = weights * (1 - step * 0.01 * len(slope)) - step * x[a].T @ slope
            intercept = intercept - 0.1 * step * slope.sum(0)
            done += 1
            # Every fourth step and at an epoch's end: the mean of what was seen, or one that forgets in an epoch.
            if done % 4 == 0 or done % 5 == 0:
                share = min(1.0, 4 / min(done, 5))
                mean_weights += share * (weights - mean_weights)
                mean_intercept += share * (intercept - mean_intercept)
    np.testing.assert_allclose(ours.coef_, mean_weights, atol=2e-5)
    np.testing.assert_allclose(
        ours.intercept_, mean_intercept - rows.astype(np.float64).mean(0) @ mean_weights, atol=2e-5
    )
    assert np.abs(mean_weights - weights).max() > 1e-3  # the average is not the last step's


def test_whether_more_epochs_could_help_is_told(
    problem: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels = problem
    errors: list[float] = []
    monkeypatch.setattr(Trainer, "loss", lambda self, model, rows: errors.pop(0))
    monkeypatch.setattr(svm, "EPOCHS", 8)

    def said(*held_out: float, **given: Any) -> tuple[str, float, dict[str, Any]]:
        errors[:] = held_out
        model = LinearSVM(solver="sgd", alpha=0, negative_weight=0.5, step=0.5, **given).fit(rows, labels)
        return model.tuned_, model.train_share_, model.converged_

    falling = [1 - 0.1 * i for i in range(8)]
    tuned, share, verdict = said(*falling)
    assert (tuned, share) == ("SVM epochs on a held-out tenth", 1.0)
    assert verdict == {
        "converged": False, "why": "the held-out error was still falling after all 8 epochs of the SVM"
    }  # fmt: skip
    _, _, verdict = said(0.5, 0.4, 0.45, 0.5, 0.5)
    assert verdict == {"converged": True, "why": "the held-out error was lowest after 2 of 8 epochs of the SVM"}
    tuned, share, verdict = said(epochs=1)
    assert (tuned, share, verdict["converged"]) == ("nothing", 1.0, False)

    monkeypatch.setattr(svm, "TUNING_LEAST", 200)  # rows; the stopping point is then looked for on others
    monkeypatch.setattr(svm, "TUNING_VALUES", 0)
    tuned, share, verdict = said(0.5, 0.4, 0.45, 0.5, 0.3, 0.2)
    assert tuned == "SVM epochs on a held-out tenth of 200 images, epochs again on 60 held-out images"
    assert share == pytest.approx(0.9)
    assert verdict == {
        "converged": False, "why": "the held-out error was still falling after all 2 epochs of the SVM"
    }  # fmt: skip
    _, _, verdict = said(0.5, 0.4, 0.45, 0.5, 0.2, 0.3)
    assert verdict["converged"]


class Pretended:
    """A trainer whose held-out error is lowest at the settings it is given, and falls by the epoch until then."""

    curvature = 10.0

    def __init__(self, best: Settings) -> None:
        self.best = best
        self.tried: list[Settings] = []

    def epochs(self, settings: Settings, rows: Any) -> Any:
        for epoch in range(1, settings.epochs + 1):
            self.tried.append(Settings(settings.negative_weight, settings.step, epoch, settings.alpha))
            yield self.tried[-1]

    def loss(self, model: Settings, rows: range) -> float:
        off = [np.log(model.negative_weight / self.best.negative_weight), np.log(model.step / self.best.step)]
        off += [(model.epochs - self.best.epochs) / 10, np.log((model.alpha + 1e-9) / (self.best.alpha + 1e-9)) / 10]
        return float(min(0.9, 0.02 * np.abs(off).sum()))


@pytest.mark.parametrize(
    "best", [Settings(0.002, 0.1, 30, 0.001), Settings(16.0, 0.4, 3, 0.0), Settings(0.25, 0.4, 12, 0.0003)]
)
def test_no_tuned_value_is_at_the_edge_of_what_was_tried(best: Settings) -> None:
    trainer: Any = Pretended(best)
    found = LinearSVM()._tune(trainer, 100_000)
    for name in ("negative_weight", "step", "epochs"):
        tried = sorted({getattr(settings, name) for settings in trainer.tried})
        assert tried[0] < getattr(found, name) < tried[-1]
        assert getattr(found, name) == pytest.approx(getattr(best, name), rel=0.8)
    penalties = sorted({settings.alpha for settings in trainer.tried})
    assert found.alpha < penalties[-1]
    assert (found.alpha == 0) == (best.alpha == 0)
    # What is given is not tuned.
    given = LinearSVM(negative_weight=2.0, alpha=0.5)._tune(trainer, 100_000)
    assert (given.negative_weight, given.alpha) == (2.0, 0.5)


def test_liblinear_and_passive_aggressive_tell_it_too(problem: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = problem
    model = LinearSVM(solver="liblinear").fit(rows, labels)
    assert (model.tuned_, model.train_share_) == ("SVM penalty on a held-out tenth", 1.0)
    assert model.converged_["converged"]
    assert model.converged_["why"].startswith("liblinear stopped after ")
    passive = PassiveAggressive(epochs=6).fit(rows, labels)
    assert (passive.tuned_, passive.train_share_) == ("nothing", 1.0)
    assert "of the training rows were wrong in the last of 6 epochs" in passive.converged_["why"]
    assert passive.converged_["converged"]
    assert not PassiveAggressive(epochs=1).fit(rows, labels).converged_["converged"]


def test_liblinear_is_liblinear_at_the_c_that_was_tuned(problem: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = problem
    ours = LinearSVM(solver="liblinear").fit(rows, labels)
    exact = LinearSVC(C=ours.settings_["C"], tol=1e-8, max_iter=100_000, dual=False).fit(rows, labels)
    np.testing.assert_allclose(ours.coef_, exact.coef_.T, atol=0.01)
    np.testing.assert_allclose(ours.intercept_, exact.intercept_, atol=0.01)


def test_auto_takes_liblinear_for_small_problems_alone(
    problem: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels = problem
    assert LinearSVM().fit(rows, labels).settings_["solver"] == "liblinear"
    monkeypatch.setattr(svm, "LIBLINEAR_WORK", rows.size * 4 - 1)
    assert isinstance(LinearSVM().fit(rows, labels).settings_, Settings)


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


def test_a_new_thread_computes_with_as_many_threads_as_torch_was_told() -> None:
    """Else its first product runs with one for each core, and what it rounds to changes from run to run."""

    def of_openmp(_: torch.Tensor) -> set[int]:
        pools = threadpoolctl.threadpool_info()
        return {pool["num_threads"] for pool in pools if pool["user_api"] == "openmp" and "torch" in pool["filepath"]}

    with torch_threads(3), threads(1, "test") as pool:
        assert pool.submit(of_openmp, torch.empty(0)).result() == {3}
        assert on_all_cores(of_openmp, [torch.empty(0)] * 2) == [{1}, {1}]


def test_the_model_of_the_best_epoch_is_kept(
    problem: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels = problem
    monkeypatch.setattr(svm, "TUNING_LEAST", 200)
    monkeypatch.setattr(svm, "TUNING_VALUES", 0)
    monkeypatch.setattr(LinearSVM, "_tune", lambda self, *_: Settings(1.0, 20.0, self.epochs or svm.EPOCHS))
    # Both would differ a little where fewer rows are given.
    monkeypatch.setattr(Rows, "mean", lambda self, most: torch.zeros(20))
    monkeypatch.setattr(Trainer, "_curvature", lambda self: 30.0)
    stopped = LinearSVM(solver="sgd").fit(rows, labels)
    assert 1 < stopped.settings_.epochs < svm.EPOCHS  # so long a step soon makes it worse
    # A tenth was held out.
    told = LinearSVM(solver="sgd", epochs=stopped.settings_.epochs).fit(rows[:540], labels[:540])
    np.testing.assert_array_equal(stopped.coef_, told.coef_)
    np.testing.assert_array_equal(stopped.intercept_, told.intercept_)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"solver": "foo"}, "solver must be one of auto, sgd, liblinear, dual, not 'foo'"),
        ({"alpha": -1}, "alpha must be a number at least 0, not -1"),
        ({"step": "fast"}, "step must be a number above 0, not 'fast'"),
        ({"epochs": 2.5}, "epochs must be a whole number of at least 1, not 2.5"),
    ],
)
def test_bad_parameters_are_one_clear_error(
    parameters: dict[str, Any], said: str, problem: tuple[np.ndarray, np.ndarray]
) -> None:
    with pytest.raises(ValueError, match=said):
        LinearSVM(**parameters).fit(*problem)


@pytest.mark.parametrize("solver", ["sgd", "liblinear", "dual"])
@pytest.mark.parametrize("row", [3, 550])
def test_features_that_are_not_finite_are_one_clear_error(
    problem: tuple[np.ndarray, np.ndarray], solver: str, row: int
) -> None:
    rows, labels = problem[0].copy(), problem[1]
    rows[row, 7] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        LinearSVM(solver=solver).fit(rows, labels)


@pytest.mark.parametrize("solver", ["sgd", "liblinear", "dual"])
def test_tuned_models_classify(problem: tuple[np.ndarray, np.ndarray], solver: str) -> None:
    rows, labels = problem
    model = LinearSVM(solver=solver).fit(rows[:500], labels[:500])
    assert (model.predict(rows[500:]) == labels[500:]).mean() > 0.85
    assert model.classes_.tolist() == [0, 10, 20, 30]


def test_two_classes_have_two_columns(problem: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = problem
    for solver in ("sgd", "liblinear", "dual"):
        model = LinearSVM(solver=solver).fit(rows, labels > 10)
        scores = model.decision_function(rows)
        assert scores.shape == (600, 2)
        assert (model.predict(rows) == (labels > 10)).mean() > 0.8


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
    monkeypatch.setattr(stages_module, "release", released.append)
    np.save(tmp_path / "rows.npy", rows)
    scores = model.decision_function(np.load(tmp_path / "rows.npy", mmap_mode="r"))
    np.testing.assert_allclose(scores, rows @ model.coef_ + model.intercept_, atol=1e-5)
    assert sum(map(len, released)) == len(rows)


def test_a_gpu_takes_no_step_that_waits(
    problem: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels = problem
    with pretended_gpu() as gpu:
        trainer = Trainer(rows, torch.from_numpy(labels // 10), 4, "cuda", 0)
        waits: list[str] = []
        monkeypatch.setattr(gpu, "wait", waits.append)
        monkeypatch.setattr(sgd, "require_finite", lambda values: None)  # once an epoch
        for weights, _ in trainer.epochs(Settings(0.5, 0.5, 3), [range(600)]):
            assert weights.device.type == "cuda"
        assert waits == []
        assert trainer.rows.resident is not None


def test_rows_that_do_not_fit_on_a_gpu_are_sent_each_time(
    problem: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels = problem
    given: dict[str, Any] = {"solver": "sgd", "negative_weight": 0.5, "step": 0.5, "epochs": 2, "device": "cuda"}
    with pretended_gpu():
        kept = LinearSVM(**given).fit(rows, labels)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (rows.nbytes, rows.nbytes))
        monkeypatch.setattr(rows_module, "CHUNK_BYTES", 1000)
        assert Trainer(rows, torch.from_numpy(labels // 10), 4, "cuda", 0).rows.resident is None
        sent = LinearSVM(**given).fit(rows, labels)
        np.testing.assert_allclose(kept.coef_, sent.coef_, atol=1e-6)
        np.testing.assert_allclose(kept.decision_function(rows), sent.decision_function(rows), atol=1e-5)


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
