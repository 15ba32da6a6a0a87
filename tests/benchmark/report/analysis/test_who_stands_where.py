"""Who is ranked, who is a curve, and under which name, where sizes, devices, budgets and runs differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from topfive.benchmark.conditions import to_json
from topfive.benchmark.report.analysis.asked import answers
from topfive.benchmark.report.analysis.contest import Contest
from topfive.benchmark.report.analysis.curves import curves_of
from topfive.benchmark.report.render import render
from topfive.benchmark.report.sections.closer import calibrations
from topfive.benchmark.results.run import open_run
from topfive.benchmark.results.schema import Record
from topfive.benchmark.scoring.metrics import metrics
from topfive.benchmark.scoring.predictions import write_predictions

from tests.benchmark.conftest import add, edit
from tests.benchmark.report.conftest import DEEP, HAND, MakeRun, broken_record, contest_of

TWO = (("net", DEEP, 2.4), ("sift", HAND, 1.8))


def names(contest: Contest) -> tuple[set[str], set[str]]:
    return {c.name for c in contest.ranked}, {c.name for c in contest.smaller}


def with_fields(run: Path, method: str, **fields: Any) -> None:
    edit(run, lambda record: record.model_copy(update=fields) if record.method == method else record)


@pytest.mark.parametrize(("share", "ranked"), [(0.9995, True), (0.985, True), (0.975, False)])
def test_a_missing_image_drops_nobody_out(make_run: MakeRun, share: float, ranked: bool) -> None:
    run = make_run(contenders=TWO, broken=False)
    with_fields(run, "net", n_train_per_class=100 * share)
    contest = contest_of(run)
    assert names(contest) == (({"net", "sift"}, set()) if ranked else ({"sift"}, {"net"}))
    assert len(contest.pairs) == int(ranked)


def test_of_one_at_two_such_sizes_the_larger_is_ranked(make_run: MakeRun) -> None:
    one, two = (make_run(name, contenders=TWO, broken=False) for name in "ab")
    edit(two, lambda r: r.model_copy(update={"n_train_per_class": 99.95}), fingerprint="with one image less")
    contest = contest_of(one, two)
    assert [(c.name, c.per_class) for c in contest.ranked] == [(c.name, 100) for c in contest.ranked]
    assert names(contest) == ({"net", "sift"}, {"net", "sift"})


def test_two_devices_are_two_rows_that_say_so(make_run: MakeRun, tmp_path: Path) -> None:
    cpu, gpu = (make_run(name, contenders=TWO, broken=False) for name in ("cpu", "gpu"))
    with_fields(gpu, "net", device="NVIDIA H100")
    contest = contest_of(cpu, gpu)
    assert names(contest) == ({"net (cpu)", "net (NVIDIA H100)", "sift"}, set())
    assert contest.notes == ["sift was run more than once; the result of gpu is shown."]
    assert len(contest.pairs) == 3
    html = render([cpu, gpu], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    assert "net (cpu)" in html
    assert "net (NVIDIA H100)" in html


def test_two_budgets_are_two_rows_that_say_what_differs(make_run: MakeRun) -> None:
    one, two, three = (make_run(name, contenders=TWO[:1], broken=False) for name in "abc")
    with_fields(one, "net", budget={"pixels": 64, "epochs": 10, "width": 0.5})
    with_fields(two, "net", budget={"pixels": 64, "epochs": 90, "width": 1.0})
    assert names(contest_of(one, two))[0] == {"net (epochs 10, width 0.5)", "net (epochs 90, width 1.0)"}
    assert names(contest_of(one, two, three))[0] == {
        "net (epochs 10, width 0.5)",
        "net (epochs 90, width 1.0)",
        "net (budget not recorded)",  # as of a run of the first schema
    }
    assert names(contest_of(two, three))[0] == {"net (pixels 64, epochs 90)", "net (budget not recorded)"}


def test_the_same_again_is_one_row_the_later(make_run: MakeRun) -> None:
    one, two = (make_run(name, contenders=TWO[:1], broken=False) for name in "ab")
    for run in (one, two):
        with_fields(run, "net", device="NVIDIA H100", budget={"epochs": 90})
    contest = contest_of(one, two)
    assert names(contest) == ({"net"}, set())
    assert contest.ranked[0].run.path == two
    assert contest.notes == ["net was run more than once; the result of b is shown."]


def test_seeds_of_two_runs_are_one_contender(make_run: MakeRun) -> None:
    one, two = make_run("a", contenders=TWO, broken=False), make_run("b", contenders=TWO, broken=False, seeds=(1, 2))
    contest = contest_of(one, two)
    assert [c.seeds for c in contest.ranked] == [3, 3]
    assert contest.notes == []


def test_a_curve_stays_one_line_where_one_size_was_run_on_another_device_too(make_run: MakeRun) -> None:
    cpu = make_run("cpu", contenders=TWO, broken=False, train_per_class=(10, 100))
    gpu = make_run("gpu", contenders=TWO[:1], broken=False)
    with_fields(gpu, "net", device="NVIDIA H100")
    contest = contest_of(cpu, gpu)
    assert names(contest) == ({"net (cpu)", "net (NVIDIA H100)", "sift"}, {"net (cpu)", "sift"})
    lines = {line.name: [size for size, _ in line.points] for line in curves_of(contest).lines}
    assert lines == {"net (cpu)": [10, 100], "sift": [10, 100]}


def test_other_training_images_under_one_name_are_told_by_their_run(make_run: MakeRun) -> None:
    one, two = (make_run(name, contenders=TWO[:1], broken=False) for name in ("old", "new"))
    edit(two, fingerprint="another")
    assert names(contest_of(one, two))[0] == {"net (of old)", "net (of new)"}


def test_conditions_of_one_probe_in_two_set_ups_are_not_mixed(make_run: MakeRun) -> None:
    run = make_run(contenders=TWO, broken=False)
    stored = open_run(run)
    plain = {record.method: record for record in stored.records}

    def answer(method: str, probe: str, n: int, name: str) -> Record:
        before = stored.predictions(plain[method])
        assert before is not None
        ids, ranking = before
        part = type(ranking)(ranking.n_classes, *(getattr(ranking, f)[:n] for f in FIELDS))
        file = f"predictions/{name}.parquet"
        write_predictions(run / file, ids[:n].to_pylist(), part)
        same = {"probe": probe, "condition": {"fog": 1}, "predictions": file, "metrics": metrics(part)}
        return plain[method].model_copy(update=same)

    add(run, *(answer(m, "fog[images=50]", 50, f"{m}-50") for m in plain), answer("net", "fog[images=80]", 80, "n-80"))
    assert {len(a.hits) for a in answers(contest_of(run), "fog")} == {50}  # the one that both were asked
    add(run, answer("sift", "fog[images=80]", 80, "s-80"))
    found = answers(contest_of(run), "fog")
    assert [(a.contender, to_json(a.condition), len(a.hits)) for a in found] == [
        (0, '{"fog": 1}', 80),
        (1, '{"fog": 1}', 80),
    ]
    assert all((a.hits == a.plain).all() for a in found)


FIELDS = ("label", "above", "tied", "top_classes", "top_scores")


def test_a_question_that_failed_and_was_answered_later_is_not_undone(make_run: MakeRun) -> None:
    one, two = (make_run(name, contenders=TWO, broken=False) for name in "ab")
    failed = broken_record("tiny-imagenet-mini", "net", "failed", "no").model_copy(update={"probe": "fog"})
    add(one, failed)
    assert [record.probe for record in contest_of(one).undone] == ["fog"]
    add(two, failed.model_copy(update={"status": "done"}))
    assert contest_of(one, two).undone == []


def test_log_probabilities_are_calibrated_as_probabilities_are(make_run: MakeRun) -> None:
    run = make_run(contenders=TWO, broken=False)
    table = calibrations(contest_of(run))
    assert table is not None
    as_probabilities = [[value.raw for value in row[1:4]] for row in table.rows]
    assert [row[0].text for row in table.rows] == ["net"]
    stored = open_run(run)
    (record,) = [record for record in stored.records if record.method == "net"]
    found = stored.predictions(record)
    assert found is not None
    ids, ranking = found
    logs = type(ranking)(
        ranking.n_classes, ranking.label, ranking.above, ranking.tied, ranking.top_classes, np.log(ranking.top_scores)
    )
    write_predictions(run / str(record.predictions), ids.to_pylist(), logs)
    with_fields(run, "net", confidence="log-probability")
    table = calibrations(contest_of(run))
    assert table is not None
    assert [[value.raw for value in row[1:4]] for row in table.rows] == [pytest.approx(as_probabilities[0], abs=1e-6)]
    with_fields(run, "net", confidence=None)
    assert calibrations(contest_of(run)) is None


def test_the_page_says_whether_changes_were_committed(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(contenders=TWO, broken=False)
    clean = render([run], tmp_path / "clean", formats=()).read_text(encoding="utf-8")
    assert "commit 0123456789ab" in clean
    assert "not committed" not in clean
    stored = open_run(run)
    stored.manifest = stored.manifest.model_copy(
        update={"environment": stored.manifest.environment.model_copy(update={"uncommitted": True})}
    )
    stored.save_manifest()
    page = render([run], tmp_path / "changed", formats=()).read_text(encoding="utf-8")
    assert "commit 0123456789ab, with changes not committed" in page
