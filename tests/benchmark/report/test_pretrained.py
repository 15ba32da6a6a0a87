"""Pre-trained contenders are shown everywhere, but stand on neither side of the verdict."""

from __future__ import annotations

from pathlib import Path

import pytest
from topfive.benchmark.families import DEEP, FLOOR, HAND, PRETRAINED
from topfive.benchmark.report.analysis.contest import Contest
from topfive.benchmark.report.analysis.verdict import verdict
from topfive.benchmark.report.charts import cost, ranking, record, top_k
from topfive.benchmark.report.numbers import percent, points
from topfive.benchmark.report.render import legend, render
from topfive.benchmark.report.sections.transfer import Transfer

from tests.benchmark.report.conftest import MakeRun, contest_of

SIDES = (("net", DEEP, 1.8), ("sift", HAND, 1.2), ("hog", HAND, 0.9))
SEEN = ("timm", PRETRAINED, 3.0), ("onnx", PRETRAINED, 2.6)
CHANCE = ("chance", FLOOR, 0.0)


def pair(contest: Contest) -> set[str]:
    return {contest.ranked[i].name for i in contest.headline_pair or ()}


def test_the_best_of_all_is_named_but_the_two_sides_are_compared(make_run: MakeRun) -> None:
    contest = contest_of(make_run(contenders=(*SIDES, *SEEN, CHANCE), broken=False))
    assert [c.name for c in contest.ranked[:2]] == ["timm", "onnx"]
    assert pair(contest) == {"net", "sift"}
    assert contest.both_sides
    said = verdict(contest)
    assert "timm" not in said.headline
    assert said.more[0].startswith("Best of all is timm (pre-trained) with ")
    assert "timm and onnx have seen other images as well (pre-trained), so they count on neither side." in said.more


def test_one_is_spoken_of_in_the_singular(make_run: MakeRun) -> None:
    said = verdict(contest_of(make_run(contenders=(*SIDES, SEEN[0]), broken=False))).more
    assert "timm has seen other images as well (pre-trained), so it counts on neither side." in said
    alone = verdict(contest_of(make_run("alone", contenders=SIDES, broken=False))).more
    assert not any("other images" in line for line in alone)


@pytest.mark.parametrize(
    ("contenders", "set_against"),
    [
        ((*SIDES[1:], *SEEN, CHANCE), {"sift", "hog"}),
        ((SIDES[0], *SEEN, CHANCE), {"net", "timm"}),
        ((*SEEN, CHANCE), {"timm", "onnx"}),
        ((SEEN[0], CHANCE), {"timm", "chance"}),
    ],
)
def test_without_both_sides_it_comes_in_after_all_but_floors(
    contenders: tuple[tuple[str, str, float], ...], set_against: set[str], make_run: MakeRun
) -> None:
    assert pair(contest_of(make_run(contenders=contenders, broken=False))) == set_against


def test_it_is_no_rival_of_those_that_are_compared(make_run: MakeRun) -> None:
    """Alike in error, but of another kind: it might not have stood in either place, which need not be paid for."""
    alike = (("sift", HAND, 1.5), ("hog", HAND, 1.0), ("timm", PRETRAINED, 1.5))
    assert contest_of(make_run(contenders=alike, broken=False)).candidates == 2
    among = (("hog", HAND, 0.2), ("timm", PRETRAINED, 1.5), ("onnx", PRETRAINED, 1.5))
    contest = contest_of(make_run("among", contenders=among, broken=False))
    assert [len(side) for side in contest.rivals] in ([1, 2], [2, 1])


def test_the_section_sets_it_against_the_best_that_has_not_at_each_size(make_run: MakeRun) -> None:
    run = make_run(contenders=(*SIDES, *SEEN, CHANCE), train_per_class=(10, 100), broken=False)
    contest = contest_of(run)
    section = Transfer().build(contest)
    assert section is not None
    table = section.parts[0].table  # type: ignore[union-attr]
    assert [row[0].text for row in table.rows] == ["10", "100"]
    smaller = {c.name: c for c in contest.smaller}
    ranked = {c.name: c for c in contest.ranked}
    for row, of in zip(table.rows, (smaller, ranked), strict=True):
        errors = [contest.error_of(of[name], contest.k).value for name in ("timm", "net")]
        assert [row[3].text, row[5].text] == [percent(e) for e in errors]
        assert row[1].text == points(errors[1] - errors[0])
    assert section.sentence.startswith(
        "timm, which has seen other images, against net, the best that has not: with 10 training images a class it "
    )
    assert f"it errs {table.rows[1][1].text} points less ({table.rows[1][2].text})" in section.sentence


@pytest.mark.parametrize("contenders", [SIDES, (*SEEN, CHANCE)])
def test_there_is_no_section_with_one_kind_alone(
    contenders: tuple[tuple[str, str, float], ...], make_run: MakeRun
) -> None:
    assert Transfer().build(contest_of(make_run(contenders=contenders, broken=False))) is None


def test_every_chart_has_a_place_for_it(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(contenders=(*SIDES, *SEEN, CHANCE), train_per_class=(10, 100), broken=False)
    contest = contest_of(run)
    ranked, best = ranking.figure(contest), record.here(contest)
    assert ranked is not None
    assert best is not None
    assert {row.tone for row in ranked.rows if row.name in ("timm", "onnx")} == {"pretrained"}
    assert [row.name for row in best.rows] == ["timm", "net", "sift"]
    for figure in (*cost.figures(contest), top_k.figure(contest)):
        assert figure is not None
        assert any(series.tone == "pretrained" for series in figure.series), figure.key
    assert legend([], [PRETRAINED, DEEP]) == [("deep", "deep"), ("pretrained", "pre-trained")]
    page = render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    assert "t-pretrained" in page
