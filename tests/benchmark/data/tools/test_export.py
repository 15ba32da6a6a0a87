"""What is exported can be read by anything, and by topfive as the same data set."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.tools import export as exporting
from topfive.benchmark.data.tools.export import export
from topfive.benchmark.errors import InputError


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_exported_photos_have_the_same_pixels_labels_and_ids(tmp_path):
    photos = open_dataset("photos", per_class=3, classes="brick+chelsea+text")
    folder = export(photos, str(tmp_path / "out"))
    again = open_dataset(str(folder))
    assert again.classes == photos.classes
    assert [row["class"] for row in rows(folder / "classes.csv")] == list(photos.classes)
    for name, one, other in (("train", photos.train, again.train), ("val", photos.val, again.val)):
        assert list(one.ids) == list(other.ids)
        assert np.array_equal(one.labels, other.labels)
        table = rows(folder / f"{name}.csv")
        assert [row["image_id"] for row in table] == list(one.ids)
        assert [row["label"] for row in table] == [photos.classes[label] for label in one.labels]
        for i, row in enumerate(table):
            assert np.array_equal(one.images[i], other.images[i])
            assert np.array_equal(cv2.imread(str(folder / row["path"]))[..., ::-1], one.images[i])


def test_ids_that_are_paths(class_folders, tmp_path):
    root = class_folders("pets", ("train", "val"), n=2)
    for i, group in enumerate(("cat", "dog")):  # one name in two classes: ids are paths then
        (root / "val" / group / f"{group}_val{i}.jpg").rename(root / "val" / group / "same.jpg")
    pets = open_dataset(str(root))
    assert "cat/same.jpg" in list(pets.val.ids)
    folder = export(pets, str(tmp_path / "out"))
    assert [row["image_id"] for row in rows(folder / "val.csv")] == list(pets.val.ids)
    assert open_dataset(str(folder)).val.labels.tolist() == pets.val.labels.tolist()


def test_nothing_is_overwritten_and_there_is_a_bound(tmp_path, monkeypatch):
    photos = open_dataset("photos", per_class=1)
    with pytest.raises(InputError, match="is there already"):
        export(photos, str(tmp_path))
    monkeypatch.setattr(exporting, "MOST_PIXELS", 39 * 64 * 64)  # 20 + 20 images
    with pytest.raises(InputError, match="give fewer classes"):
        export(photos, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
