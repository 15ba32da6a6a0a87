"""Budgets and costs: what each contender was given, in full and in the run, and who was still learning."""

from __future__ import annotations

from pathlib import Path

import pytest
from topfive.benchmark.families import DEEP, HAND
from topfive.benchmark.report.analysis.budget import fewer_pixels, in_words, pixels, still_learning, unlike
from topfive.benchmark.report.analysis.verdict import verdict
from topfive.benchmark.report.render import render
from topfive.benchmark.report.sections.cost import budgets, costs
from topfive.benchmark.results.run import load_run
from topfive.benchmark.results.schema import Costs

from tests.benchmark.report.conftest import MakeRun, change, contest_of

AHEAD = (("net", DEEP, 1.2), ("sift", HAND, 2.4))
WHY = "the held-out loss still fell by 3.5 % over the last 3 of 10 epochs"
NET = {
    "side": 64,
    "width": 0.5,
    "epochs": 10,
    "views": 2,
    "train_share": 0.95,
    "tuned": "best epoch on held-out images",
}
SIFT = {"pixels": 100_000, "codebook": 128, "views": 1, "train_share": 1.0, "tuned": "step, stop"}


@pytest.fixture
def run(make_run: MakeRun) -> Path:
    made = make_run(contenders=AHEAD, broken=False)
    loaded = load_run(made)
    name = next(iter(loaded.datasets))
    loaded.datasets[name] = loaded.datasets[name].model_copy(update={"image_size": (375, 500)})
    loaded.save()
    change(made, "net", budget=NET, converged=False, convergence=WHY)
    change(made, "sift", budget=SIFT, converged=True, convergence="the error was lowest after 4 of 8 epochs")
    return made


def test_many_that_were_still_learning_are_counted(make_run: MakeRun) -> None:
    nets = [(f"net{i}", DEEP, 0.5 + 0.1 * i) for i in range(4)]
    run = make_run(contenders=(*nets, ("sift", HAND, 2.4)), broken=False)
    for name, *_ in nets:
        change(run, name, budget=NET, converged=False, convergence=WHY)
    first = contest_of(run).titles[1]
    assert verdict(contest_of(run)).caveats[0] == (
        f"{first} and 3 more were still learning when their budgets ended (see Training). More training could turn the "
        "verdict."
    )


def test_a_loser_that_was_still_learning_is_named_first(run: Path) -> None:
    contest = contest_of(run)
    assert contest.pairs[0].told_apart
    assert in_words(contest.ranked[1]) == "10 epochs at half its width on a CPU"
    caveats = verdict(contest).caveats
    assert caveats[0] == (
        f"net was still learning when its budget ended (10 epochs at half its width on a CPU): {WHY}. More training "
        "could turn the verdict."
    )
    # 64 × 64 against 100,000 of 375 × 500.
    assert caveats[1] == "net sees 4,096 pixels of an image, sift 100,000: 24 times as many."
    assert caveats[-2:] == [
        "Of a test image sift averages 1 view and net averages 2 views.",
        "net learned from 95\u00a0% of the training images and chose its epoch on the rest.",
    ]


def test_a_leader_that_was_still_learning_turns_nothing(run: Path) -> None:
    change(run, "net", converged=True)
    change(run, "sift", converged=False)
    assert still_learning(contest_of(run)) == []


def test_where_it_is_open_both_sides_are_named(make_run: MakeRun) -> None:
    run = make_run(contenders=(("net", DEEP, 1.6), ("sift", HAND, 1.6)), per_class=3, broken=False)
    change(run, "net", converged=False)
    change(run, "sift", converged=False, convergence=WHY)
    contest = contest_of(run)
    assert not contest.pairs[0].told_apart
    assert len(still_learning(contest)) == 2


def test_who_is_silent_is_not_spoken_for(make_run: MakeRun) -> None:
    contest = contest_of(make_run(contenders=AHEAD, broken=False))
    assert still_learning(contest) == fewer_pixels(contest) == unlike(contest) == []
    assert budgets(contest) is None


def test_pixels_are_those_of_the_images_where_they_have_no_more(run: Path) -> None:
    contest = contest_of(run)
    sift = contest.ranked[0].record
    assert pixels(sift, contest.dataset) == 100_000
    assert pixels(sift, contest.dataset.model_copy(update={"image_size": (64, 64)})) == 4096
    small = contest.dataset.model_copy(update={"image_size": (64, 64)})
    contest.dataset = small
    assert fewer_pixels(contest) == []


def test_the_budget_is_a_table(run: Path) -> None:
    table = budgets(contest_of(run))
    assert table is not None
    columns = [column.name for column in table.columns]
    sift, net = [dict(zip(columns, [value.text for value in row], strict=True)) for row in table.rows]
    assert net == {
        "contender": "net", "pixels of an image": "4,096", "width": "0.5", "epochs": "10", "test views": "2",
        "learned from": "95\u00a0%", "still learning": "yes", "as it says": WHY,
        "tuned on training images": "best epoch on held-out images", "further": "–",
    }  # fmt: skip
    assert (sift["pixels of an image"], sift["still learning"], sift["further"]) == ("100,000", "no", "codebook 128")


def test_a_cached_fit_is_counted_in_full_and_what_it_took_beside_it(run: Path, tmp_path: Path) -> None:
    change(run, "sift", costs=Costs(fit_seconds=60.0, cached_seconds=45.0))
    contest = contest_of(run)
    table = costs(contest)
    columns = [column.name for column in table.columns]
    fit, spent = columns.index("fit"), columns.index("of it in this run")
    by_name = {row[0].text: row for row in table.rows}
    assert (by_name["sift"][fit].raw, by_name["sift"][spent].raw) == (60.0, 15.0)
    assert by_name["net"][spent].text == "–"
    assert "A fit is counted in full" in render([run], tmp_path, formats=()).read_text(encoding="utf-8")
    change(run, "sift", costs=Costs(fit_seconds=60.0, cached_seconds=0.0))
    assert "of it in this run" not in [column.name for column in costs(contest_of(run)).columns]
