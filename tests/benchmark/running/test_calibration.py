"""From a contender's probabilities, in each way that it may give them, to the calibration in the report: values."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from topfive.benchmark.contenders.contract import scores_of
from topfive.benchmark.contenders.discovery import discover
from topfive.benchmark.data import Dataset, open_dataset
from topfive.benchmark.data.images import LazyImages
from topfive.benchmark.report.analysis.contest import contests_of
from topfive.benchmark.report.charts import reliability
from topfive.benchmark.report.sections.closer import calibrations
from topfive.benchmark.results.describe import describe
from topfive.benchmark.results.run import Run, open_run
from topfive.benchmark.results.schema import Manifest, Record
from topfive.benchmark.running import engine
from topfive.benchmark.running.asking import FittedContender
from topfive.benchmark.scoring.metrics import metrics
from topfive.benchmark.scoring.predictions import read_predictions

PLUGIN = '''
import numpy as np


class _Guesses:
    """Gives class 0 the probability 0.8 on even images and 0.6 on odd ones; the rest is spread evenly."""

    def fit(self, images, labels):
        self.classes_ = np.unique(labels)
        return self

    def probabilities(self, images):
        first = np.where(np.arange(len(images)) % 2, 0.6, 0.8)[:, None]
        return np.hstack([first, np.repeat((1 - first) / (len(self.classes_) - 1), len(self.classes_) - 1, axis=1)])


class Probabilities(_Guesses):
    def decision_function(self, images):
        return self.probabilities(images)


class Logarithms(_Guesses):
    def decision_function(self, images):
        return np.log(self.probabilities(images))


class Probable(_Guesses):
    def predict_proba(self, images):
        return self.probabilities(images)


class Both(_Guesses):
    """Its scores are none, and name class 1 first."""

    def decision_function(self, images):
        return np.tile([1.0, 2.0] + [0.0] * (len(self.classes_) - 2), (len(images), 1))

    def predict_proba(self, images):
        return np.roll(self.probabilities(images), 1, axis=1)


class Scores(_Guesses):
    def decision_function(self, images):
        return 3 * self.probabilities(images)


class Lies(Both):
    def predict_proba(self, images):
        return 2 * self.probabilities(images)


class Breaks(Both):
    def predict_proba(self, images):
        raise RuntimeError("not fitted for this")
'''


@pytest.fixture(scope="module")
def photos() -> Dataset:
    return open_dataset("photos", per_class=4)


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(PLUGIN)
    return str(tmp_path / "mine.py")


def ran(method: str, plugin: str, photos: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run of one contender, by the engine in this process."""
    entry = discover([plugin])[method]
    folder = tmp_path / method
    (folder / "predictions").mkdir(parents=True)
    monkeypatch.setattr(engine, "open_dataset", lambda **how: photos)
    cell: dict[str, Any] = {
        "dataset": {}, "method": method, "target": entry.target, "origin": entry.origin, "params": {}, "seed": 0,
        "condition": {}, "probes": [], "device": "cpu", "n_jobs": 1, "cache_dir": str(tmp_path),
    }  # fmt: skip
    assert engine._run(cell, folder) is None
    record = json.loads((folder / engine.OUTCOME).read_text(encoding="utf-8"))["record"]
    run = Run(folder, {"photos": describe("photos", photos, limited=False)}, Manifest(command=["topfive", "run"]))
    record = {k: v for k, v in record.items() if v is not None}
    ranking = read_predictions(folder / engine.PREDICTIONS)[1]
    identity = {"cell": "one", "dataset": "photos", "method": method, "metrics": metrics(ranking)}
    run.put(Record.model_validate(record | identity))
    run.save()
    run.save_manifest()
    return folder


@pytest.mark.parametrize(
    ("method", "scale", "first"),
    [
        ("probabilities", "probability", 0),
        ("logarithms", "log-probability", 0),
        ("probable", "probability", 0),
        ("both", None, 1),
    ],
)
def test_however_probabilities_are_given_they_are_calibrated(
    method: str,
    scale: str | None,
    first: int,
    plugin: str,
    photos: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (contest,) = contests_of([open_run(ran(method, plugin, photos, tmp_path, monkeypatch))])
    (found,) = contest.ranked
    assert found.record.confidence == scale
    n = len(photos.val)
    said = np.where(np.arange(n) % 2, 0.6, 0.8)
    np.testing.assert_allclose(found.confidence, said, rtol=1e-6)
    right = photos.val.labels == first
    assert 0 < right.sum() < n
    # Two bins, (8/15, 9/15] and (11/15, 12/15], so the error is the mean of two gaps, weighted by their images.
    gaps = [abs(right[said == p].mean() - p) * (said == p).mean() for p in (0.6, 0.8)]
    table = calibrations(contest)
    assert table is not None
    ((name, ece, confidence, accuracy, lean),) = table.rows
    assert name.text == method
    assert ece.raw == pytest.approx(sum(gaps))
    assert confidence.raw == pytest.approx(0.7)
    assert accuracy.raw == pytest.approx(right.mean())
    assert lean.text == "too sure"
    chart = reliability.figure(contest)
    assert chart is not None
    (line,) = chart.series
    drawn = [(mark.x, mark.y) for mark in line.marks]
    expected = [(p, right[said == p].mean()) for p in (0.6, 0.8)]
    np.testing.assert_allclose(drawn, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("method", "log"),
    [
        ("scores", ""),
        ("lies", "no calibration: what predict_proba answers does not sum to one"),
        ("breaks", "no calibration: predict_proba: RuntimeError: not fitted for this"),
    ],
)
def test_what_is_no_probability_is_not_calibrated_and_keeps_its_result(
    method: str,
    log: str,
    plugin: str,
    photos: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("INFO", logger="topfive"):
        (contest,) = contests_of([open_run(ran(method, plugin, photos, tmp_path, monkeypatch))])
    assert log in caplog.text
    assert contest.ranked[0].record.status == "done"
    assert contest.ranked[0].confidence is None
    assert calibrations(contest) is None
    assert reliability.figure(contest) is None


def test_a_probe_asks_the_same_of_one_with_probabilities_alone() -> None:
    answer = np.array([[0.2, 0.8], [0.9, 0.1]])
    method = SimpleNamespace(classes_=np.array([1, 0]), predict_proba=lambda images: answer)
    images = LazyImages(lambda i: np.zeros((8, 8, 3), np.uint8), 2)
    np.testing.assert_array_equal(FittedContender(method, 2).scores(images), answer[:, ::-1])
    with pytest.raises(TypeError, match="neither decision_function nor predict_proba"):
        scores_of(SimpleNamespace(), images)
