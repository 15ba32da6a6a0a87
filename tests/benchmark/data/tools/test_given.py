"""Images given in Python are a data set like any other, and can be opened again by a path."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.tools.given import open_images, save_images
from topfive.benchmark.errors import InputError

from tests.benchmark.data.made import count, folders

RNG = np.random.default_rng(0)


def test_arrays():
    images, labels = RNG.integers(0, 256, (20, 9, 7, 3), np.uint8), [i % 2 for i in range(20)]
    data = open_images(images, labels, name="my set")
    assert (data.name, data.classes) == ("my-set", ("0", "1"))
    assert count(data.val, data.classes) == {"0": 2, "1": 2}
    for split in (data.train, data.val):
        for i, name in enumerate(split.ids):
            assert np.array_equal(split.images[i], images[int(name)])
            assert split.labels[i] == int(name) % 2
    assert open_images(images, np.array(labels), name="my set").fingerprint == data.fingerprint
    assert open_images(images, labels, seed=1).fingerprint != data.fingerprint
    path = save_images(images, labels, name="my set")
    assert open_dataset(str(path)).fingerprint == data.fingerprint


def test_pictures_of_any_size_grey_and_of_pillow():
    arrays = [RNG.integers(0, 256, (5 + i, 9) if i % 2 else (5 + i, 9, 3), np.uint8) for i in range(12)]
    given = [Image.fromarray(array) if i % 3 == 0 else array for i, array in enumerate(arrays)]
    splits = ["train" if i < 8 else "validation" for i in range(12)]
    data = open_images(given, ["b", "a"] * 6, splits=splits)
    assert (len(data.train), len(data.val)) == (8, 4)
    for i in range(4):
        plain = arrays[8 + i]
        expected = plain if plain.ndim == 3 else np.repeat(plain[..., None], 3, axis=2)
        assert np.array_equal(data.val.images[i], expected)
        assert data.classes[data.val.labels[i]] == "ba"[i % 2]


def test_paths_and_a_table(tmp_path, monkeypatch):
    root = folders(tmp_path / "im")
    files = sorted(root.rglob("*.jpg"))
    labels = [file.parent.name for file in files]
    data = open_images(files, labels)
    assert data.fingerprint == open_dataset(str(root)).fingerprint
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"file_name": [str(file.relative_to(tmp_path)) for file in files], "class": labels})
    assert open_images(frame).fingerprint == data.fingerprint
    frame["Subset"] = ["val" if i % 5 == 0 else "train" for i in range(20)]
    split = open_images(frame)
    assert (len(split.train), len(split.val)) == (16, 4)
    assert split.fingerprint == open_images(files, labels, splits=list(frame["Subset"])).fingerprint
    files[0].unlink()
    with pytest.raises(InputError, match="1 of 20 images cannot be read"):
        open_images(files, labels)


@pytest.mark.parametrize(
    ("images", "labels", "splits", "message"),
    [
        (np.zeros((4, 5, 5, 3), np.uint8), [0, 1], None, "4 images and 2 labels"),
        (np.zeros((4, 5, 5, 3), np.uint8), [0, 1, 0, 1], ["train"], "4 images and 1 splits"),
        (np.zeros((4, 5, 5, 3)), [0, 1, 0, 1], None, "the pixels are float64"),
        (np.zeros((4, 5, 5, 3), np.uint8), None, None, "images need labels"),
        (np.zeros((4, 5, 5, 3), np.uint8), [0, 1, None, 1], None, "None is no label"),
        (np.zeros((4, 5, 5, 3), np.uint8), [0, 1, float("nan"), 1], None, "nan is no label"),
        (np.zeros((4, 5, 5, 3), np.uint8), [0, 1, 0, 1], ["train", "b", "val", "val"], "unknown split 'b'"),
        ([1, 2], [0, 1], None, "image 0 is a int"),
        ([], [], None, "no images"),
        (pd.DataFrame({"x": [1]}), None, None, r"no column 'path' \(found: 'x'\)"),
        (pd.DataFrame({"path": ["a"], "label": ["b"]}), ["b"], None, "brings its labels"),
    ],
)
def test_what_is_wrong_is_one_line(images, labels, splits, message):
    with pytest.raises(InputError, match=message) as caught:
        open_images(images, labels, splits=splits)
    assert "\n" not in str(caught.value)
