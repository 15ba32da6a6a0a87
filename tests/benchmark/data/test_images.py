"""Batches: order, sizes, the resize, bounded prefetch, and the same pixels for any number of workers."""

from __future__ import annotations

import hashlib
import pickle
import threading

import numpy as np
import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.images import LazyImages, fit_pixels, fit_side, resize


def test_resize_by_hand():
    image = np.array([[0, 4, 8, 12], [8, 12, 16, 20], [0, 0, 100, 100], [0, 0, 100, 100]], np.uint8)
    image = np.repeat(image[..., None], 3, axis=2)
    assert resize(image, 2, 2)[..., 0].tolist() == [[6, 14], [0, 100]]
    assert resize(image, 1, 1)[0, 0].tolist() == [30, 30, 30]
    assert resize(image, 4, 4) is image
    ramp = np.repeat(np.repeat(np.arange(0, 240, 2, dtype=np.uint8)[None, :, None], 90, axis=0), 3, axis=2)
    small = resize(ramp, 60, 80)[30, :, 0].astype(float)
    assert np.abs(small[1:-1] - ((np.arange(80) + 0.5) * 1.5 - 0.5)[1:-1] * 2).max() <= 1  # centres stay in place


def test_fit_side_takes_the_centre_and_fit_pixels_keeps_the_shape():
    image = np.zeros((100, 300, 3), np.uint8)
    image[:, 100:200] = 255
    assert (fit_side(image, 50) == 255).mean() > 0.97
    assert fit_side(image, 120).shape == (120, 120, 3)
    row = np.zeros((2, 50, 50, 3), np.uint8)[1]
    assert fit_side(image, 50, row) is row
    assert np.array_equal(row, fit_side(image, 50))
    assert np.array_equal(fit_side(image, 100, row := np.zeros((100, 100, 3), np.uint8)), image[:, 100:200])
    assert (row == 255).all()
    assert fit_pixels(image, None) is image
    assert fit_pixels(image, 30_000) is image
    height, width = fit_pixels(image, 7_500).shape[:2]
    assert (height, width) == (50, 150)


def test_a_part_is_sent_without_the_whole(class_folders):
    stored = open_dataset(str(class_folders("many", ("train", "val"), n=200))).train.images
    memory = open_dataset("photos", per_class=20).train.images
    for images, most in ((stored, 4000), (memory, 30_000)):
        part = images.take(np.arange(300, 20, -7)).take(np.array([5, 0]))
        sent = pickle.dumps(part)
        assert len(sent) < most
        there = pickle.loads(sent)
        assert len(there) == 2
        for i, origin in enumerate((265, 300)):
            assert np.array_equal(there[i], images[origin])
        batch = next(there.batches(2, side=32))
        assert np.array_equal(batch, next(images.batches(2, side=32, order=[265, 300])))
    odd = LazyImages(lambda i: np.full((2, 2, 3), i, np.uint8), 9, load_small=lambda i, side, pixels: odd[i])
    assert [int(image[0, 0, 0]) for image in next(odd.take(np.array([7, 2])).batches(2, max_pixels=4))] == [7, 2]


def test_order_subset_and_repeats(class_folders):
    images = open_dataset(str(class_folders("pets", ("train", "val")))).train.images
    order = [7, 0, 0, 9, -1]
    got = [image for batch in images.batches(2, order=order) for image in batch]
    assert [len(batch) for batch in images.batches(2, order=order)] == [2, 2, 1]
    assert all(np.array_equal(a, images[i]) for a, i in zip(got, order, strict=True))
    assert list(images.batches(4, side=8, order=[])) == []
    with pytest.raises(IndexError, match="order goes from"):
        next(images.batches(2, order=[10]))
    with pytest.raises(ValueError, match="at least 1"):
        next(images.batches(0))


def test_the_same_pixels_for_any_number_of_workers(class_folders):
    root = str(class_folders("pets", ("train", "val"), n=30))
    seen = set()
    for n_jobs in (1, 2, 5):
        state = hashlib.sha256()
        images = open_dataset(root, n_jobs=n_jobs).train.images
        for batch in images.batches(7, side=24):
            state.update(batch.tobytes())
        for batch in images.batches(7, max_pixels=900):
            for image in batch:
                state.update(repr(image.shape).encode() + image.tobytes())
        seen.add(state.hexdigest())
    assert len(seen) == 1


def test_prefetch_is_bounded_and_stops_when_the_caller_does():
    loaded = []
    lock = threading.Lock()

    def load(i: int) -> np.ndarray:
        with lock:
            loaded.append(i)
        return np.full((4, 4, 3), i % 256, np.uint8)

    batches = LazyImages(load, 10_000, n_jobs=3).batches(10, side=4)
    assert (next(batches)[:, 0, 0, 0] == np.arange(10)).all()
    assert len(loaded) <= 10 * 5
    batches.close()
    assert len(loaded) <= 10 * 5


def darker(image: np.ndarray) -> np.ndarray:
    return image // 2


def upper_half(image: np.ndarray) -> np.ndarray:
    return image[: len(image) // 2]


class Stamp:
    """Writes the image's position into its first pixel."""

    takes_index = True

    def __call__(self, image: np.ndarray, i: int) -> np.ndarray:
        image = image.copy()
        image[0, 0] = i % 256
        return image


def test_a_changed_view_is_lazy_and_comes_before_any_resize(class_folders):
    images = open_dataset(str(class_folders("pets", ("train", "val"), n=40))).train.images
    seen = []

    def counted(image: np.ndarray) -> np.ndarray:
        seen.append(image.shape)
        return upper_half(image)

    view = images.map(counted)
    assert seen == []
    assert view.fingerprint is None
    assert len(view) == 80
    assert np.array_equal(view[3], images[3][:20])
    assert np.array_equal(view[-1], images[79][:20])
    assert view.typical_size == (20, 52)
    seen.clear()
    batch = next(view.batches(2, side=5, order=[4, 9]))
    assert seen == [(40, 52, 3)] * 2  # not decoded smaller, though that would be enough for 5 pixels
    assert np.array_equal(batch[1], fit_side(images[9][:20], 5))
    shrunk = next(view.batches(1, max_pixels=100, order=[4]))[0]
    assert np.array_equal(shrunk, fit_pixels(images[4][:20], 100))
    assert images.typical_size == (40, 52)
    assert images.map(darker).map(upper_half)[7].tolist() == (images[7] // 2)[:20].tolist()


def test_a_change_that_takes_the_index_gets_it_whatever_is_taken():
    images = LazyImages.from_array(np.full((50, 4, 4, 3), 200, np.uint8), fingerprint="x")
    view = images.map(Stamp())
    part = view.take(np.array([40, 7, 7, 3])).take(np.array([2, 0]))
    assert part.fingerprint is None
    assert [int(part[i][0, 0, 0]) for i in range(2)] == [7, 40]
    assert [int(image[0, 0, 0]) for batch in part.batches(1) for image in batch] == [7, 40]
    assert [int(view[i][0, 0, 0]) for i in (0, 49)] == [0, 49]
    again = images.take(np.array([30, 20])).map(Stamp())  # positions where map was called, not before
    assert [int(again[i][0, 0, 0]) for i in range(2)] == [0, 1]


def test_a_changed_view_is_sent_without_the_whole(class_folders):
    stored = open_dataset(str(class_folders("many", ("train", "val"), n=200))).train.images
    loader = LazyImages(stored.__getitem__, len(stored))  # a loader that cannot be asked for a part
    for images, most in ((stored, 4000), (loader, 60_000)):
        part = images.map(Stamp()).take(np.array([300, 4]))
        sent = pickle.dumps(part)
        assert len(sent) < most
        there = pickle.loads(sent)
        assert [int(there[i][0, 0, 0]) for i in range(2)] == [300 % 256, 4]
        assert np.array_equal(there[1][1:], stored[4][1:])


def test_a_change_must_give_an_image():
    images = LazyImages.from_array(np.zeros((2, 4, 4, 3), np.uint8))
    for change, got in ((lambda image: image / 2, r"float64 \(4, 4, 3\)"), (lambda image: None, "NoneType")):
        with pytest.raises(ValueError, match=got):
            images.map(change)[0]
