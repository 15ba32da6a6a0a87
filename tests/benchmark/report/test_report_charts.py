"""Figures and tables say what the stored results say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from topfive.benchmark.report.charts import cost, draw, record, reliability, top_k
from topfive.benchmark.report.history import HUMAN, RECORD
from topfive.benchmark.report.render import figure_numbers
from topfive.benchmark.report.sections import classes
from topfive.benchmark.report.sections.closer import calibrations
from topfive.benchmark.report.sections.numbers import contenders, pairs
from topfive.benchmark.results.run import open_run
from topfive.benchmark.results.schema import Costs, Record

from tests.benchmark.conftest import edit
from tests.benchmark.report.conftest import DEEP, HAND, MakeRun, contest_of

FOUR = (("net", DEEP, 2.4), ("sift", HAND, 1.8), ("hog", HAND, 1.0), ("color", HAND, 0.5))


def change_costs(run: Path, name: str, by_method: dict[str, float]) -> None:
    def change(record: Record) -> Record:
        costs = record.costs.model_dump() | {name: by_method[record.method]}
        return record.model_copy(update={"costs": Costs(**costs)})

    edit(run, change)


def test_the_front_holds_those_that_nobody_beats_at_both(make_run: MakeRun) -> None:
    run = make_run(contenders=FOUR, broken=False)
    # Errors grow from net to color. hog is dearer and worse than sift; color is the cheapest.
    change_costs(run, "fit_seconds", {"net": 100.0, "sift": 10.0, "hog": 20.0, "color": 1.0})
    figure = next(f for f in cost.figures(contest_of(run)) if f.key == "cost-seconds")
    on_front = {m.label for s in figure.series for m in s.marks if m.tip.endswith("(on the front)")}
    assert on_front == {"color", "sift", "net"}
    steps = [(m.x, round(m.y, 6)) for m in figure.series[0].marks]
    error = {c.name: round(c.mean("top5_err") or 0, 6) for c in contest_of(run).ranked}
    assert steps == [
        (1, error["color"]), (10, error["color"]), (10, error["sift"]), (100, error["sift"]), (100, error["net"]),
    ]  # fmt: skip


def test_the_record_is_quoted_as_published() -> None:
    """The official figures, not the rounded ones of retellings."""
    top5 = {(q.year, q.entry): q.top5 for q in RECORD}
    assert top5[2010, "NEC-UIUC (winner)"] == 28.19
    assert top5[2011, "XRCE (winner)"] == 25.77
    assert top5[2012, "ISI (runner-up)"] == 26.17
    assert top5[2012, "SuperVision, outside data (7 nets; winner)"] == 15.32
    assert top5[2012, "SuperVision, like for like (5 nets)"] == 16.42
    assert top5[2012, "SuperVision, 1 net"] == 18.2
    assert HUMAN == 5.1
    assert all(q.source for q in RECORD)


def test_quoted_marks_are_hollow_and_what_is_measured_has_a_panel_of_its_own(make_run: MakeRun) -> None:
    figure = record.figure()
    quoted = [series for series in figure.series if series.points]
    assert all(s.hollow for s in quoted)
    assert {"quoted" in m.tip for s in quoted for m in s.marks} == {True}
    assert sum(len(s.marks) for s in quoted) == len(RECORD)
    contest = contest_of(make_run(contenders=FOUR))
    here = record.here(contest)
    assert here is not None
    assert [row.name for row in here.rows] == ["sift", "net"] or [row.name for row in here.rows] == ["net", "sift"]
    assert here.chance == pytest.approx(1 - 5 / 20)
    assert [row.value for row in here.rows] == sorted(row.value for row in here.rows)
    # Two classes: nobody can miss.
    assert record.here(contest_of(make_run("two", n_classes=2, contenders=FOUR))) is None


def test_the_numbers_of_the_record_are_years_and_per_cent() -> None:
    figure = record.figure()
    rows = [[value.text for value in row[1:]] for row in figure_numbers(figure).rows]
    assert {year for year, _ in rows} == {*map(str, range(2010, 2016))}
    assert ["2012", "16.42\u00a0%"] in rows
    assert ["2012", "17\u00a0%"] in rows  # AlexNet ran in 2012, though on the images of 2010
    drawn = str(draw(figure, 872)).replace("&amp;", "&")
    assert [q.entry for q in RECORD if q.entry.split(" (")[0] + "</text>" not in drawn] == []


def test_every_quoted_result_can_be_looked_up_and_says_its_rule() -> None:
    from topfive.benchmark.report.history import CAVEATS, OUTSIDE, SUPPLIED

    for q in RECORD:
        assert re.fullmatch(r"[a-z.-]+\.[a-z]+(/[\w.-]+)+", q.url), q
        assert len(q.source) > 20
        assert q.rule in (SUPPLIED, OUTSIDE)
    by_top5 = {q.top5: q for q in RECORD}
    assert {t for t, q in by_top5.items() if q.rule == OUTSIDE} == {15.32, 11.2}
    assert "like for like" in by_top5[16.42].entry
    assert by_top5[17.0].year == 2012
    assert by_top5[17.0].data == "test 2010"
    assert "no official figure" in by_top5[28.19].source
    assert any("“26 % and 25 %”" in line and "28.2 and 25.8" in line for line in CAVEATS)


def test_charts_list_numbers_in_the_units_of_their_axes(make_run: MakeRun) -> None:
    run = make_run(contenders=FOUR, broken=False)
    change_costs(
        run, "peak_rss_bytes", {"net": 419_000_000, "sift": 600_000_000, "hog": 480_000_000, "color": 500_000_000}
    )
    contest = contest_of(run)
    memory = next(f for f in cost.figures(contest) if f.key == "cost-memory")
    assert [text for _, text in memory.x.ticks] == ["400 MB", "500 MB", "600 MB", "800 MB"]
    row = next(row for row in figure_numbers(memory).rows if row[0].text.startswith("net"))
    error = contest.errors[0].value
    assert (row[1].text, row[2].text) == ("419 MB", f"{100 * error:.1f}\u00a0%")
    assert (row[1].raw, row[2].raw) == (419e6, error)
    guesses = top_k.figure(contest)
    assert guesses is not None
    assert not any("chance" in row[0].text for row in figure_numbers(guesses).rows)


def test_an_id_that_repeats_the_name_is_left_out(make_run: MakeRun) -> None:
    run = make_run(contenders=FOUR, broken=False, n_classes=12)
    names = contest_of(run).dataset.class_names
    edit(run, classes=[name.replace(" ", "_") for name in names])
    table = classes.classes(contest_of(run))
    assert table is not None
    assert [column.name for column in table.columns[:2]] == ["class", "images"]


def test_class_errors_and_confusions_by_hand(make_run: MakeRun) -> None:
    run = make_run(contenders=FOUR[:2], n_classes=12, per_class=10, broken=False, branches=True)
    contest = contest_of(run)
    (record,) = [record for record in open_run(run).records if record.method == "sift"]
    stored = pq.read_table(run / str(record.predictions))
    label, above = stored["label"].to_numpy(), stored["above"].to_numpy()
    i = next(i for i, c in enumerate(contest.ranked) if c.name == "sift")
    expected = [float(np.mean(above[label == c] >= 5)) for c in range(12)]
    assert contest.class_errors(i) == pytest.approx(expected, abs=1e-6)
    table = classes.classes(contest)
    assert table is not None
    shown = {row[0].text: row[4].raw for row in table.rows}
    assert [shown[name] for name in contest.dataset.class_names] == pytest.approx(expected, abs=1e-6)
    first = np.array([top[0] for top in stored["top_classes"].to_pylist()])
    confused = classes.confusions(contest)
    assert confused is not None
    for row in confused.rows:
        if row[0].text == "sift":
            truth, guess = (contest.dataset.class_names.index(row[j].text) for j in (1, 2))
            assert row[3].raw == np.sum((label == truth) & (first == guess))
    branch = classes.branches(contest)
    assert branch is not None
    animals = np.isin(label, range(0, 12, 3))
    column = 3 if contest.headline_pair and contest.ranked[contest.headline_pair[0]].name == "sift" else 4
    assert branch.rows[0][0].text == "animal"
    assert branch.rows[0][column].raw == pytest.approx(float(np.mean(above[animals] >= 5)), abs=1e-6)


def test_error_at_k_falls_to_the_stated_errors(make_run: MakeRun) -> None:
    contest = contest_of(make_run(contenders=FOUR))
    figure = top_k.figure(contest)
    assert figure is not None
    for series, contender in zip(figure.series, contest.ranked, strict=False):
        at = {m.x: m.y for m in series.marks}
        assert at[1] == pytest.approx(contender.mean("top1_err"))
        assert at[5] == pytest.approx(contender.mean("top5_err"))
    assert {m.x: m.y for m in figure.series[-1].marks}[5] == pytest.approx(0.75)


def test_every_number_of_guesses_has_a_tick_where_there_are_few(make_run: MakeRun) -> None:
    figure = top_k.figure(contest_of(make_run(contenders=FOUR, n_classes=4, broken=False)))
    assert figure is not None
    assert [text for _, text in figure.x.ticks] == ["1", "2", "3"]


def test_only_probabilities_are_checked_for_calibration(make_run: MakeRun) -> None:
    contest = contest_of(make_run(contenders=FOUR))
    table = calibrations(contest)
    assert table is not None
    assert [row[0].text for row in table.rows] == ["net"]
    figure = reliability.figure(contest)
    assert figure is not None
    assert {s.name for s in figure.series} == {"net"}


@pytest.mark.parametrize(
    ("other", "headings"),
    [
        ("sift-fisher[n_jobs=1]", ["AlexNet: error", "SIFT with Fisher vectors: error"]),
        ("alexnet[epochs=2]", ["AlexNet (1 epoch): error", "AlexNet (2 epochs): error"]),
    ],
)
def test_headings_of_two_errors_say_no_more_than_tells_them_apart(
    make_run: MakeRun, other: str, headings: list[str]
) -> None:
    two = (("alexnet[epochs=1]", DEEP, 2.0), (other, HAND, 1.0))
    table = classes.classes(contest_of(make_run(contenders=two, broken=False)))
    assert table is not None
    assert sorted(column.name for column in table.columns if column.name.endswith(": error")) == headings


def test_every_pair_is_in_the_table(make_run: MakeRun) -> None:
    contest = contest_of(make_run(contenders=FOUR))
    table = pairs(contest)
    assert table is not None
    assert len(table.rows) == 6
    for row, pair in zip(table.rows, contest.pairs, strict=True):
        assert (row[0].text, row[1].text) == (contest.titles[pair.a], contest.titles[pair.b])
        assert pair.gap.value >= 0
        assert pair.gap.low <= pair.gap.value <= pair.gap.high
        assert row[4].text == ("yes" if pair.p_corrected < 0.05 else "no")


def test_the_measure_that_ranks_is_the_first_column(make_run: MakeRun) -> None:
    for n_classes, measures in ((12, ["top-5", "top-1"]), (10, ["top-1", "top-5"]), (4, ["top-1"])):
        contest = contest_of(make_run(f"of-{n_classes}", n_classes=n_classes, contenders=FOUR))
        table = contenders(contest)
        names = [column.name for column in table.columns]
        assert [name.split()[0] for name in names if name.endswith("error")] == measures
        assert names[2:4] == [f"{measures[0]} error", "95 % interval"]
        assert names[-1] == "specification"
        assert [row[-1].text for row in table.rows] == [c.name for c in contest.ranked]
        assert names[2 + 2 * len(measures)] == f"expected {measures[0]}"
        for row, contender, error in zip(table.rows, contest.ranked, contest.errors, strict=True):
            assert (row[2].raw, row[3].raw) == (error.value, error.high)
            assert row[2 + 2 * len(measures)].raw == contender.mean(f"top{contest.k}_expected_err")
