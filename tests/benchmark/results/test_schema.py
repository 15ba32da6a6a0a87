"""What is written is what is read, field by field; and folders of the first schema still open as what they were."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel
from topfive.benchmark.errors import InputError
from topfive.benchmark.report.render import render
from topfive.benchmark.results.run import COLUMNS, Run, load_run, open_run
from topfive.benchmark.results.schema import (
    Costs,
    DatasetRecord,
    Environment,
    Manifest,
    ProblemRecord,
    Record,
    Results,
)
from topfive.benchmark.scoring.predictions import write_predictions
from topfive.benchmark.scoring.ranking import rank

REFERENCE = sorted((Path(__file__).parents[3] / "reports" / "reference").glob("*/results.json"))

MADE = Environment(
    commit="0123abcd",
    uncommitted=True,
    topfive="0.1.0",
    python="3.12.1",
    platform="Linux",
    packages={"numpy": "2.0"},
    cpu="a processor",
    cores=3,
    memory_bytes=2**30,
    gpus=["a GPU"],
)
COSTS = Costs(**{name: 1.5 + i if "bytes" not in name else 7 + i for i, name in enumerate(Costs.model_fields)} | {
    "n_parameters": 12
})  # fmt: skip
RECORD = Record(
    cell="pets.hog.s3",
    key="k1",
    dataset="pets",
    method="hog[cell=6]",
    params={"cell": 6, "name": "ü", "on": True, "none": None},
    family="hand-engineered",
    seed=3,
    condition={"train_per_class": 5, "corruption": "fog", "severity": 2, "share": 0.25, "wet": True},
    probe="corruptions",
    status="done",
    reason="a reason",
    traceback="Traceback …",
    log=["one", "two"],
    metrics={"top1_err": 0.1, "n": 7, "hierarchical_err": None},
    n_train=40,
    n_train_per_class=4.75,
    costs=COSTS,
    timings={"svm": 2.5},
    history=[{"epoch": 0, "loss": 1.5, "note": None}],
    budget={"pixels": 64, "views": 2},
    converged=False,
    convergence="still falling",
    confidence="log-probability",
    predictions="predictions/one.parquet",
    tables={"margins": "probes/one.parquet"},
    probes={"corruptions": "k2"},
    device="a GPU",
    limited=True,
    finished="2026-11-22T10:10:00+00:00",
    environment=MADE,
)
DATASET = DatasetRecord(
    name="pets",
    title="Pets",
    description="Cats and dogs",
    layout="folder per class",
    n_train=40,
    n_val=7,
    n_classes=2,
    classes=["cat", "dog"],
    class_names=["tabby cat", "שלום"],
    branches=["animal", "animal"],
    fingerprint="f",
    image_size=(64, 48),
    limited=True,
    problems=[ProblemRecord(split="val", id="x.png", reason="cut short")],
    notes=["a note"],
)
MANIFEST = Manifest(
    command=["topfive", "run"], config={"seed": [3]}, started="2026-11-22", finished="2026-11-23", environment=MADE
)


@pytest.mark.parametrize(
    "model", [RECORD, COSTS, MADE, DATASET, MANIFEST, DATASET.problems[0]], ids=lambda m: type(m).__name__
)
def test_every_field_survives_the_file(model: BaseModel, tmp_path: Path) -> None:
    for name, field in type(model).model_fields.items():  # nothing stands at its default, so nothing is left out
        assert getattr(model, name) != field.get_default(call_default_factory=True), name
    run = Run(tmp_path, {"pets": DATASET}, MANIFEST)
    run.put(RECORD)
    run.save()
    run.save_manifest()
    again = open_run(tmp_path)
    assert again.records == [RECORD]
    assert list(again.records[0].condition) == list(RECORD.condition)  # in its order
    assert again.datasets == {"pets": DATASET}
    assert again.manifest == MANIFEST


def test_what_stands_at_its_default_is_not_written_and_read_all_the_same(tmp_path: Path) -> None:
    bare = Record(cell="c", dataset="pets", method="hog", status="failed")
    run = Run(tmp_path, {"pets": DATASET})
    run.put(bare)
    run.save()
    (written,) = json.loads((tmp_path / "results.json").read_text())["records"]
    assert written == {"cell": "c", "dataset": "pets", "method": "hog", "status": "failed"}
    assert load_run(tmp_path).records == [bare]


def test_a_row_of_the_csv(tmp_path: Path) -> None:
    run = Run(tmp_path, {"pets": DATASET})
    run.put(RECORD)
    run.save()
    with (tmp_path / "results.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == COLUMNS
    assert json.loads(row["condition"]) == RECORD.condition
    expected = {"method": "hog[cell=6]", "probe": "corruptions", "seed": "3", "top1_err": "0.1", "hierarchical_err": ""}
    expected |= {"top5_err": "", "n_train_per_class": "4.75", "uncommitted": "True", "commit": "0123abcd", "key": "k1"}
    expected |= {name: str(value) for name, value in COSTS.model_dump().items()}
    assert {name: row[name] for name in expected} == expected


def test_a_later_record_of_the_same_takes_its_place(tmp_path: Path) -> None:
    run = Run(tmp_path)
    others = [{"seed": 4}, {"condition": {"train_per_class": 5}}, {"probe": None}, {"method": "hog"}, {"dataset": "x"}]
    for change in ({}, *others):
        run.put(RECORD.model_copy(update=change))
    run.put(RECORD.model_copy(update={"status": "failed", "cell": "another"}))
    assert [record.status for record in run.records] == ["failed", *["done"] * 5]


def change(path: Path, edit: Any) -> None:
    value = json.loads(path.read_text())
    edit(value)
    path.write_text(json.dumps(value))


@pytest.mark.parametrize(
    ("file", "edit", "message"),
    [
        ("results.json", lambda r: r["records"][0].update(colour="red"), r"records\.0\.colour: Extra inputs"),
        ("results.json", lambda r: r["records"][0]["costs"].update(euros=3), r"records\.0\.costs\.euros: Extra"),
        ("results.json", lambda r: r["records"][0].update(status="fine"), r"records\.0\.status: "),
        ("results.json", lambda r: r["records"][0].pop("method"), r"records\.0\.method: Field required"),
        ("results.json", lambda r: r["datasets"]["pets"].update(n_val="many"), r"datasets\.pets\.n_val: "),
        ("results.json", lambda r: r.update(schema_version=99), r"schema version 99, this topfive reads up to 2"),
        ("results.json", lambda r: r.pop("schema_version"), r"schema version None"),
        ("manifest.json", lambda m: m.update(weather="rain"), r"weather: Extra inputs"),
    ],
)
def test_what_this_schema_does_not_have_is_refused_in_a_line(
    tmp_path: Path, file: str, edit: Any, message: str
) -> None:
    run = Run(tmp_path, {"pets": DATASET}, MANIFEST)
    run.put(RECORD)
    run.save()
    run.save_manifest()
    change(tmp_path / file, edit)
    for reader in (open_run, load_run):
        with pytest.raises(InputError, match=message) as caught:
            reader(tmp_path)
        assert str(tmp_path / file) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_unknown_fields_are_refused_when_they_are_made_too() -> None:
    for kind in (Record, Costs, DatasetRecord, Manifest, Environment, ProblemRecord, Results):
        assert kind.model_config["extra"] == "forbid"


OLD_BLANK = dict.fromkeys(("n", "top1_err", "fit_seconds", "device", "reason", "traceback", "predictions", "per_class"))
OLD_CELLS = [
    {
        "cell": f"pets.{method}.{size}.s0",
        "key": "old",
        "dataset": "pets",
        "method": method,
        "family": family,
        "seed": 0,
        "status": "done",
        "n": 40,
        "n_classes": 2,
        "tied_images": 0,
        "n_train": 2 * size,
        "n_train_per_class": float(size),
        "per_class": size,
        "fit_seconds": 3.5,
        "peak_rss_bytes": 1_000_000,
        "n_parameters": 12,
        "flops_per_image": None,
        "device": "cpu",
        "limited": False,
        "params": {"cell": 6} if method == "hog" else {},
        "log": ["fitted"],
        "timings": {"svm": 1.5},
        "history": [{"epoch": 0, "loss": 2.5}] if method == "net" else [],
        "probabilities": method == "net",
    }
    for method, family in (("hog", "hand-engineered"), ("net", "deep"))
    for size in (5, 10)
]
OLD_MANIFEST = {
    "started": "2026-11-25T10:00:00+00:00",
    "finished": "2026-11-25T10:10:00+00:00",
    "command": ["topfive", "run", "-d", "pets", "--per-class", "5,10"],
    "config": {"data": ["pets"], "per_class": [5, 10], "seed": [0], "output": None},
    "seeds": [0],
    "git": {"commit": "6147f891c5d2", "changed": True},
    "python": "3.11.7",
    "platform": "Linux-6.1",
    "packages": {"topfive": "0.1.0", "numpy": "2.4.6"},
    "hardware": {"cpu": "AMD EPYC", "cores": 2, "memory_bytes": 25_000_000_000, "gpus": ["NVIDIA H100"]},
}
OLD_DATA = {
    "name": "pets",
    "title": "Pets",
    "description": "",
    "layout": "folder per class",
    "n_train": 20,
    "n_val": 40,
    "n_classes": 2,
    "classes": ["cat", "dog"],
    "class_names": ["cat", "dog"],
    "fingerprint": "f",
    "image_size": [32, 32],
    "limited": False,
    "problems": [{"split": "train", "id": "x.png", "reason": "cut short"}],
    "notes": [],
    "branches": None,
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder as the first edition wrote it: two contenders at two sizes, and one that failed."""
    folder = tmp_path / "old"
    (folder / "predictions").mkdir(parents=True)
    labels = np.arange(40) % 2
    cells: list[dict[str, Any]] = []
    for i, cell in enumerate(OLD_CELLS):
        scores = np.random.default_rng(i).random((40, 2)) + np.eye(2)[labels] * (0.2 + i / 10)
        ranking = rank(scores / scores.sum(1, keepdims=True), labels)
        file = f"predictions/{cell['cell']}.parquet"
        write_predictions(folder / file, [f"{j}.png" for j in range(40)], ranking)
        missed = float(np.mean(ranking.above > 0))
        errors = {"top1_err": missed, "top1_err_low": missed - 0.1, "top1_err_high": missed + 0.1, "top5_err": 0.0}
        cells.append(OLD_BLANK | cell | errors | {"predictions": file})
    failed = {"cell": "pets.sift.5.s0", "key": "old", "dataset": "pets", "method": "sift", "family": "other"}
    failed |= {"seed": 0, "status": "failed", "reason": "ValueError: no", "traceback": "Traceback", "per_class": 5}
    cells.append(OLD_BLANK | failed | {"params": {}, "log": [], "timings": {}, "history": [], "probabilities": False})
    results = {"schema_version": 1, "topfive_version": "0.0.9", "datasets": {"pets": OLD_DATA}, "cells": cells}
    (folder / "results.json").write_text(json.dumps(results | {"summaries": [{"method": "hog"}]}))
    (folder / "manifest.json").write_text(json.dumps(OLD_MANIFEST))
    return folder


def test_a_folder_of_the_first_schema_opens_as_what_it_was(old: Path) -> None:
    run = open_run(old)
    assert run.version == "0.0.9"
    assert [(r.method, r.condition, r.status) for r in run.records] == [
        ("hog", {"train_per_class": 5}, "done"),
        ("hog", {"train_per_class": 10}, "done"),
        ("net", {"train_per_class": 5}, "done"),
        ("net", {"train_per_class": 10}, "done"),
        ("sift", {"train_per_class": 5}, "failed"),
    ]
    hog, net = run.records[1], run.records[3]
    assert (hog.confidence, net.confidence) == (None, "probability")
    assert hog.costs == Costs(fit_seconds=3.5, peak_rss_bytes=1_000_000, n_parameters=12)
    assert (hog.n_train, hog.n_train_per_class, hog.params, hog.timings) == (20, 10.0, {"cell": 6}, {"svm": 1.5})
    assert (net.history, net.device, net.log, net.key) == ([{"epoch": 0, "loss": 2.5}], "cpu", ["fitted"], "old")
    stored = json.loads((old / "results.json").read_text())["cells"][1]
    names = ("n", "n_classes", "top1_err", "top1_err_low", "top1_err_high", "top5_err", "tied_images")
    assert hog.metrics == {name: stored[name] for name in names}
    made = Environment(
        commit="6147f891c5d2",
        uncommitted=True,
        topfive="0.1.0",
        python="3.11.7",
        platform="Linux-6.1",
        packages={"topfive": "0.1.0", "numpy": "2.4.6"},
        cpu="AMD EPYC",
        cores=2,
        memory_bytes=25_000_000_000,
        gpus=["NVIDIA H100"],
    )
    assert {record.finished for record in run.records} == {"2026-11-25T10:10:00+00:00"}
    assert [record.environment for record in run.records] == [made] * 5
    assert run.manifest == Manifest(
        command=OLD_MANIFEST["command"],
        config=OLD_MANIFEST["config"],
        started="2026-11-25T10:00:00+00:00",
        finished="2026-11-25T10:10:00+00:00",
        environment=made,
    )
    assert run.datasets["pets"].image_size == (32, 32)
    assert run.datasets["pets"].branches is None
    assert run.datasets["pets"].problems == [ProblemRecord(split="train", id="x.png", reason="cut short")]


def test_it_makes_a_report_with_its_curves_and_is_written_on_in_todays_schema(old: Path, tmp_path: Path) -> None:
    page = render([old], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    assert "More training images" in page
    assert "commit 6147f891c5d2, with changes not committed" in page
    run = open_run(old)
    run.save()
    run.save_manifest()
    assert json.loads((old / "results.json").read_text())["schema_version"] == 2
    again = open_run(old)
    assert (again.records, again.datasets, again.manifest) == (run.records, run.datasets, run.manifest)


def test_without_its_manifest_nothing_is_known_of_where_it_was_made(old: Path) -> None:
    (old / "manifest.json").unlink()
    run = open_run(old)
    assert [record.environment for record in run.records] == [Environment()] * 5
    assert run.records[0].number("top1_err") is not None


@pytest.mark.parametrize("file", REFERENCE, ids=lambda file: file.parent.name)
def test_the_reference_reports_open(file: Path) -> None:
    stored = json.loads(file.read_text(encoding="utf-8"))
    run = open_run(file.parent)
    raw = stored["cells"] if stored["schema_version"] == 1 else stored["records"]
    assert len(run.records) == len(raw) >= 2
    for record, old_one in zip(run.records, raw, strict=True):
        flat = old_one | old_one.get("metrics", {}) | old_one.get("costs", {})
        for name in ("top1_err", "top5_err", "top5_err_high", "n", "fit_seconds", "n_train_per_class", "n_parameters"):
            assert record.number(name) == flat.get(name), name
        assert record.environment is not None
        assert record.environment.commit
        assert record.environment.uncommitted is False
        assert "numpy" in record.environment.packages
        # What is not of views of images, or did not finish, has none.
        answered = record.status == "done" and (record.probe is None or bool(record.condition))
        assert (run.predictions(record) is not None) == answered
