"""Power laws in the report: fitted, foretold, extrapolated, or said to be none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from topfive.benchmark.families import tone_of
from topfive.benchmark.report.analysis.contender import Contender
from topfive.benchmark.report.analysis.contest import Contest
from topfive.benchmark.report.analysis.curves import curves_of
from topfive.benchmark.report.analysis.scaling import FAR, risen, scaling_of, still_learning
from topfive.benchmark.report.charts import learning
from topfive.benchmark.report.charts.figure import DOTTED, Figure
from topfive.benchmark.report.charts.layout import lay_out
from topfive.benchmark.report.sections.learning import Learning
from topfive.benchmark.results.run import Run
from topfive.benchmark.results.schema import DatasetRecord, Record

from tests.benchmark.report.conftest import DEEP, HAND

SIZES = (5, 10, 20, 40, 80)
CLASSES, N = 10, 600


def contest_of(converged: bool = True, **laws: tuple[str, Callable[[float], float]]) -> Contest:
    """Contenders whose error at each size is as planted, to the image; three trainings each miss other images."""
    labels = np.arange(N) % CLASSES
    description = DatasetRecord(
        name="made", title="Made", n_train=CLASSES * SIZES[-1], n_val=N, n_classes=CLASSES,
        classes=[str(i) for i in range(CLASSES)], class_names=[str(i) for i in range(CLASSES)],
    )  # fmt: skip
    contenders = []
    for j, (name, (family, law)) in enumerate(laws.items()):
        for size in SIZES:
            error = law(size)
            above = np.stack([np.random.default_rng([j, size, s]).permutation(N) < round(error * N) for s in range(3)])
            record = Record(
                cell=f"{name}-{size}", dataset="made", method=name, family=family, status="done",
                metrics={"top1_err": error, "top5_err": error}, n_train_per_class=size, converged=converged,
            )  # fmt: skip
            made: Any = [type("Result", (), {"record": record, "run": Run})() for _ in range(3)]
            wrong, one = above.astype(np.int16), np.ones((3, N), np.int16)
            contenders.append(Contender(name, family, size, made, name, wrong, one))
    ranked = [c for c in contenders if c.per_class == SIZES[-1]]
    ranked.sort(key=lambda c: c.mean("top1_err") or 0)
    smaller = [c for c in contenders if c.per_class != SIZES[-1]]
    return Contest(description, ranked, smaller, [], None, labels)


def law(a: float, b: float, c: float = 0.0) -> Callable[[float], float]:
    return lambda n: a * n**-b + c


def test_planted_laws_are_fitted_and_a_measured_crossing_is_not_extrapolated() -> None:
    contest = contest_of(net=(DEEP, law(1.9, 0.5)), sift=(HAND, law(0.35, 0.1)))
    curves = curves_of(contest)
    assert curves.crossing is not None
    assert curves.crossing.at == pytest.approx((1.9 / 0.35) ** (1 / 0.4), rel=0.05)
    scaling = scaling_of(contest, curves)
    assert (scaling.beyond, scaling.sentence) == (None, "")
    assert {one.name for one in scaling.fits} == {"net", "sift"}
    net = next(one for one in scaling.fits if one.name == "net")
    assert net.parameter("b").low <= 0.5 <= net.parameter("b").high
    assert [told.up_to for told in net.foretold] == [40]
    assert net.foretold[0].agrees
    assert net.foretold[0].measured == pytest.approx(1.9 * 80**-0.5, abs=1e-3)


def test_the_best_of_a_side_that_has_no_curve_leaves_the_word_to_the_next() -> None:
    contest = contest_of(net=(DEEP, law(1.9, 0.5)), sift=(HAND, law(0.35, 0.1)), deeper=(DEEP, law(1.0, 0.5)))
    contest.smaller[:] = [c for c in contest.smaller if c.title != "deeper"]
    assert contest.headline_pair is not None
    assert "deeper" in [contest.ranked[i].title for i in contest.headline_pair]
    curves = curves_of(contest)
    assert curves.pair == ("net", "sift")
    assert curves.crossing is not None
    assert "above that net leads" in curves.sentence
    chart = learning.figure(contest, curves, scaling_of(contest, curves))
    assert chart is not None
    assert chart.title.startswith("net overtakes sift at about")
    contest.smaller[:] = [c for c in contest.smaller if c.title != "net"]  # now nobody of that side has one
    assert curves_of(contest).pair is None


def test_beyond_what_was_measured() -> None:
    contest = contest_of(net=(DEEP, lambda n: 0.85 * (n / 5) ** -0.25), sift=(HAND, lambda n: 0.5 * (n / 5) ** -0.1))
    curves = curves_of(contest)
    assert curves.crossing is not None
    assert curves.crossing.at is None
    scaling = scaling_of(contest, curves)
    at = 5 * (0.85 / 0.5) ** (1 / 0.15)
    assert scaling.beyond is not None
    assert SIZES[-1] <= scaling.beyond.low <= at <= scaling.beyond.high
    assert "Extrapolated, not measured" in scaling.sentence
    section = Learning().build(contest)
    assert section is not None
    assert section.sentence.endswith(scaling.sentence)
    (chart,) = section.charts()
    assert isinstance(chart, Figure)
    dotted = [series for series in chart.series if series.dash == DOTTED and not series.points]
    assert len(dotted) == 2
    assert all(series.marks[-1].x > SIZES[-1] for series in dotted)
    assert scaling.beyond.at == pytest.approx(at, rel=0.3)
    assert any("extrapolated" in rule.label for rule in chart.rules)
    assert lay_out(chart, 800).items


def test_a_law_that_failed_its_own_test_is_not_extrapolated() -> None:
    """A network that learns ever faster; the other side is a power law."""
    steeper = {5: 0.85, 10: 0.82, 20: 0.77, 40: 0.68, 80: 0.5}
    contest = contest_of(net=(DEEP, lambda n: steeper[int(n)]), sift=(HAND, lambda n: 0.5 * (n / 5) ** -0.1))
    scaling = scaling_of(contest, curves_of(contest))
    assert {one.name: one.holds for one in scaling.fits} == {"net": False, "sift": True}
    assert scaling.beyond is None
    assert "that of net from up to 40 images per class foretold 65.8" in scaling.sentence
    assert scaling.sentence.endswith("error at 80, where 50.0\u00a0% were measured.")
    chart = learning.figure(contest, curves_of(contest), scaling)
    assert chart is not None
    (dotted,) = [series for series in chart.series if series.dash == DOTTED]
    assert (dotted.tone, dotted.marks[0].x) == (tone_of(HAND), SIZES[-1])
    assert sum(series.hollow for series in chart.series) == 2


def test_laws_that_never_meet_say_how_far_was_looked() -> None:
    contest = contest_of(net=(DEEP, law(1.2, 0.3, 0.2)), sift=(HAND, law(0.6, 0.3)))
    scaling = scaling_of(contest, curves_of(contest))
    assert scaling.beyond is not None
    assert scaling.beyond.at == np.inf
    assert f"do not cross before {FAR * 80:,.0f} images per class, 100 times the largest size" in scaling.sentence


def test_a_curve_that_rises_by_more_than_noise_is_not_fitted() -> None:
    bumpy = {5: 0.6, 10: 0.4, 20: 0.55, 40: 0.3, 80: 0.2}
    contest = contest_of(net=(DEEP, lambda n: bumpy[int(n)]), sift=(HAND, law(0.6, 0.3)))
    scaling = scaling_of(contest, curves_of(contest))
    assert [one.name for one in scaling.fits] == ["sift"]
    assert scaling.left_out == [
        "net has no fit: from 10 to 20 images per class its error rises by more than noise, which no power law does."
    ]
    assert scaling.beyond is None


def test_sizes_at_which_it_only_guesses_are_left_out() -> None:
    slow = {5: 0.9, 10: 0.9, 20: 0.6, 40: 0.4, 80: 0.3}
    contest = contest_of(net=(DEEP, lambda n: slow[int(n)]), sift=(HAND, law(0.6, 0.3)))
    assert scaling_of(contest, curves_of(contest)).left_out == [
        "net has no fit: it is better than chance at fewer than four of the sizes."
    ]


def test_noise_alone_is_seldom_called_a_rise() -> None:
    rng = np.random.default_rng(0)
    called = 0
    for _ in range(200):
        measured = np.array([0.5, 0.5, 0.5, 0.5]) + rng.normal(0, 0.02, 4)
        called += risen(measured, measured + rng.normal(0, 0.02, (400, 4))) is not None
    assert called <= 0.05 * 200 + 7
    assert risen(np.array([0.5, 0.6, 0.4]), np.full((400, 3), 0.5) + rng.normal(0, 0.01, (400, 3))) == 0


def test_a_training_that_had_not_converged_is_named() -> None:
    contest = contest_of(converged=False, net=(DEEP, law(0.6, 0.3)))
    assert still_learning(contest).startswith("Not trained to convergence, by its own record: net at 5, 10, 20, 40 and")
    assert still_learning(contest_of(net=(DEEP, law(0.6, 0.3)))) == ""


def test_who_was_trained_at_one_size_is_a_point_beside_the_curves() -> None:
    contest = contest_of(net=(DEEP, law(1.9, 0.5)), sift=(HAND, law(0.35, 0.1)))
    contest.smaller = [c for c in contest.smaller if c.name == "net"]
    curves = curves_of(contest)
    figure = learning.figure(contest, curves, scaling_of(contest, curves))
    assert figure is not None
    alone = [mark for series in figure.series for mark in series.marks if mark.label == "sift"]
    assert [(mark.x, round(mark.y, 2)) for mark in alone] == [(SIZES[-1], round(0.35 * SIZES[-1] ** -0.1, 2))]
