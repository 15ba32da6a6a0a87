"""Ablations and the ladder: who is a base, what is told from nothing, and how fast a network learns."""

from __future__ import annotations

import tomllib
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from topfive.benchmark.config import STUDIES
from topfive.benchmark.report.analysis.contest import Contest, contests_of
from topfive.benchmark.report.analysis.ingredients import LADDER, _tested, ablations, epochs_to, ladder, races
from topfive.benchmark.report.charts.layout import lay_out
from topfive.benchmark.report.charts.primitives import Rect, Text
from topfive.benchmark.report.charts.text import width
from topfive.benchmark.report.sections.ingredients import Ingredients
from topfive.benchmark.results.run import open_run
from topfive.benchmark.scoring.paired import difference
from topfive.benchmark.specs import parse

from tests.benchmark.conftest import edit
from tests.benchmark.report.conftest import DEEP, HAND, MakeRun

ARMS = (
    ("net[lr=tuned]", DEEP, 2.0),
    ("net[activation=tanh,lr=tuned]", DEEP, 1.0),
    ("net[batch_norm=true,lr=tuned]", DEEP, 3.0),
    ("net[lr=tuned,width=3]", DEEP, 2.0),
    ("net[activation=tanh,lr=tuned,width=3]", DEEP, 2.0),
    ("net[device=cpu,lr=tuned]", DEEP, 2.0),
)


def contest_of(run: Any) -> Contest:
    (contest,) = contests_of([open_run(run)])
    return contest


def with_histories(run: Any, **errors: list[float]) -> None:
    def add(record: Any) -> Any:
        mine = errors.get("tanh" if "tanh" in record.method else "relu", [])
        return record.model_copy(update={"history": [{"train_error": e + 0.01 * record.seed} for e in mine]})

    edit(run, add)


@pytest.mark.parametrize("seeds", [1, 3])
def test_ingredients_that_do_nothing_show_nothing_in_95_of_100_cases(seeds: int) -> None:
    """All arms together, and all images and trainings drawn anew: no more than 5 % with any arm told from nothing.

    One training each has luck that it cannot know of: there trainings are alike.
    """
    rng, rounds, wrong, found = np.random.default_rng(5), 120, 0, 0
    labels = np.repeat(np.arange(20), 15)
    for _ in range(rounds):
        easy = rng.normal(0, 1.5, 300)
        luck = rng.normal(0, 0.1 * (seeds > 1), (5, seeds, 1))
        skill = np.array([0, 0, 0, 0, -1.0])[:, None, None]  # the last arm's ingredient is worth something
        hits = rng.random((5, seeds, 300)) < 1 / (1 + np.exp(-(easy + skill + luck)))
        contest: Any = SimpleNamespace(difference=lambda i, j, hits=hits: difference(hits[i], hits[j], labels))
        steps = _tested(contest, [("nothing", 0, j, "") for j in (1, 2, 3)])
        wrong += any(step.decided for step in steps)
        for step in steps:
            assert step.decided == (not step.gap.low <= 0 <= step.gap.high)
        found += _tested(contest, [("something", 0, 4, "")])[0].decided
    assert wrong <= 0.05 * rounds + 2 * (0.05 * 0.95 * rounds) ** 0.5
    assert found > 0.8 * rounds


def test_the_base_is_the_one_that_most_are_one_parameter_away_from(make_run: MakeRun) -> None:
    contest = contest_of(make_run(contenders=ARMS, seeds=(0, 1), broken=False))
    (found,) = ablations(contest)
    assert contest.ranked[found.base].spec == "net[lr=tuned]"
    arms = {step.label: contest.ranked[step.after].spec for step in found.steps}
    assert arms == {
        "tanh in place of ReLU": "net[activation=tanh,lr=tuned]",
        "batch normalisation added (of 2015)": "net[batch_norm=true,lr=tuned]",
        "width=3": "net[lr=tuned,width=3]",
    }
    gaps = [step.gap.value for step in found.steps]
    assert gaps == sorted(gaps, reverse=True)
    worst = found.steps[0]
    errors = [contest.errors[i].value for i in (worst.before, worst.after)]
    assert worst.gap.value == pytest.approx(errors[1] - errors[0])
    assert worst.label == "tanh in place of ReLU"
    assert worst.decided


def test_half_width_is_called_so_only_where_it_is() -> None:
    from topfive.benchmark.report.analysis.ingredients import _ingredient

    assert _ingredient("width", 0.5, 0.25).label == "half width"
    assert _ingredient("width", 0.5, 1).label == "width=1"
    assert _ingredient("width", None, 0.25).label == "width=0.25"
    assert "1.4" in _ingredient("lrn", None, False).quoted
    assert _ingredient("augment", None, parse("net[augment=none]").params["augment"]).label == "no augmentation"


def test_the_ladder_is_the_studys(make_run: MakeRun) -> None:
    methods = tomllib.loads((STUDIES / "algorithms.toml").read_text(encoding="utf-8"))["method"]
    assert [spec for _, spec in LADDER] == [m for m in methods if not m.startswith("alexnet")]
    assert all(str(parse(method)) == method for method in methods)  # canonical, as the results have it
    rungs = tuple((spec, HAND, 1 + 0.5 * i) for i, (_, spec) in enumerate(LADDER[:4]))
    contest = contest_of(make_run(contenders=rungs, broken=False))
    steps = ladder(contest)
    assert [step.label for step in steps] == [label for label, _ in LADDER[1:4]]
    assert sum(step.gap.value for step in steps) == pytest.approx(
        contest.errors[steps[-1].after].value - contest.errors[steps[0].before].value
    )
    section = Ingredients().build(contest)
    assert section is not None
    assert f"3 steps take {-100 * sum(s.gap.value for s in steps):.1f} points off" in section.sentence
    (chart,) = section.charts()
    sheet = lay_out(chart, 800)
    bars = [item for item in sheet.items if isinstance(item, Rect) and item.role in ("bar", "interval")]
    assert len(bars) == 3
    phone = lay_out(chart, 352)
    names = [item for item in phone.items if isinstance(item, Text) and item.role == "class"]
    said = max(width(item.text, 12.5) for item in phone.items if isinstance(item, Text) and item.role == "range")
    assert all(width(name.text, 12) <= 352 - said for name in names)
    # Each begins where the one above ends: errors fall, so that is its right end.
    for above, below in pairwise(bars):
        assert below.x + below.width == pytest.approx(above.x, abs=2)


def test_no_section_where_nobody_is_one_change_away(make_run: MakeRun) -> None:
    assert Ingredients().build(contest_of(make_run(broken=False))) is None


def test_epochs_to_a_quarter_of_the_training_images_wrong() -> None:
    assert epochs_to([0.6, 0.4, 0.2]) == pytest.approx(2.75)
    assert epochs_to([0.1]) == pytest.approx(0.75 / 0.9)
    assert epochs_to([0.6, 0.4]) is None
    assert epochs_to([]) is None


def test_relu_against_tanh(make_run: MakeRun) -> None:
    run = make_run(contenders=ARMS, seeds=(0, 1, 2), broken=False)
    with_histories(run, relu=[0.6, 0.2, 0.1], tanh=[0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    contest = contest_of(run)
    found = {contest.ranked[one.b].spec: one for one in races(contest)}
    assert set(found) == {"net[activation=tanh,lr=tuned]", "net[activation=tanh,lr=tuned,width=3]"}
    one = found["net[activation=tanh,lr=tuned]"]
    assert contest.ranked[one.a].spec == "net[lr=tuned]"
    taken = [[epochs_to([e + 0.01 * s for e in errors]) for s in range(3)] for errors in ([0.6, 0.2], [0.3, 0.2])]
    assert one.epochs[0] == pytest.approx(np.mean(taken[0]))
    assert one.ratio is not None
    assert one.ratio.low < one.ratio.value < one.ratio.high
    assert one.ratio.value == pytest.approx(6.6 / 1.9, rel=0.02)
    section = Ingredients().build(contest)
    assert section is not None
    assert "activations" in [chart.key for chart in section.charts()]
    with_histories(run, relu=[0.6, 0.2], tanh=[0.8, 0.7])
    assert all(one.ratio is None and one.epochs[1] is None for one in races(contest_of(run)))
