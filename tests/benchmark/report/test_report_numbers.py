"""How numbers are written, where axes put their ticks and figures their names."""

from __future__ import annotations

import pytest
from topfive.benchmark.report.charts.axes import errors, linear, logarithmic
from topfive.benchmark.report.charts.cost import TIMES
from topfive.benchmark.report.charts.labels import place
from topfive.benchmark.report.charts.layout_ranking import lanes
from topfive.benchmark.report.charts.raster import printable
from topfive.benchmark.report.numbers import (
    about,
    bare_p,
    corrected_p,
    counted,
    decimal,
    inside,
    joules,
    named,
    p_value,
    percent,
    points,
    quantity,
    seconds,
    size,
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (percent(0.1234), "12.3\u00a0%"),
        (percent(None), "–"),
        (percent(float("nan")), "–"),
        (points(0.031), "3.1"),
        (points(-0.031), "−3.1"),
        (points(-0.0001), "0.0"),
        (p_value(0.0001), "p\u00a0<\u00a00.001"),
        (p_value(0.0123), "p\u00a0=\u00a00.012"),
        (p_value(0.34), "p\u00a0=\u00a00.34"),
        (bare_p(0.0001), "<0.001"),
        (bare_p(0.0123), "0.012"),
        (corrected_p(0.4, 1.0, 3), "p\u00a0=\u00a00.40 (1.00 with 3 candidates allowed for)"),
        (corrected_p(1e-5, 3e-5, 3), "p\u00a0<\u00a00.001"),
        (corrected_p(0.2, 0.2, 1), "p\u00a0=\u00a00.20"),
        (counted(0, "class"), "no class"),
        (counted(1, "class"), "1 class"),
        (counted(1200, "image"), "1,200 images"),
        (inside("The built-in photographs"), "the built-in photographs"),
        (inside("Theatre posters"), "Theatre posters"),
        (seconds(0.04), "40 ms"),
        (seconds(3.21), "3.21 s"),
        (seconds(250), "4 min 10 s"),
        (seconds(3540), "59 min"),
        (seconds(7500), "2 h 5 min"),
        (size(1.4e9), "1.4 GB"),
        (size(999), "999 B"),
        (quantity(60_965_224), "61 M"),
        (quantity(12300), "12,300"),
        (quantity(0.24), "0.24"),
        (joules(7200), "2 Wh"),
        (about(5414), "5,500"),
        (about(7), "7"),
        (decimal(-0.001), "0.00"),
        (decimal(-0.12), "−0.12"),
    ],
)
def test_numbers_as_a_person_writes_them(written: str, expected: str) -> None:
    assert written == expected


def test_axes_have_round_ticks() -> None:
    assert [t for _, t in errors("error", 0.02, 0.97).ticks] == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
    assert errors("error", -0.1, 1.3).ticks[0][1] == "0 %"
    assert [v for v, _ in linear("x", 1, 9, str).ticks] == [0, 2, 4, 6, 8, 10]
    assert linear("x", 3, 3, str).low < 3 < linear("x", 3, 3, str).high
    times = logarithmic("t", 2, 700, str, [(1, 10, 60, 600, 3600)])
    assert [v for v, _ in times.ticks] == [10, 60, 600]
    assert times.place(2) == pytest.approx(0.04647, abs=1e-5)  # ln 1.35 / (ln 350 + 2 ln 1.35)
    assert [v for v, _ in logarithmic("t", 5, 5, str).ticks] == [4, 5, 6]
    close = logarithmic("t", 9.2e-4, 9.3e-4, str, TIMES)  # two that take almost the same stand between round ticks
    assert [v for v, _ in close.ticks] == [0.0005, 0.001, 0.002]
    assert (close.low, close.high) == (0.0005, 0.002)


def test_names_lie_on_no_point_and_on_no_other_name() -> None:
    points_ = [(50.0, 50.0), (60.0, 50.0), (50.0, 60.0), (55.0, 45.0), (195.0, 50.0)]
    names = ["first name", "second", "third", "fourth name", "edge"]
    placed = place(points_, names, frame=(0, 0, 200, 100), measure=lambda text: 6 * len(text), height=12)
    assert placed[4] is not None
    assert placed[4][2] != "start"  # there is no room at the right edge
    boxes = []
    for spot, name in zip(placed, names, strict=True):
        if spot is not None:
            left = spot[0] - {"start": 0, "middle": 0.5, "end": 1}[spot[2]] * 6 * len(name)
            boxes.append((left, spot[1] - 9.6, left + 6 * len(name), spot[1] + 2.4))
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]


def test_lanes_share_where_groups_do_not_touch() -> None:
    assert lanes([(0, 1), (3, 4)]) == [[(0, 1), (3, 4)]]
    assert lanes([(0, 1), (2, 3)]) == [[(0, 1)], [(2, 3)]]  # they touch: one lane would make them look like one group
    assert lanes([(2, 3), (0, 1)]) == [[(2, 3)], [(0, 1)]]
    assert lanes([(0, 2), (1, 3)]) == [[(0, 2)], [(1, 3)]]
    assert lanes([(i, i + 9) for i in range(12)]) == []


def test_names_in_sentences_are_cut_and_kept_in_their_direction() -> None:
    assert named("sift-fisher") == "sift-fisher"
    assert named("שלום") == "\u2068שלום\u2069"
    assert len(named("x" * 300)) == 60


def test_names_that_the_font_lacks_become_boxes() -> None:
    assert printable("a🐠b\tc\u202e") == "a□b c "
    assert printable("$x_1$ 50 %") == "$x_1$ 50 %"
