"""``topfive score -o RUN``: a file of predictions joins a run, and takes nobody's place."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from topfive.benchmark.data import Dataset, open_dataset
from topfive.benchmark.errors import InputError
from topfive.benchmark.report.analysis.contest import contests_of
from topfive.benchmark.report.sections.closer import calibrations
from topfive.benchmark.results.describe import describe
from topfive.benchmark.results.run import Run, open_run
from topfive.benchmark.results.schema import Manifest, Record
from topfive.benchmark.running.scorefile import score
from topfive.benchmark.scoring.metrics import metrics
from topfive.benchmark.scoring.predictions import write_predictions
from topfive.benchmark.scoring.ranking import rank

PHOTOS = "photos[per_class=4]"


@pytest.fixture(scope="module")
def photos() -> Dataset:
    return open_dataset("photos", per_class=4)


@pytest.fixture
def run(photos: Dataset, tmp_path: Path) -> Path:
    """Two contenders, each trained on 2 and on 4 images of each class."""
    folder = tmp_path / "run"
    (folder / "predictions").mkdir(parents=True)
    made = Run(folder, {PHOTOS: describe(PHOTOS, photos, limited=False)}, Manifest(command=["topfive", "run"]))
    for i, method in enumerate(("hog", "net")):
        for size in (2, 4):
            scores = np.random.default_rng([i, size]).normal(size=(len(photos.val), 20))
            file = f"predictions/{method}-{size}.parquet"
            ranking = rank(scores, photos.val.labels)
            write_predictions(folder / file, list(photos.val.ids), ranking)
            made.put(
                Record(
                    cell=f"{method}.{size}",
                    dataset=PHOTOS,
                    method=method,
                    family="deep" if method == "net" else "hand-engineered",
                    condition={"train_per_class": size},
                    status="done",
                    metrics=metrics(ranking),
                    n_train=20 * size,
                    n_train_per_class=size,
                    predictions=file,
                    device="cpu",
                )
            )
    made.save()
    made.save_manifest()
    return folder


@pytest.fixture
def file(photos: Dataset, tmp_path: Path) -> Path:
    scores = np.random.default_rng(9).normal(size=(len(photos.val), 20)) + 2 * np.eye(20)[photos.val.labels]
    path = tmp_path / "mine.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["image_id", *photos.classes])
        writer.writerows([image, *row] for image, row in zip(photos.val.ids, scores.tolist(), strict=True))
    return path


def stored(folder: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return value


def test_all_of_the_largest_size_stay_ranked_beside_it(run: Path, file: Path) -> None:
    before, manifest = stored(run), (run / "manifest.json").read_bytes()
    record = score(file, PHOTOS, name=None, family="deep", output=run)
    (contest,) = contests_of([open_run(run)])
    assert {(c.name, c.per_class) for c in contest.ranked} == {("hog", 4), ("net", 4), ("mine", None)}
    assert {(c.name, c.per_class) for c in contest.smaller} == {("hog", 2), ("net", 2)}
    assert len(contest.pairs) == 3
    assert contest.per_class == 4
    assert contest.notes == []
    after = stored(run)
    *others, mine = after["records"]
    assert others == before["records"]
    assert {key: value for key, value in after.items() if key != "records"} == {
        key: value for key, value in before.items() if key != "records"
    }
    assert (run / "manifest.json").read_bytes() == manifest
    assert mine["metrics"] == record.metrics
    assert (mine["method"], mine["family"], mine["device"]) == ("mine", "deep", "predictions file mine.csv")
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "More training images" in page  # the curves are still there
    # Once more under the same name: it takes its own place.
    score(file, PHOTOS, name=None, family="deep", output=run)
    assert stored(run)["records"] == after["records"]
    score(file, PHOTOS, name="hog", family="other", output=run)  # the name of a contender that ran
    (contest,) = contests_of([open_run(run)])
    assert {c.name for c in contest.ranked} == {"hog (cpu)", "hog (predictions file mine.csv)", "net", "mine"}
    assert {c.name for c in contest.smaller} == {"hog (cpu)", "net"}


def test_alone_it_makes_a_folder_of_its_own(file: Path, tmp_path: Path) -> None:
    record = score(file, PHOTOS, name="my code", family="other", output=tmp_path / "new")
    (found,) = open_run(tmp_path / "new").records
    assert found.metrics == record.metrics
    assert found.method == "my code"
    assert (tmp_path / "new" / "report.html").is_file()
    assert score(file, PHOTOS, name="my code", family="other", output=None) == record


def test_a_files_probabilities_are_calibrated(photos: Dataset, tmp_path: Path) -> None:
    share = np.full(20, 0.5 / 19)
    rows = [{"image_id": i, "scores": {c: 0.5 if c == "moon" else share[0] for c in photos.classes}}
            for i in photos.val.ids]  # fmt: skip
    (tmp_path / "sure.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert score(tmp_path / "sure.jsonl", PHOTOS, name=None, family="other", output=tmp_path / "new").confidence
    (contest,) = contests_of([open_run(tmp_path / "new")])
    (name, ece, *_) = calibrations(contest).rows[0]  # type: ignore[union-attr]
    assert (name.text, ece.raw) == ("sure", pytest.approx(0.5 - 1 / 20))


def test_a_run_on_other_images_is_refused_and_left_alone(run: Path, file: Path) -> None:
    described = open_run(run)
    described.datasets[PHOTOS] = described.datasets[PHOTOS].model_copy(update={"fingerprint": "another"})
    described.save()
    before = (run / "results.json").read_bytes()
    with pytest.raises(InputError, match="holds results on other images called"):
        score(file, PHOTOS, name=None, family="deep", output=run)
    assert (run / "results.json").read_bytes() == before
