"""A figure that is torn out of its page still says what it shows, of what, and with which uncertainty."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from topfive.benchmark.families import RIVAL
from topfive.benchmark.report.analysis.contest import Contest
from topfive.benchmark.report.charts import cost, per_class, ranking, record, save_card, top_k
from topfive.benchmark.report.charts.axes import errors, logarithmic
from topfive.benchmark.report.charts.figure import Figure, Mark, RankingFigure, Row, Series
from topfive.benchmark.report.charts.layout import lay_out, stand_alone
from topfive.benchmark.report.charts.primitives import Line, Shape, Sheet, Text
from topfive.benchmark.report.charts.text import width
from topfive.benchmark.report.sections import sections_of
from topfive.benchmark.results.run import open_run

from tests.benchmark.report.conftest import DEEP, FLOOR, HAND, build_run, contest_of

LONG = ("pytorch[file=/models/a/resnet50_finetuned.pt]", "best-of-2012[mirrored=false]", "best-of-2012[mirrored=true]")


@pytest.fixture(scope="module")
def contest(tmp_path_factory: pytest.TempPathFactory) -> Contest:
    """Long names; the best two, which are compared, are of either side."""
    contenders = ((LONG[0], DEEP, 2.4), (LONG[1], HAND, 1.4), (LONG[2], HAND, 1.3), ("chance", FLOOR, 0.0))
    return contest_of(build_run(tmp_path_factory.mktemp("run") / "run", contenders=contenders, broken=False))


@pytest.fixture(scope="module")
def two_deep(tmp_path_factory: pytest.TempPathFactory) -> Contest:
    contenders = (("alexnet", DEEP, 2.4), ("lenet", DEEP, 1.0), ("vit", DEEP, 0.6))
    return contest_of(build_run(tmp_path_factory.mktemp("run") / "run", contenders=contenders, broken=False))


def words(sheet: Sheet, role: str) -> str:
    return " ".join(sheet.texts(role))


def test_every_figure_says_what_of_how_many_and_by_which_version(contest: Contest) -> None:
    version = open_run(contest.runs[0].path).version
    charts = [chart for section in sections_of(contest) for chart in section.charts()]
    assert {"ranking", "per-class", "top-k", "cost-seconds", "consistency", "confusion-first", "reliability"} <= {
        chart.key for chart in charts
    }
    for chart in charts:
        file = stand_alone(chart)
        assert words(file, "title") == chart.title  # whole, however long
        assert words(file, "subtitle") == chart.subtitle != chart.title
        if chart.key == "history":
            assert "Quoted" in chart.source
            continue
        assert chart.source.startswith("A slice of tiny-imagenet-mini: 400 validation images, 20 classes"), chart.key
        assert chart.source.endswith(f"topfive\u00a0{version}.")
        texts = [item for item in file.items if isinstance(item, Text) and item.role in ("title", "source")]
        assert all(width(item.text, 15 if item.role == "title" else 10.5) <= file.width for item in texts)


def test_the_title_of_the_ranking_is_what_it_shows(contest: Contest, two_deep: Contest) -> None:
    figure = ranking.figure(contest)
    a, b = sorted(contest.headline_pair or ())
    pair = contest.pair(a, b)
    assert figure is not None
    assert pair is not None
    best, second = contest.titles[a], contest.titles[b]
    assert best == LONG[0]
    assert figure.title == f"{best} errs {100 * pair.gap.value:.0f} points less than {second}"
    close = replace(pair, p=0.5, p_corrected=0.5)
    other = contest_of(contest.runs[0].path)
    other.__dict__["_pair_of"] = {(a, b): close}
    drawn = ranking.figure(other)
    assert drawn is not None
    assert drawn.title == f"{best} and {second} cannot be told apart"
    seconds = next(f for f in cost.figures(two_deep) if f.key == "cost-seconds")
    assert seconds.title == "lenet and AlexNet take about as long to train"


def test_no_axis_of_errors_leaves_0_to_100_percent() -> None:
    for low, high in ((0.0, 0.97), (0.55, 1.0), (0.92, 1.0), (-0.1, 1.2)):
        axis = errors("error", low, high)
        assert 0 <= axis.low < axis.high <= 1
        assert all(0 <= value <= 1 for value, _ in axis.ticks)


@pytest.mark.parametrize("room", [872, 416, 352])
def test_no_name_is_cut_or_missing(contest: Contest, room: int) -> None:
    for figure in (*cost.figures(contest), top_k.figure(contest)):
        assert figure is not None
        sheet = lay_out(figure, room)
        written = re.sub(r"\s", "", "".join(sheet.texts("name") + sheet.texts("legend")))
        for name in (re.sub(r"\s", "", title) for title in contest.titles[:3]):
            assert name in written, (figure.key, name)
        # A name in the key has a number, which stands beside its point as well.
        numbers = [text for text in sheet.texts("name") if text.isdigit()]
        assert all(numbers.count(n) == 2 for n in numbers)


def test_marks_at_nothing_lie_on_no_axis() -> None:
    x = logarithmic("seconds", 1, 100, str)
    perfect = Figure("f", "t", "s", x, errors("error", 0, 0.5), [Series("deep", [Mark(10, 0.0, "none", "net")])])
    sheet = lay_out(perfect, 600)
    (mark,) = sheet.shapes("mark")
    base = next(item for item in sheet.items if isinstance(item, Line) and item.role == "base")
    assert mark.y + mark.r < base.y1
    ticks = [item.y for item in sheet.items if isinstance(item, Text) and item.role == "tick" and item.anchor == "end"]
    assert mark.y == pytest.approx(max(ticks) - 4)  # and still at the tick that says 0 %


def test_costs_have_intervals_and_round_ticks(contest: Contest) -> None:
    seconds = next(f for f in cost.figures(contest) if f.key == "cost-seconds")
    marks = [mark for series in seconds.series for mark in series.marks if mark.tip]
    by_value = {e.value: e for e in contest.errors}
    assert marks
    for mark in marks:
        assert (mark.low, mark.high) == (by_value[mark.y].low, by_value[mark.y].high)
        assert f"{100 * by_value[mark.y].low:.1f} to " in mark.tip
    of = {one.key: one for one in cost.COSTS}
    for key, low, high, expected in (
        ("energy", 1.0e5, 1.5e5, ["20 Wh", "50 Wh", "100 Wh"]),
        ("energy", 100, 40_000, ["100 J", "1 kJ", "1 Wh", "10 Wh"]),
        ("latency", 9.2e-4, 9.3e-4, ["0.5 ms", "1 ms", "2 ms"]),
        ("seconds", 4, 4000, ["10 s", "1 min", "10 min", "1 h"]),
        ("memory", 4.19e8, 6e8, ["400 MB", "500 MB", "600 MB", "800 MB"]),
    ):
        assert [text for _, text in logarithmic("", low, high, of[key].text, of[key].at).ticks] == expected


def test_two_of_one_family_have_two_hues_everywhere(two_deep: Contest) -> None:
    assert [c.tone for c in two_deep.ranked] == ["deep", "rival", "deep"]
    scatter = per_class.figure(two_deep)
    assert scatter is not None
    assert {"deep", "rival"} <= {*scatter.tones}
    assert [entry for entry in scatter.key_to if entry[0] != "ink"] == [
        ("deep", "AlexNet errs less"),
        ("rival", "lenet errs less"),
    ]
    drawn = ranking.figure(two_deep)
    assert drawn is not None
    file = stand_alone(drawn)
    assert file.texts("legend") == ["deep", RIVAL.label]
    keys = [item for item in file.items if isinstance(item, Shape) and item.role == "key" and item.tone == "rival"]
    assert len(keys) == 2  # in the legend and in its row


def test_a_bracket_does_not_look_like_an_interval() -> None:
    rows = [Row(name, "deep", 0.2, 0.1, 0.3) for name in "abc"]
    tied = RankingFigure("r", "t", "s", "top-5 error", rows, [(0, 1)], 0.9, errors("top-5 error", 0, 1))
    lanes = [item for item in lay_out(tied, 760).items if isinstance(item, Line) and item.role == "lane"]
    upright, *ends = sorted(lanes, key=lambda line: line.y1 == line.y2)
    assert upright.x1 == upright.x2
    assert [(end.y1, end.y2) for end in ends] == [(upright.y1,) * 2, (upright.y2,) * 2]
    assert all(end.x2 > upright.x1 for end in ends)


def test_the_record_has_a_line_through_the_best_so_far() -> None:
    line = next(series for series in record.figure().series if series.name == "best so far")
    levels = {mark.x: mark.y for mark in line.marks}
    assert {x: round(100 * y, 2) for x, y in levels.items()} == {
        2010: 28.19, 2011: 25.7, 2012: 15.32, 2013: 11.2, 2014: 6.66, 2015: 3.57, 2016: 3.57,
    }  # fmt: skip
    assert [mark.y for mark in line.marks] == sorted((mark.y for mark in line.marks), reverse=True)
    assert [m.y for m in record.so_far([(2010, 0.3), (2011, 0.4), (2012, 0.2)], 2013)] == [0.3, 0.3, 0.2, 0.2]


def test_entries_run_again_stand_in_their_years(tmp_path: Path) -> None:
    skills = (("alexnet", DEEP, 2.2), ("xrce-2011[k=4]", HAND, 1.9), ("xrce-2011", HAND, 1.6), ("hog", HAND, 2.6))
    contest = contest_of(build_run(tmp_path / "run", contenders=skills, broken=False))
    figure = record.reruns(contest)
    assert figure is not None
    marks = {mark.label: mark for series in figure.series for mark in series.marks if mark.tip}
    assert {name: mark.at for name, mark in marks.items()} == {"XRCE’s entry of 2011": "2011", "AlexNet": "2012"}
    errors_of = {c.title: contest.error(i, 5).value for i, c in enumerate(contest.ranked)}
    assert {name: mark.y for name, mark in marks.items()} == {name: errors_of[name] for name in marks}
    (rule,) = figure.rules
    assert rule.value == pytest.approx(0.75)  # its own chance level: 20 classes
    one = contest_of(build_run(tmp_path / "one", contenders=skills[:1] + skills[3:], broken=False))
    assert record.reruns(one) is None


def test_the_card_is_1200_by_630_and_says_the_verdict(contest: Contest, tmp_path: Path) -> None:
    from topfive.benchmark.report.charts.card import card

    headline = "Too close to call."
    name = save_card(contest, headline, tmp_path, "2-")
    assert name == "2-card.png"
    picture: Any = cv2.imdecode(np.frombuffer((tmp_path / name).read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (630, 1200, 3)
    sheet = card(contest, headline)
    assert sheet.texts("card-title") == [headline]
    assert sheet.texts("card-value") == [
        f"{100 * contest.errors[i].value:.1f}\u00a0% error" for i in sorted(contest.headline_pair or ())
    ]
    assert "400 validation images" in words(sheet, "card-note")
    for text in (headline, "A verdict that goes on " * 12):
        texts = [item for item in card(contest, text).items if isinstance(item, Text)]
        assert all(0 < item.y < 630 for item in texts)
        assert [item.y for item in texts if item.role.startswith("card-title")] == sorted(
            item.y for item in texts if item.role.startswith("card-title")
        )
