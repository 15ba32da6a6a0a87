"""Occlusion maps: a contender that reads one patch is pointed at that patch; the curves by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from topfive.benchmark.probes.occlusion import CellGrid, Occlusion, blurred, replaced, softmax, spread_over

Array = np.ndarray[Any, Any]


class ReadsOnePatch:
    """Class 1 where the middle of a patch is brighter than 150 on average; nothing else counts."""

    def __init__(self, top: int, left: int, side: int = 6) -> None:
        self.window = (slice(top, top + side), slice(left, left + side))
        self.asked: list[int] = []

    def scores(self, images: Any) -> Array:
        self.asked.append(len(images))
        bright = np.array([image[self.window].mean() for image in images]) - 150
        return np.stack([-bright, bright, np.full(len(images), -300.0)], axis=1) / 50


def textured(height: int, width: int) -> Array:
    """Noise around 90, so that nothing is bright by itself."""
    return np.random.default_rng(0).integers(40, 140, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width", "top", "left"), [(60, 60, 8, 44), (60, 60, 40, 6), (40, 90, 30, 70)])
def test_a_contender_that_reads_one_patch_is_pointed_at_it(height: int, width: int, top: int, left: int) -> None:
    image = textured(height, width)
    image[top : top + 6, left : left + 6] = 255
    answer = Occlusion(patch=0.2, cells=10).ask(ReadsOnePatch(top, left), [image], np.array([1]))
    (row,) = answer["maps"].to_pylist()
    assert (row["image"], row["label"], row["answer"]) == (0, 1, 1)
    assert (row["height"], row["width"]) == (height, width)
    assert row["margin"] == pytest.approx(2 * 105 / 50)
    loss = np.array(row["loss"]).reshape(row["rows"], row["columns"])
    row_at, column_at = np.unravel_index(loss.argmax(), loss.shape)
    tall, wide = height / row["rows"], width / row["columns"]  # of a cell, which must overlap the patch
    assert top - tall < row_at * tall < top + 6
    assert left - wide < column_at * wide < left + 6
    far = np.hypot(*np.meshgrid(np.arange(loss.shape[0]) - row_at, np.arange(loss.shape[1]) - column_at, indexing="ij"))
    assert np.abs(loss[far > 5]).max() == 0
    areas = {(r["curve"], r["order"]): r["kept"] for r in answer["areas"].to_pylist()}
    assert areas["deletion", "map"] < 0.15 < min(areas["deletion", "random"], areas["deletion", "centre"]) - 0.15
    assert areas["insertion", "map"] > 0.85


def test_a_wrong_answer_is_explained_not_the_label() -> None:
    image = textured(40, 40)
    image[4:10, 4:10] = 255
    answer = Occlusion(cells=8).ask(ReadsOnePatch(4, 4), [image], np.array([0]))
    (row,) = answer["maps"].to_pylist()
    assert (row["label"], row["answer"]) == (0, 1)
    assert row["margin"] > 0
    assert max(row["loss"]) > 0.5


def test_the_loss_is_the_fall_of_the_margin_under_a_grey_square() -> None:
    image = np.full((30, 30, 3), 200, np.uint8)
    contender = ReadsOnePatch(10, 10, 10)  # the middle cell of 3 × 3, whole
    answer = Occlusion(patch=1 / 3, cells=3, steps=9).ask(contender, [image], np.array([1]))
    (row,) = answer["maps"].to_pylist()
    # 50 above the threshold, 22 below it when grey: a margin of 2 · 50 / 50 falls to 2 · −22 / 50.
    assert row["loss"] == pytest.approx([0, 0, 0, 0, 2 * 72 / 50, 0, 0, 0, 0])
    curves = [r for r in answer["curves"].to_pylist() if r["curve"] == "deletion"]
    by_map = [r for r in curves if r["order"] == "map"]
    assert [r["share"] for r in by_map] == pytest.approx(np.arange(10) / 9)
    assert [r["kept"] for r in by_map] == [True] + [False] * 9
    assert by_map[0]["margin"] == pytest.approx(2.0)
    assert by_map[1]["margin"] == pytest.approx(-0.88)
    assert by_map[0]["probability"] == pytest.approx(1 / (1 + np.exp(-2) + np.exp(-7)))
    centre = [r["kept"] for r in curves if r["order"] == "centre"]
    assert centre == [True] + [False] * 9  # here the object is in the middle: the map is no better than that
    areas = {(r["curve"], r["order"]): r for r in answer["areas"].to_pylist()}
    assert areas["deletion", "map"]["kept"] == pytest.approx(0.5 / 9)  # by the trapezoid rule
    assert len(areas) == 6
    assert areas["insertion", "map"]["kept"] == 1  # a flat image is not changed by blurring


def test_overlapping_squares_are_averaged() -> None:
    image = np.full((30, 30, 3), 200, np.uint8)
    answer = Occlusion(patch=2 / 3, cells=3, steps=1).ask(ReadsOnePatch(14, 14, 1), [image], np.array([1]))
    loss = np.array(answer["maps"].to_pylist()[0]["loss"]).reshape(3, 3)
    # Along a side the squares are pixels 0–14, 5–24 and 15–29: the first two hide pixel 14. The middle of the first
    # cell, 4.5, is under the first square alone, 14.5 under the first two, 24.5 under the last two: one of them.
    assert loss == pytest.approx(2 * 72 / 50 * np.outer([1, 1, 0.5], [1, 1, 0.5]))
    one = Occlusion(patch=0.01, cells=3, steps=1).ask(ReadsOnePatch(14, 14, 1), [image], np.array([1]))
    assert np.count_nonzero(one["maps"].to_pylist()[0]["loss"]) == 1  # a square of one pixel, at the cell's middle


def test_cells_divide_the_image() -> None:
    grid = CellGrid.over(np.zeros((40, 90, 3), np.uint8), 10)
    assert (grid.rows, grid.columns) == (10, 22)
    seen = np.zeros((40, 90), int)
    for place in range(grid.rows * grid.columns):
        seen[grid.cell(place)] += 1
    assert (seen == 1).all()
    assert grid.from_middle().argmin() // 22 in (4, 5)
    square = CellGrid(30, 30, 3, 3)
    assert square.square(1, 1, 10) == (slice(10, 20), slice(10, 20))
    assert square.square(0, 2, 12) == (slice(0, 11), slice(19, 31))
    assert square.from_middle().reshape(3, 3)[:2].tolist() == pytest.approx(
        np.hypot([[10, 10, 10], [0, 0, 0]], [[10, 0, 10], [10, 0, 10]])
    )


def test_steps_go_from_the_one_image_to_the_other_in_order() -> None:
    start, end = np.zeros((6, 6, 3), np.uint8), np.full((6, 6, 3), 9, np.uint8)
    shares, states = replaced(start, end, CellGrid(6, 6, 3, 3), np.array([8, 0, 4, 1, 2, 3, 5, 6, 7]), 4)
    assert shares == pytest.approx([0, 2 / 9, 4 / 9, 7 / 9, 1])
    assert (states[0] == start).all()
    assert (states[-1] == end).all()
    assert states[1][..., 0].tolist() == [[9, 9, 0, 0, 0, 0]] * 2 + [[0] * 6] * 2 + [[0, 0, 0, 0, 9, 9]] * 2
    many, _ = replaced(start, end, CellGrid(6, 6, 3, 3), np.arange(9), 100)
    assert len(many) == 10  # no more steps than cells


def test_insertion_starts_from_a_blurred_image() -> None:
    image = np.zeros((224, 224, 3), np.uint8)
    image[112, 112] = 255
    out = blurred(image)[:, :, 0]
    assert np.ptp(np.flatnonzero(out.any(axis=0))) == 10  # 11 pixels
    taps = np.exp(-0.5 * (np.arange(-5, 6) / 5) ** 2)
    assert out[112, 112] == round(255 * (taps[5] / taps.sum()) ** 2)
    for part in (image[80:144, 80:144], image[80:144]):  # the short side counts
        assert np.ptp(np.flatnonzero(blurred(part)[:, :, 0].any(axis=0))) == 2


def test_softmax() -> None:
    assert softmax(np.array([[0.0, np.log(3)], [1000, 1000]])).tolist() == [
        pytest.approx([0.25, 0.75]),
        pytest.approx([0.5, 0.5]),
    ]


def test_the_same_again_in_small_batches_and_odd_sizes() -> None:
    images = [textured(20, 31), textured(1, 1), textured(3, 20)]
    contender = ReadsOnePatch(0, 0, 1)
    first = Occlusion(random_state=2).ask(contender, images, np.array([0, 0, 0]))
    contender.asked.clear()
    again = Occlusion(random_state=2, batch=5).ask(contender, images, np.array([0, 0, 0]))
    assert max(contender.asked) == 5
    assert all(again[name].equals(table) for name, table in first.items())
    other = Occlusion(random_state=3).ask(contender, images, np.array([0, 0, 0]))
    assert other["maps"].equals(first["maps"])
    assert not other["curves"].equals(first["curves"])
    assert {r["image"] for r in first["maps"].to_pylist()} == {0, 1, 2}


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"patch": 0}, "patch must be a number above 0 and at most 1"),
        ({"cells": 0}, "cells must be a whole number of at least 1"),
        ({"steps": 1.5}, "steps must be a whole number of at least 1"),
    ],
)
def test_bad_parameters_are_told_in_a_line(params: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Occlusion(**params)


def test_what_patches_add_is_shared_out_by_area_and_nothing_is_lost() -> None:
    grid = CellGrid(40, 40, 4, 4)
    spread = spread_over(grid, np.array([[20.0, 10.0, 20.0, 8.0]]))  # x 10 to 30, y 0 to 20: four cells, evenly
    assert spread.tolist() == [[0, 2, 2, 0], [0, 2, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    beyond = spread_over(grid, np.array([[0.0, 40.0, 20.0, 3.0], [15.0, 15.0, 10.0, -1.0]]))
    assert beyond[3, 0] == pytest.approx(3)  # half of it lies beyond the border
    assert beyond[1, 1] == pytest.approx(-1)
    assert beyond.sum() == pytest.approx(2)


class Contributes(ReadsOnePatch):
    """Tells what two patches add."""

    def hook(self, name: str) -> Any:
        return self.contributions if name == "patch_contributions" else None

    def contributions(self, image: Array, label: int) -> Array:
        return np.array([[5, 5, 10, 2.0 + label], [25, 25, 10, -1.0]])


def test_contributions_are_asked_of_those_that_tell() -> None:
    image = np.full((30, 30, 3), 200, np.uint8)
    answer = Occlusion(cells=3, steps=1).ask(Contributes(10, 10, 10), [image], np.array([0]))
    (row,) = answer["patches"].to_pylist()
    assert row["added"] == pytest.approx([3, 0, 0, 0, 0, 0, 0, 0, -1])  # of the answer, class 1
    assert row["total"] == pytest.approx(2)
    assert Occlusion(cells=3, steps=1).ask(ReadsOnePatch(1, 1), [image], np.array([0]))["patches"].num_rows == 0
