"""Small shifts: hand-worked pixels, scikit-image's rotation, the same direction at every amount."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from skimage.transform import rotate
from topfive.benchmark.probes.shifts import AMOUNTS, Shift, Shifts, greyed, translated, turned

Array = np.ndarray[Any, Any]


def test_every_kind_and_amount_is_a_condition(sequence: Any) -> None:
    conditions = [dict(condition) for condition, _ in Shifts().views(sequence)]
    assert conditions == [{"shift": kind, "amount": amount} for kind in AMOUNTS for amount in AMOUNTS[kind]]
    assert [c["amount"] for c in conditions if c["shift"] == "translation"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert {c["shift"] for c, _ in Shifts(kinds="grey+jpeg").views(sequence)} == {"grey", "jpeg"}


def test_translation_moves_pixels_and_mirrors_at_the_border() -> None:
    row = np.repeat(np.arange(5, dtype=np.uint8)[None, :, None], 3, axis=2)  # (1, 5, 3)
    assert translated(row, 0, 2)[0, :, 0].tolist() == [2, 1, 0, 1, 2]
    assert translated(row, 0, -1)[0, :, 0].tolist() == [1, 2, 3, 4, 3]
    assert translated(row, 0, 8)[0, :, 0].tolist() == [0, 1, 2, 3, 4]  # once round the mirrors
    assert translated(row, 3, 0).tolist() == row.tolist()
    column = np.swapaxes(row, 0, 1)
    assert translated(column, 1, 0)[:, 0, 0].tolist() == [1, 0, 1, 2, 3]


def test_an_image_is_moved_in_one_direction_at_all_amounts(picture64: Array) -> None:
    directions = set()
    for i in range(40):
        found = []
        for amount in (1, 4, 8):
            out = Shift("translation", amount, 0)(picture64, i)
            ways = {(down, right) for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0))}
            found += [w for w in ways if (out == translated(picture64, amount * w[0], amount * w[1])).all()]
        assert len(found) == 3
        assert len(set(found)) == 1
        directions.add(found[0])
    assert len(directions) == 4


def test_rotation_and_scale_are_those_of_scikit_image(picture64: Array) -> None:
    for degrees in (5, -30):
        want = rotate(picture64, degrees, mode="reflect", order=1, preserve_range=True)
        inner = np.abs(turned(picture64, degrees, 1.0) - want)[12:-12, 12:-12]
        assert inner.mean() < 0.6  # OpenCV interpolates in steps of 1/32 pixel
        assert inner.max() < 8
    ramp = np.repeat(np.arange(0, 202, 2, dtype=np.uint8)[None, :, None], 3, axis=2)  # 100 in the middle
    assert turned(ramp, 0, 2.0)[0, 48:53, 0].tolist() == [98, 99, 100, 101, 102]
    assert turned(ramp, 0, 0.5)[0, 48:53, 0].tolist() == [92, 96, 100, 104, 108]
    grey = np.full((30, 40, 3), 99, np.uint8)
    assert (turned(grey, 30, 0.7) == 99).all()  # nothing from beyond the border but its mirror
    both = {int(turned(picture64, s * 15.0, 1.0).astype(int).sum()) for s in (1, -1)}
    seen = {int(Shift("rotation", 15, 0)(picture64, i).astype(int).sum()) for i in range(20)}
    assert seen == both


def test_grey_takes_the_colour_and_leaves_the_luma() -> None:
    pixel = np.array([[[200, 100, 240]]], np.uint8)  # luma 59.8 + 58.7 + 27.36
    assert greyed(pixel, 1.0).tolist() == [[[146, 146, 146]]]
    assert greyed(pixel, 0.5).tolist() == [[[173, 123, 193]]]
    assert greyed(pixel, 0.0).tolist() == pixel.tolist()


def test_jpeg_loses_more_at_lower_quality(picture64: Array) -> None:
    lost = [np.abs(Shift("jpeg", q, 0)(picture64, 0) - picture64.astype(float)).mean() for q in AMOUNTS["jpeg"]]
    assert lost == sorted(lost)
    assert 0 < lost[0] < lost[-1] / 2


@pytest.mark.parametrize("shape", [(1, 1), (3, 64), (300, 200), (2, 2)])
@pytest.mark.parametrize("kind", AMOUNTS)
def test_any_size_keeps_its_shape(kind: str, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(3).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for amount in AMOUNTS[kind]:
        change = pickle.loads(pickle.dumps(Shift(kind, amount, 1)))
        out = change(image, 4)
        assert out.shape == image.shape
        assert out.dtype == np.uint8
        assert (out == Shift(kind, amount, 1)(image, 4)).all()


def test_bad_parameters_are_told_in_a_line() -> None:
    with pytest.raises(ValueError, match="unknown kind of shift 'rotate'; did you mean 'rotation'"):
        Shifts(kinds="rotate")
    with pytest.raises(ValueError, match="images must be a whole number of at least 1, not 0"):
        Shifts(images=0)
