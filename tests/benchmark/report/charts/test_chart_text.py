"""Texts are measured, broken and shortened so that names fit and stay different."""

from __future__ import annotations

import pytest
from topfive.benchmark.report.charts.text import width, wrap
from topfive.benchmark.report.numbers import shortened

LONG = [f"fisher[descriptors=sift+lbp,gmm=256,pyramid=1x1+3x1,pca=64,random_state={i}]" for i in range(3)]


def test_widths_are_those_of_the_characters() -> None:
    assert width("", 12) == 0
    assert width("00", 10) == pytest.approx(12.6)
    assert width("W", 12) > 2 * width("i", 12)
    assert width("e\u0301", 12) == width("e", 12)  # an accent stands on its letter
    assert width("日", 10) > width("a", 10)
    assert width("abc", 12, bold=True) > width("abc", 12)


def test_lines_break_at_spaces_then_at_separators_then_anywhere() -> None:
    assert wrap("one two three", width("one two", 12) + 1, 12) == ["one two", "three"]
    assert wrap("hog[cell=6,bins=9]", width("hog[cell=6,", 12) + 1, 12) == ["hog[cell=6,", "bins=9]"]
    assert wrap("x" * 10, width("xxxx", 12), 12) == ["xxxx", "xxxx", "xx"]
    assert wrap("", 100, 12) == [""]
    for room in (5, 30, 80, 200):
        lines = wrap(LONG[0] + " and more words", room, 12)
        assert "".join(lines).replace(" ", "") == (LONG[0] + "andmorewords")  # nothing is lost
        assert all(width(line, 12) <= room or len(line) == 1 for line in lines)
    assert wrap("one two three four", 60, 12, lines=2) == ["one two", "three…"]


def test_shortened_names_stay_different() -> None:
    assert shortened(["hog", "sift-fisher"], 20) == ["hog", "sift-fisher"]
    assert shortened(["a" * 30, "b" * 30], 10) == ["a" * 9 + "…", "b" * 9 + "…"]
    found = shortened(LONG, 24)
    assert found == [f"fisher[d…random_state={i}]" for i in range(3)]
    assert all(len(name) == 24 for name in found)
    # Different neither at the beginning nor at the end: numbered.
    middle = [f"{'a' * 40}{i}{'b' * 40}" for i in range(3)]
    assert len(set(shortened(middle, 16))) == 3
    assert shortened(["same", "same"], 10) == ["same", "same"]
    assert shortened([], 10) == []
