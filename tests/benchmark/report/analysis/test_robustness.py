"""Who loses more under the same changes: ratios as the paper defines them, seeds, and sentences that follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from topfive.benchmark.report.analysis.robustness import (
    contrast,
    estimate,
    mean_corruption_errors,
    resampled,
    robustness,
)
from topfive.benchmark.report.sections.corruptions import Corruptions
from topfive.benchmark.report.sections.parts import Numbers
from topfive.benchmark.report.sections.shifts import Shifts
from topfive.benchmark.results.run import open_run
from topfive.benchmark.results.schema import Record
from topfive.benchmark.scoring.metrics import metrics
from topfive.benchmark.scoring.predictions import read_predictions, write_predictions
from topfive.benchmark.scoring.ranking import rank

from tests.benchmark.conftest import add
from tests.benchmark.report.conftest import DEEP, HAND, MakeRun, contest_of, scores_of

TWO = (("alexnet", DEEP, 2.4), ("sift", HAND, 2.4))
KINDS = ("fog", "snow")


def hits(*errors: float, n: int = 100, seeds: int = 1) -> np.ndarray[Any, Any]:
    """(seeds, len(errors), n): so many of each n wrong, the first ones."""
    return np.stack([np.stack([np.arange(n) >= round(e * n) for e in errors])] * seeds)


def test_mean_corruption_error_is_the_papers() -> None:
    labels = np.arange(100) % 5
    # plain, fog 1, fog 2, snow 1, snow 2
    alexnet, other = hits(0.2, 0.4, 0.6, 0.3, 0.5), hits(0.1, 0.2, 0.4, 0.6, 0.6)
    conditions: list[Any] = [{"corruption": kind, "severity": s} for kind in KINDS for s in (1, 2)]
    found = resampled({0: alexnet, 1: other}, labels, conditions)
    groups = [found.columns(corruption=kind) for kind in KINDS]
    a, b = found.panels
    assert [e.value for e in mean_corruption_errors(a, a, groups)] == [1, 1]
    assert [(e.low, e.high) for e in mean_corruption_errors(a, a, groups)] == [(1, 1), (1, 1)]
    mce, relative = mean_corruption_errors(b, a, groups)
    assert mce.value == pytest.approx((0.6 / 1.0 + 1.2 / 0.8) / 2)
    assert relative.value == pytest.approx((0.4 / 0.6 + 1.0 / 0.4) / 2)
    assert mce.low < mce.value < mce.high


def test_a_reference_that_does_not_rise_gives_no_relative_error() -> None:
    found = resampled({0: hits(0.5, 0.5), 1: hits(0.2, 0.4)}, np.arange(100) % 5, [{"corruption": "fog"}])
    mce, relative = mean_corruption_errors(found.panels[1], found.panels[0], [[0]])
    assert mce.value == pytest.approx(0.8)
    assert np.isinf(relative.value)
    # a mean of 0.2 that comes out a little larger
    found = resampled(
        {0: hits(0.2, 0.1, 0.2, 0.3), 1: hits(0.2, 0.4, 0.4, 0.4)},
        np.arange(100) % 5,
        [{"corruption": "fog", "severity": s} for s in (1, 2, 3)],
    )
    assert np.isinf(mean_corruption_errors(found.panels[1], found.panels[0], [[0, 1, 2]])[1].value)


def test_several_seeds_spread_and_are_resampled_together() -> None:
    labels = np.zeros(200, int)
    same, apart = hits(0.2, 0.4, n=200, seeds=3), hits(0.2, 0.4, n=200, seeds=3)
    for seed, error in enumerate((0.3, 0.4, 0.5)):
        apart[seed, 1] = np.arange(200) >= round(error * 200)
    widths = []
    for one in (same, apart):
        e = estimate(resampled({0: one}, labels, [{"shift": "x"}]).panels[0].rise())
        assert e.value == pytest.approx(0.2)
        widths.append(e.high - e.low)
    assert widths[1] > 1.3 * widths[0]


@pytest.fixture
def asked(make_run: MakeRun) -> Path:
    """Two contenders on 20 classes: "sift" loses nearly everything to both kinds of damage, "alexnet" little."""
    run = make_run(contenders=TWO, broken=False, per_class=10)
    stored = open_run(run)
    for record in list(stored.records):
        assert record.predictions is not None
        ids, ranking = read_predictions(run / record.predictions)
        for kind in KINDS:
            for severity in (1, 5):
                skill = 0.1 if record.method == "sift" else 2.2
                rng = np.random.default_rng(severity)
                told = rank(scores_of(skill, record.family, ranking.label, 20, rng)[::2], ranking.label[::2])
                file = f"predictions/{record.method}-{kind}-{severity}.parquet"
                write_predictions(run / file, ids.to_pylist()[::2], told)
                condition: dict[str, Any] = {"corruption": kind, "severity": severity}
                changed = {
                    "probe": "corruptions",
                    "condition": condition,
                    "metrics": metrics(told),
                    "predictions": file,
                }
                add(run, record.model_copy(update=changed))
    return run


def test_the_sentence_says_whom_damage_costs_more(asked: Path) -> None:
    contest = contest_of(asked)
    found = robustness(contest, "corruption")
    assert found is not None
    assert found.images == 100
    assert [dict(c) for c in found.conditions] == [{"corruption": k, "severity": s} for k in KINDS for s in (1, 5)]
    said = contrast(contest, found, "Damage", ", on average over it")
    assert said.startswith("Damage costs sift ")
    assert "more than AlexNet (95 % interval" in said
    rises = {contest.ranked[p.contender].name: 100 * p.rise()[0] for p in found.panels}
    assert (
        f"that of sift rises by {rises['sift']:.1f}" in said
        or f"the error of sift rises by {rises['sift']:.1f}" in said
    )
    alike = contrast(contest, robustness(contest, "corruption", 20) or found, "Damage", "")  # of 20 best all are right
    assert alike.startswith("Damage costs the two alike as far as 100 images tell")


def test_the_section_counts_in_the_runs_own_alexnet(asked: Path) -> None:
    contest = contest_of(asked)
    section = Corruptions().build(contest)
    assert section is not None
    (table,) = [p.table for p in section.parts if isinstance(p, Numbers) and p.table.key == "mce"]
    rows = {row[0].text: [value.text for value in row[1:]] for row in table.rows}
    assert rows["AlexNet"][:2] == ["100.0", "100.0 to 100.0"]
    assert float(rows["sift"][0]) > 150
    assert {chart.key for chart in section.charts()} >= {"corruptions"}
    assert Shifts().build(contest) is None


@pytest.mark.parametrize(("method", "counts"), [("alexnet[epochs=12]", True), ("alexnet-2012", False)])
def test_an_alexnet_with_parameters_is_counted_in_too(asked: Path, method: str, counts: bool) -> None:
    stored = asked / "results.json"
    renamed = stored.read_text(encoding="utf-8").replace('"method": "alexnet"', f'"method": "{method}"')
    stored.write_text(renamed, encoding="utf-8")
    section = Corruptions().build(contest_of(asked))
    assert section is not None
    assert any(isinstance(p, Numbers) and p.table.key == "mce" for p in section.parts) is counts


def test_one_that_answered_hardly_anything_costs_nobody_an_answer(asked: Path) -> None:
    stored = open_run(asked)
    record = next(r for r in stored.records if r.probe is None and r.method == "sift")
    third = record.model_copy(update={"cell": "third", "method": "third", "key": "third"})
    view = next(r for r in stored.records if r.probe is not None and r.method == "sift")
    one = view.model_copy(update={"cell": "third", "method": "third", "key": "third"})
    add(asked, third, one)
    contest = contest_of(asked)
    found = robustness(contest, "corruption")
    assert found is not None
    assert len(found.conditions) == 4
    assert {contest.ranked[p.contender].name for p in found.panels} == {"alexnet", "sift"}
    section = Corruptions().build(contest)
    assert section is not None
    assert "Without an answer: third." in str(section.parts[-1])


def test_a_predictions_file_says_why_it_was_not_asked(asked: Path) -> None:
    record = next(r for r in open_run(asked).records if r.probe is None and r.method == "sift")
    fields = {"cell": "file", "method": "theirs", "key": None, "n_train": None, "n_train_per_class": None}
    add(asked, Record.model_validate(record.model_dump() | fields))
    section = Corruptions().build(contest_of(asked))
    assert section is not None
    assert "theirs: a file of predictions, which can be asked nothing further." in str(section.parts[-1])
