"""Probes in whole runs: what is asked, of whom, about which images; and that no probe can take a result along."""

from __future__ import annotations

import csv
import json
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from topfive.benchmark.config import load
from topfive.benchmark.contenders.discovery import PROBE, discover, resolve
from topfive.benchmark.data import open_dataset
from topfive.benchmark.errors import InputError
from topfive.benchmark.report.render import render
from topfive.benchmark.results.run import Run, open_run
from topfive.benchmark.results.schema import Record
from topfive.benchmark.running import isolation
from topfive.benchmark.running.plan import open_all, plan
from topfive.benchmark.running.runner import run
from topfive.benchmark.scoring.metrics import metrics
from topfive.benchmark.specs import parse

from tests.benchmark.conftest import PLUGINS, records
from tests.in_process import cells_here, no_report

FILES = [str(PLUGINS / "contenders.py"), str(PLUGINS / "probes.py")]
PHOTOS = "photos[per_class=8]"  # 8 training images and 2 validation images of each of 20 classes


def start(folder: Path, probes: list[str], methods: list[str] | None = None, **flags: Any) -> int:
    base = {"data": [PHOTOS], "method": methods or ["mean-color"], "probe": probes, "output": str(folder)}
    return run(load(None, base | {"plugin": FILES, "quiet": True} | flags))


def answers(run: Run, probe: str) -> list[Record]:
    return [record for record in run.records if record.probe == probe]


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two contenders, one probe of views and one that asks its own questions, at two sizes of the training set."""
    out = tmp_path_factory.mktemp("asked") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOPFIVE_CACHE", str(out.parent / "cache"))
        cells_here(patch)
        no_report(patch)
        assert start(out, ["darker[images=30]", "margins"], ["mean-color", "reversed"], per_class=[4, 8]) == 0
    return out


def test_every_view_is_a_record_with_its_answers(asked: Path) -> None:
    stored = open_run(asked)
    darker = answers(stored, "darker[images=30]")
    expected = [
        (method, {"train_per_class": size, "light": light, "level": round(100 * light)})
        for size in (4, 8)
        for method in ("mean-color", "reversed")
        for light in (0.5, 0.25)
    ]
    assert [(record.method, record.condition) for record in darker] == expected
    plain = {(r.method, r.condition["train_per_class"]): r for r in stored.records if r.probe is None}
    for record in darker:
        found = stored.predictions(record)
        assert found is not None
        assert record.metrics == metrics(found[1])
        assert record.metrics["n"] == 30
        fitted = plain[record.method, record.condition["train_per_class"]]
        assert (record.cell, record.key, record.environment) == (fitted.cell, fitted.key, fitted.environment)
        assert record.costs.images_per_second is not None
        assert "darker[images=30]" in fitted.probes
    assert len({str(record.predictions) for record in darker}) == len(darker)
    errors = {record.condition["light"]: record.metrics["top5_err"] for record in darker if record.method == "reversed"}
    assert errors[0.25] > errors[0.5]  # mean colours lie farther away in less light


def test_all_are_asked_about_the_same_images_level_over_the_classes(asked: Path) -> None:
    stored = open_run(asked)
    found = [stored.predictions(record) for record in answers(stored, "darker[images=30]")]
    ids = {tuple(one[0].to_pylist()) for one in found if one is not None}
    assert len(ids) == 1
    val = open_dataset("photos", per_class=8).val
    labels = dict(zip(val.ids, val.labels.tolist(), strict=True))
    counts = np.bincount([labels[image] for image in ids.pop()], minlength=20)
    assert sorted(counts.tolist()) == [1] * 10 + [2] * 10


def test_what_a_probe_answers_itself_is_stored_as_it_is(asked: Path) -> None:
    stored = open_run(asked)
    own = answers(stored, "margins")
    assert [(r.method, r.condition) for r in own] == [
        (method, {"train_per_class": size}) for size in (4, 8) for method in ("mean-color", "reversed")
    ]
    for record in own:
        table = stored.table(record, "margins")
        assert table is not None
        assert table.num_rows == 25
        assert min(table["margin"].to_pylist()) >= 0
        assert stored.table(record, "nothing") is None
    first, second = (stored.table(record, "margins") for record in own[:2])  # the order of columns changes nothing
    assert first is not None
    assert second is not None
    assert np.allclose(first["margin"], second["margin"])


def test_a_row_of_the_csv_for_each_condition(asked: Path) -> None:
    rows = rows_of(asked)
    stored = open_run(asked).records
    assert [(row["method"], json.loads(row["condition"]), row["probe"] or None) for row in rows] == [
        (record.method, record.condition, record.probe) for record in stored
    ]
    assert len(rows) == 4 * (1 + 2 + 1)
    for row, record in zip(rows, stored, strict=True):
        stated = record.metrics.get("top5_err")
        assert row["top5_err"] == ("" if stated is None else str(stated))


def test_the_second_time_nothing_is_done(asked: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in asked.rglob("*") if path.is_file() and path.name != ".lock"}
    again = start(asked, ["darker[images=30]", "margins"], ["mean-color", "reversed"], per_class=[4, 8])
    assert again == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_section_of_ones_own_is_drawn_again_from_what_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells_here(monkeypatch)
    out = tmp_path / "run"
    assert start(out, ["darker"]) == 0
    errors = [f"{record.metrics['top5_err']:.4f} wrong" for record in answers(open_run(out), "darker")]
    assert len(errors) == 2
    page = (out / "report.html").read_text(encoding="utf-8")
    (out / "report.html").unlink()
    assert "What darkness costs." not in render([out], out, formats=()).read_text(encoding="utf-8")
    again = render([out], out, formats=(), plugins=FILES[1:]).read_text(encoding="utf-8")
    for html in (page, again):
        assert re.search(r"mean-color in 0\.5 of the light: " + errors[0], html)
        assert re.search(r"mean-color in 0\.25 of the light: " + errors[1], html)


@pytest.mark.usefixtures("here")
def test_a_probe_may_join_later(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert start(out, []) == 0
    plain = records(out)["mean-color"]
    assert start(out, ["darker[images=30]"]) == 0
    first = open_run(out)
    assert first.records[0].metrics == plain.metrics
    dark = answers(first, "darker[images=30]")
    # The same views of fewer images: another probe, whose answers take nobody's place.
    assert start(out, ["darker[images=20]"]) == 0
    second = open_run(out)
    assert [record.probe for record in second.records] == [None, *["darker[images=30]"] * 2, *["darker[images=20]"] * 2]
    assert answers(second, "darker[images=30]") == dark
    assert second.records[0].probes.keys() == {"darker[images=30]", "darker[images=20]"}
    for record in second.records:
        found = second.predictions(record)
        assert found is not None
        assert len(found[0]) == record.metrics["n"]
    stamp = (out / "results.json").stat().st_mtime_ns
    assert start(out, ["darker[images=30]"]) == 0
    assert (out / "results.json").stat().st_mtime_ns == stamp


@pytest.mark.usefixtures("unreported")
def test_an_interrupted_question_leaves_the_plain_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    assert start(out, ["darker"]) == 0
    before = open_run(out).records
    assert start(out, ["darker", "margins"], timeout=0.01) == 1  # the cell is started again and comes to no end
    after = open_run(out)
    assert after.records[:3] == before
    (late,) = answers(after, "margins")
    assert (late.status, late.reason) == ("timeout", "not finished after 0.01 s")
    assert start(out, ["darker", "margins"]) == 0
    assert [record.status for record in open_run(out).records] == ["done"] * 4


def test_what_fails_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells_here(monkeypatch)
    out = tmp_path / "run"
    probes = ["one-fails", "too-few", "raises-midway", "leaves", "unstorable", "of-training", "no-tables", "darker"]
    assert start(out, probes) == 1
    stored = open_run(out)
    found = {probe: [(r.condition, r.status, r.reason or "") for r in answers(stored, probe)] for probe in probes}
    assert [(condition, status) for condition, status, _ in found["one-fails"]] == [
        ({"view": 1}, "done"),
        ({"view": 2}, "failed"),
        ({"view": 3}, "done"),
    ]
    assert found["one-fails"][1][2] == "ZeroDivisionError: this view cannot be made"
    assert found["too-few"] == [({"left": "out"}, "failed", "ValueError: the view has 29 images, not 30")]
    assert found["raises-midway"] == [({"view": 1}, "done", ""), ({}, "failed", "RuntimeError: no further")]
    assert found["leaves"] == [({"view": 1}, "done", ""), ({}, "failed", "sys.exit('enough') was called")]
    ((_, status, reason),) = found["unstorable"]
    assert (status, reason) == (
        "failed",
        "ValueError: the condition {'view': [1, 2]} may hold words, numbers, true and false only",
    )
    ((_, status, reason),) = found["of-training"]
    assert status == "failed"
    assert "needs axes of its own" in reason
    ((_, status, _),) = found["no-tables"]
    assert status == "failed"
    plain = records(out)["mean-color"]
    assert plain.status == "done"
    assert plain.probes.keys() == {"darker"}  # what failed is asked again
    assert plain.metrics["top5_err"] < 0.75
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "ZeroDivisionError: this view cannot be made" in page
    assert "RuntimeError: no further" in page
    failed = [row for row in rows_of(out) if row["status"] == "failed"]
    assert len(failed) == 7
    assert any("no further" in (record.traceback or "") for record in answers(stored, "raises-midway"))


@pytest.mark.parametrize(
    ("probe", "status", "reason", "flags"),
    [
        ("kills", "oom", "killed by the system", {}),
        ("hangs", "timeout", "not finished after 600 s", {"timeout": 600.0}),
    ],
)
@pytest.mark.usefixtures("unreported")
def test_the_end_of_its_process_costs_a_probe_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, probe: str, status: str, reason: str, flags: dict[str, Any]
) -> None:
    out, hanging = tmp_path / "run", tmp_path / "hanging"
    monkeypatch.setenv("TOPFIVE_TEST_HANGING", str(hanging))
    # Ten minutes have gone by as soon as it hangs.
    watch = SimpleNamespace(monotonic=lambda: time.monotonic() + 601 * hanging.exists())
    monkeypatch.setattr(isolation, "time", watch)
    assert start(out, ["darker", probe, "margins"], **flags) == 1
    stored = open_run(out)
    assert [(r.probe, r.condition, r.status) for r in stored.records] == [
        (None, {}, "done"),
        ("darker", {"light": 0.5, "level": 50}, "done"),
        ("darker", {"light": 0.25, "level": 25}, "done"),
        (probe, {"view": 1}, "done"),
        (probe, {}, status),
        ("margins", {}, "interrupted"),
    ]
    assert reason in str(stored.records[4].reason)
    assert stored.records[0].metrics["top5_err"] < 0.75
    assert all(stored.predictions(record) is not None for record in stored.records[:4])


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ("darkr", "unknown probe 'darkr'; did you mean 'darker'? (`topfive list probes` shows all)"),
        ("darker[factor=1]", "darker: unknown parameter 'factor'; did you mean 'factors'?"),
        ("refuses[n=3]", "--probe refuses[n=3]: n is 3; give an even number"),
        ("refuses[n=4]", "--probe refuses[n=4]: KeyError: 4"),
        ("corruptions[kinds=smog]", "--probe corruptions[kinds=smog]: "),
    ],
)
def test_a_probe_that_cannot_be_asked_is_one_line_and_writes_nothing(tmp_path: Path, probe: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        start(tmp_path / "run", [probe])
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_built_in_probe_and_its_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells_here(monkeypatch)
    out = tmp_path / "run"
    assert start(out, ["corruptions[kinds=fog+contrast,severities=5,images=20]"]) == 0
    stored = answers(open_run(out), "corruptions[images=20,kinds=fog+contrast,severities=5]")
    assert [record.condition for record in stored] == [
        *({"corruption": kind, "severity": 5} for kind in ("fog", "contrast")),
        {},  # the pictures of the damage
    ]
    page = (out / "report.html").read_text(encoding="utf-8")
    for record in stored[:2]:
        assert f"{100 * record.metrics['top5_err']:.1f}" in page
    assert "What the damage looks like: severity 5" in page


@pytest.mark.usefixtures("here")
def test_what_fools_one_is_tried_on_the_others_when_all_have_been_attacked(tmp_path: Path) -> None:
    out, probes = tmp_path / "run", ["transfer", "attack[draws=1,epsilons=128,images=20,queries=8]", "margins"]
    two = ["mean-color", "reversed"]
    assert start(out, probes, two) == 0
    stored = open_run(out)
    told = {record.method: stored.table(record, "answers") for record in answers(stored, "transfer")}
    assert list(told) == two
    for table in told.values():
        assert table is not None
        assert set(table["source"].to_pylist()) == set(two)
    kept = {r.method: stored.table(r, "perturbed") for r in answers(stored, probes[1])}
    assert all(kept[name] is not None for name in two)
    assert len(told["reversed"] or ()) == sum(len(table or ()) for table in kept.values())
    plain = {r.method: r for r in stored.records if r.probe is None}
    assert all(set(record.probes) == set(probes) for record in plain.values())
    assert len(answers(stored, "margins")) == 2  # the second round took nothing away
    before = (out / "results.json").read_bytes()
    assert start(out, probes, two) == 0
    assert (out / "results.json").read_bytes() == before  # a second invocation does nothing


def test_one_more_contender_is_tried_on_all_and_all_on_it() -> None:
    config = load(None, {"data": [PHOTOS], "method": ["mean-color"], "probe": ["attack", "transfer"], "plugin": FILES})
    keys = []
    for methods in (["mean-color"], ["mean-color"], ["mean-color", "reversed"]):
        entries, known = discover(FILES), discover(FILES, PROBE)
        chosen = [(spec, resolve(spec, entries)) for spec in map(parse, methods)]
        probes = [(spec, resolve(spec, known, PROBE)) for spec in map(parse, config.probe)]
        cells = list(plan(config, open_all(config), chosen, probes))
        keys.append([one.key for one in cells[0].probes])
    assert keys[0] == keys[1]
    assert keys[2][0] == keys[0][0]  # the attack stays as it is
    assert keys[2][1] != keys[0][1]


def test_a_probe_that_reads_another_needs_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--probe transfer asks about what attack answers: add --probe attack"):
        start(tmp_path / "run", ["transfer"])


EVERY_PROBE = [
    "corruptions[images=4,kinds=fog,severities=1]",
    "shifts[images=4,kinds=grey]",
    "attack[images=4,epsilons=8,queries=10,draws=2]",
    "transfer",
    "occlusion[images=2,cells=4,steps=2]",
    "parts",
    "throughput[images=4,repeats=1]",
]


def test_a_plugin_goes_through_every_probe_and_a_second_call_starts_no_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells_here(monkeypatch)
    no_report(monkeypatch)
    monkeypatch.setenv("TOPFIVE_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "run"
    assert start(out, EVERY_PROBE, ["mean-color", "reversed"]) == 0
    stored = open_run(out)
    for probe in EVERY_PROBE:
        found = answers(stored, str(parse(probe)))
        assert {one.method for one in found} == {"mean-color", "reversed"}
        assert {one.status for one in found} == {"done"}

    def started(*args: Any, **more: Any) -> Any:
        raise AssertionError("a cell was started")

    monkeypatch.setattr("topfive.benchmark.running.runner.run_isolated", started)
    assert start(out, EVERY_PROBE, ["mean-color", "reversed"]) == 0
