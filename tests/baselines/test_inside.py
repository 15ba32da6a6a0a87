"""What hand-engineered contenders show of themselves: patches that add up to the score, and cells worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from topfive.baselines.inside import GLYPH, colour_cells, hog_cells, sift_cells
from topfive.baselines.parts import Bovw, Fisher
from topfive.benchmark.data.images import LazyImages

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


@pytest.fixture(scope="module")
def images() -> tuple[LazyImages, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    rng = np.random.default_rng(0)
    labels = np.arange(24) % 3
    pixels = rng.integers(0, 120, (24, 32, 32, 3))
    pixels[labels == 1, :, ::4] += 100
    pixels[labels == 2, ::4] += 100
    array = pixels.astype(np.uint8)
    return LazyImages(lambda i: array[i], 24), labels


@pytest.mark.parametrize("params", [{"pyramid": "1x1"}, {"descriptor": "sift+lcs", "pyramid": "1x1+2x1"}])
def test_patches_add_up_to_the_score_without_its_intercept(
    images: tuple[LazyImages, np.ndarray[tuple[int], np.dtype[np.int64]]], params: dict[str, str]
) -> None:
    contender = Fisher(k=4, **params).fit(*images)  # type: ignore[arg-type]
    scores = contender.decision_function(images[0])
    (model,) = contender.models_
    for i, label in ((0, 0), (4, 1), (5, 0)):
        patches = contender.patch_contributions(images[0][i], label)
        assert patches is not None
        assert patches[:, 3].sum() * contender.scales_[0] == pytest.approx(
            scores[i, label] - model.intercept_[label] * contender.scales_[0], abs=0.02 * float(np.ptp(scores))
        )
        assert patches[:, :2].min() > 0
        assert patches[:, :2].max() < 32
        assert set(patches[:, 2].round(3)) == {8.0, 12.0}  # four cells of 2 and 3 px


def test_no_contributions_where_a_code_is_no_mean_of_patches(
    images: tuple[LazyImages, np.ndarray[tuple[int], np.dtype[np.int64]]],
) -> None:
    contender = Bovw(k=8).fit(*images)
    assert contender.patch_contributions(images[0][0], 0) is None
    assert list(contender.parts_of(images[0][0])) == ["SIFT cells"]
    steps = contender.pipeline()
    assert "SIFT" in steps[1]
    assert "3 classes" in steps[-1]


def test_cells_show_where_edges_run() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, 4:] = 255  # a vertical edge in the left cells: its gradient points right, the edge itself up and down
    star, edge = sift_cells(image)[..., 0], hog_cells(image)[..., 0]
    assert star.shape == edge.shape == (4 * GLYPH, 4 * GLYPH)
    middle = GLYPH // 2
    assert star[middle, middle + 5] > 200
    assert star[middle - 5, middle] == 0
    assert edge[middle - 5, middle - 1 : middle + 2].max() > edge[middle, middle + 5]
    assert star[:, GLYPH:].max() < 200  # on the right nothing happens


def test_colour_cells_are_means() -> None:
    image = np.zeros((9, 4, 3), np.uint8)
    image[0:4, :, 0] = 200
    image[4, :, 1] = 100
    shown = colour_cells(image)
    assert shown[0, 0].tolist() == [200, 0, 0]
    assert shown[-1, -1].tolist() == [0, 25, 0]
