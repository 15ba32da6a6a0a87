"""The built-in photographs: no source pixel is shared, and nothing depends on the machine."""

from __future__ import annotations

import numpy as np
import pytest
from topfive.benchmark.data import open_dataset, photos
from topfive.benchmark.errors import InputError


@pytest.fixture(scope="module")
def opened():
    return open_dataset("photos", seed=0)


def test_sizes_and_ids(opened):
    assert len(opened.classes) == 20
    assert (len(opened.train), len(opened.val)) == (2000, 500)
    assert np.bincount(opened.train.labels).tolist() == [100] * 20
    assert np.bincount(opened.val.labels).tolist() == [25] * 20
    assert len(set(opened.train.ids)) == 2000
    assert opened.train.images[0].shape == (64, 64, 3)
    assert "not ImageNet" in opened.notes[0]


@pytest.mark.parametrize("name", photos.FILES)
def test_no_source_pixel_is_shared_and_a_gap_lies_between(name):
    """Mark every pixel that crops of either split are made from; a crop is cut out before it is resized."""
    photo = photos.photograph(name)
    grid = photos.blocks(*photo.shape[:2])
    seen = {}
    for validation in (False, True):
        seen[validation] = np.zeros(photo.shape[:2], bool)
        for seed in range(3):
            random = np.random.Generator(np.random.PCG64(seed))
            for top, left, bottom, right in photos.crop_boxes(photo, grid, validation, 300, random):
                assert 0 <= top < bottom <= photo.shape[0]
                assert 0 <= left < right <= photo.shape[1]
                assert bottom - top == right - left >= 32
                seen[validation][top:bottom, left:right] = True
    assert not (seen[False] & seen[True]).any()
    grown = np.zeros_like(seen[True])  # by the gap of 2 × MARGIN pixels, less one, in every direction
    reach = 2 * photos.MARGIN - 1
    for y, x in np.argwhere(seen[True]):
        grown[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = True
    assert not (seen[False] & grown).any()


def test_a_crop_is_made_from_its_own_pixels_alone():
    """Change every pixel outside the validation blocks: the validation crops stay as they are."""
    whole = photos.photograph("coins")
    before = photos.crops("coins", whole, True, 20, seed=3)
    changed = 255 - whole
    for block in photos.blocks(*whole.shape[:2]):
        if block.validation:
            inside = slice(block.top, block.bottom), slice(block.left, block.right)
            changed[inside] = whole[inside]
    assert np.array_equal(photos.crops("coins", changed, True, 20, seed=3), before)
    assert not np.array_equal(photos.crops("coins", changed, False, 20, seed=3), before)


@pytest.mark.parametrize("shape", [(172, 448), (191, 384), (512, 512), (660, 550), (1411, 1411), (100, 900)])
def test_about_a_fifth_of_every_photograph_is_for_validation(shape):
    grid = photos.blocks(*shape)
    share = sum(block.validation for block in grid) / len(grid)
    assert 0.15 <= share <= 0.3


def test_deterministic_whatever_the_threads(opened):
    again = open_dataset("photos", seed=0, n_jobs=1)
    assert again.fingerprint == opened.fingerprint
    a = np.concatenate(list(opened.val.images.batches(64, side=48)))
    b = np.concatenate(list(again.val.images.batches(500, side=48)))
    assert np.array_equal(a, b)


def test_seed_and_size_change_the_fingerprint(opened):
    small = open_dataset("photos", seed=0, per_class=8)
    assert (len(small.train), len(small.val)) == (160, 40)
    assert small.fingerprint != open_dataset("photos", seed=1, per_class=8).fingerprint
    # More per class continues the same sequence: the first crops stay.
    first = np.flatnonzero(opened.train.labels == 0)[:8]
    assert all(np.array_equal(small.train.images[i], opened.train.images[int(j)]) for i, j in enumerate(first))


def test_colour_alone_does_not_decide(opened):
    """The mean colour of a crop names the photograph rarely: nearest class mean errs on more than half."""
    means = {
        split: np.stack([part.images[i].mean((0, 1)) for i in range(len(part))])
        for split, part in (("train", opened.train), ("val", opened.val))
    }
    centres = np.stack([means["train"][opened.train.labels == c].mean(0) for c in range(20)])
    guess = np.linalg.norm(means["val"][:, None] - centres, axis=2).argmin(1)
    assert 0.5 < (guess != opened.val.labels).mean() < 0.95


def test_classes_and_limit():
    some = open_dataset("photos", per_class=8, limit=6, classes="text+coins+moon")
    assert some.classes == ("coins", "moon", "text")
    assert np.bincount(some.train.labels).tolist() == [2, 2, 2]
    assert np.bincount(some.val.labels).tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"per_clas": 3}, "did you mean 'per_class'"),
        ({"per_class": 0}, "whole number"),
        ({"per_class": 1.5}, "whole number"),
        ({"classes": "text"}, "at least two"),
        ({"classes": "text+coinz"}, "did you mean 'coins'"),
    ],
)
def test_bad_parameters_are_one_line(params, message):
    with pytest.raises(InputError, match=message) as caught:
        open_dataset("photos", **params)
    assert "\n" not in str(caught.value)
