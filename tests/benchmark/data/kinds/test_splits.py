"""Splits under whatever name: recognised, or refused with what was found; never dropped, never taken for classes."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.storage.split_words import split_of_folder
from topfive.benchmark.errors import InputError

from tests.benchmark.data.conftest import write
from tests.benchmark.data.made import count, folders, picture_file, reasons, samples, shard, tar

NAMES = (
    ("training_set", "test_set"),
    ("Training", "Testing"),
    ("images_train", "images_val"),
    ("train_images", "val_images"),
    ("train2017", "val2017"),
    ("TrainSet", "TestSet"),
    ("seg_train/seg_train", "seg_test/seg_test"),
    ("train/images", "valid/images"),
    ("animals/Train", "animals/Valid"),
    ("trainset", "testset"),
    ("train", "dev"),
    ("cars_train", "cars_test"),
    ("train", "test_images"),
)


@pytest.mark.parametrize("names", NAMES, ids="+".join)
def test_folders_of_splits(tmp_path, names):
    for name, k, start in zip(names, (5, 2), (0, 50), strict=True):
        folders(tmp_path / name, k=k, start=start)
    data = open_dataset(str(tmp_path))
    assert data.classes == ("cat", "dog")
    assert (len(data.train), len(data.val)) == (10, 4)
    plain = tmp_path / "plain"
    for name, k, start in zip(("train", "val"), (5, 2), (0, 50), strict=True):
        folders(plain / name, k=k, start=start)
    assert open_dataset(str(plain)).fingerprint == data.fingerprint


def test_words_for_splits():
    told = {
        "train": ("train", ""),
        "Testing": ("test", ""),
        "images_train": ("train", ""),
        "clipart_train": ("train", "clipart"),
        "val2017": ("val", ""),
        "bullet_train": ("train", "bullet"),
        "training": ("train", ""),
        "trains": None,
        "test tube": ("test", "tube"),
        "train_test": None,
        "contest": None,
        "valley": None,
        "cat": None,
    }
    assert {name: split_of_folder(name) for name in told} == told


@pytest.mark.parametrize(
    "classes",
    [
        ("bullet_train", "bus", "test_tube"),
        ("car", "ship", "train"),
        ("freight train", "passenger train", "tram"),
        ("contest", "trains", "valley"),
    ],
)
def test_a_word_for_a_split_in_a_class_name(tmp_path, classes):
    assert open_dataset(str(folders(tmp_path, classes))).classes == classes
    for name in classes:  # and with folders inside the classes
        for i, file in enumerate(sorted((tmp_path / name).iterdir())):
            write(tmp_path / name / f"{name}_{i % 2}" / file.name, file.read_bytes())
            file.unlink()
    assert open_dataset(str(tmp_path)).classes == classes


def test_flat_folders_called_like_splits_are_refused(tmp_path):
    for i in range(8):
        write(tmp_path / f"train/{'cat' if i % 2 else 'dog'}.{i}.jpg", picture_file(i))
        write(tmp_path / f"test1/{i}.jpg", picture_file(90 + i))
    with pytest.raises(InputError, match="train/ look like splits, but hold images and no folder per class"):
        open_dataset(str(tmp_path))


def test_classes_called_like_splits_are_suspicious(tmp_path):
    data = open_dataset(str(folders(tmp_path, ("model_train", "other_test", "cat"))))
    assert any("called like splits: model_train, other_test" in note for note in data.notes)
    assert not any("called like" in note for note in open_dataset(str(folders(tmp_path / "b", ("train", "car")))).notes)


def test_unknown_words_for_splits_are_suspicious_by_what_they_hold(tmp_path):
    for name, start in (("gallery", 0), ("query", 50)):
        folders(tmp_path / name, k=4, start=start)
    data = open_dataset(str(tmp_path))
    assert any("gallery, query hold folders of the same names (cat, dog)" in note for note in data.notes)


def test_train_beside_a_word_that_is_not_known(tmp_path):
    folders(tmp_path / "train", k=5)
    folders(tmp_path / "holdout", k=5, start=50)
    with pytest.raises(InputError, match=r"has train/ but no val/ beside it \(found: holdout\)"):
        open_dataset(str(tmp_path))


def test_validation_alone(tmp_path):
    folders(tmp_path / "val", k=5)
    with pytest.raises(InputError, match="has val/ but no train/ beside it"):
        open_dataset(str(tmp_path))


def test_splits_inside_the_class_folders(tmp_path):
    for name in ("cat", "dog"):
        for split, k, start in (("train", 4, 0), ("test", 2, 50)):
            for i in range(k):
                write(tmp_path / name / split / f"{name}{start + i}.jpg", picture_file(ord(name[0]) * 100 + start + i))
    data = open_dataset(str(tmp_path))
    assert data.classes == ("cat", "dog")
    assert (count(data.train, data.classes), len(data.val)) == ({"cat": 4, "dog": 4}, 4)


def test_a_flat_test_folder_is_set_aside(tmp_path):
    root = folders(tmp_path / "set/train").parent
    for i in range(4):
        write(root / f"test/{i}.jpg", picture_file(900 + i))
    data = open_dataset(str(root))
    assert data.fingerprint == open_dataset(str(root / "train")).fingerprint
    assert reasons(data) == {"without a label, in test/": 4}
    assert any("4 files: without a label, in test/" in note for note in data.notes)


def test_a_test_folder_beside_train_and_val_is_told(tmp_path):
    for split, start in (("train", 0), ("val", 50), ("test", 90)):
        folders(tmp_path / split, k=3, start=start)
    data = open_dataset(str(tmp_path))
    assert (len(data.train), len(data.val)) == (6, 6)
    assert list(reasons(data).values()) == [6]
    assert any("test split" in note for note in data.notes)


def test_several_sets_in_one_folder(tmp_path):
    for name, start in (("clipart_train", 0), ("clipart_test", 40), ("real_train", 100), ("real_test", 140)):
        folders(tmp_path / name, k=3, start=start)
    data = open_dataset(str(tmp_path))
    assert (len(data.train), len(data.val)) == (6, 6)
    assert any("several data sets; clipart was taken, not real" in note for note in data.notes)
    assert reasons(data) == {"in no folder of the splits": 12}


HEADERS = (
    ("path,label,split", "val", "train"),
    ("path,label, split", "val", "train"),
    ("path,label,Split", "Validation", "Training"),
    ("filename,class,subset", "test", "train"),
    ("path,label,is_valid", "1", "0"),
    ("file_name,category,is_train", "False", "True"),
    ("image_path,label,set", "valid", "train"),
    ("Image Path,Class Name,Data Split", "dev", "train"),
    ("path,label,fold", "test", "train"),
    ("path,label,role", "val", "train"),  # no name that is known, but nothing but splits in it
)


@pytest.mark.parametrize(("header", "val", "train"), HEADERS)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_split_column_under_any_header(tmp_path, header, val, train, suffix):
    folders(tmp_path / "im")
    columns = header.split(",")
    rows = [
        (f"im/{name}/{name}_{i}.jpg", name, val if i % 5 == 0 else train) for name in ("cat", "dog") for i in range(10)
    ]
    path = tmp_path / f"m{suffix}"
    if suffix == ".csv":
        path.write_text("\n".join([header, *map(",".join, rows)]))
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows))
    else:
        table = pyarrow.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))
        pyarrow.parquet.write_table(table, path)
    data = open_dataset(str(path))
    assert (len(data.train), len(data.val)) == (16, 4)
    assert sorted(data.val.ids) == ["cat_0", "cat_5", "dog_0", "dog_5"]


@pytest.mark.parametrize(
    ("header", "cells", "message"),
    [
        ("path,label,fold", ("0", "1"), "unknown split '1'|unknown split '0'"),
        ("path,label,is_valid", ("yes", "maybe"), "'is_valid' holds 'maybe', no yes or no"),
        ("path,label,subset", ("train", "b"), "unknown split 'b'.*it is the column 'subset'"),
        ("path,label,set,fold", ("train,1", "val,2"), "which column is the split, 'set' or 'fold'"),
        ("picture,what", ("x", "y"), r"'path' is not among them \(found: 'picture', 'what'\)"),
    ],
)
def test_what_is_not_recognised_is_refused_with_the_columns(tmp_path, header, cells, message):
    folders(tmp_path / "im")
    rows = [f"im/{name}/{name}_{i}.jpg,{name},{cells[i % 2]}" for name in ("cat", "dog") for i in range(10)]
    (tmp_path / "m.csv").write_text("\n".join([header, *rows]))
    with pytest.raises(InputError, match=message) as caught:
        open_dataset(str(tmp_path / "m.csv"))
    assert "\n" not in str(caught.value)


def test_a_column_called_split_counts_though_others_are_there(tmp_path):
    folders(tmp_path / "im")
    told = [("val" if i % 5 == 0 else "train", name, i) for name in ("cat", "dog") for i in range(10)]
    rows = [f"im/{name}/{name}_{i}.jpg,{name},{i},{split}" for split, name, i in told]
    (tmp_path / "m.csv").write_text("\n".join(["path,label,fold,split", *rows]))
    assert len(open_dataset(str(tmp_path / "m.csv")).val) == 4


def test_a_split_that_only_later_rows_of_json_have(tmp_path):
    folders(tmp_path / "im")
    rows = [{"path": f"im/cat/cat_{i}.jpg", "label": "cat"} | ({"split": "val"} if i else {}) for i in range(5)]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match="row 1 has no 'split', row 2 has it"):
        open_dataset(str(tmp_path / "m.jsonl"))


BIRDS = ("bird", "cat", "dog")


@pytest.mark.parametrize("unlabelled", [-1, None])
@pytest.mark.parametrize("names", [BIRDS, None])
def test_a_shard_without_labels_is_set_aside(tmp_path, unlabelled, names):
    shard(tmp_path / "d/train-0.parquet", [(c * 100 + i, c) for c in range(3) for i in range(5)], names)
    shard(tmp_path / "d/validation-0.parquet", [(c * 100 + 50 + i, c) for c in range(3) for i in range(2)], names)
    test = shard(tmp_path / "d/test-0.parquet", [(900 + i, unlabelled) for i in range(4)], names)
    data = open_dataset(str(tmp_path / "d"))
    assert (len(data.classes), len(data.train), len(data.val)) == (3, 15, 6)
    assert reasons(data) == {"without a label, in the split test": 4}
    assert any("4 files: without a label, in the split test" in note for note in data.notes)
    (tmp_path / "d/validation-0.parquet").unlink()
    drawn = open_dataset(str(tmp_path / "d"))
    test.unlink()
    assert drawn.fingerprint == open_dataset(str(tmp_path / "d")).fingerprint


def test_a_split_column_in_parquet_shards(tmp_path):
    rows = [(c * 100 + i, c) for c in range(3) for i in range(5)]
    told = ["validation" if i % 5 == 0 else "train" for i in range(15)]
    data = open_dataset(str(shard(tmp_path / "all.parquet", rows, BIRDS, Split=told)))
    assert (len(data.train), len(data.val)) == (12, 3)


def test_rows_of_a_test_split_without_labels(tmp_path):
    folders(tmp_path / "im")
    told = [(f"im/{name}/{name}_{i}.jpg", name, i < 8) for name in ("cat", "dog") for i in range(10)]
    rows = [f"{path},{name if known else ''},{'train' if known else 'test'}" for path, name, known in told]
    (tmp_path / "m.csv").write_text("\n".join(["path,label,split", *rows]))
    data = open_dataset(str(tmp_path / "m.csv"))
    assert len(data.train) + len(data.val) == 16
    assert reasons(data) == {"without a label, in the split test": 4}
    (tmp_path / "m.csv").write_text("\n".join(["path,label,split", *rows]).replace("test", "train"))
    with pytest.raises(InputError, match="row 9 lacks a path or a label"):
        open_dataset(str(tmp_path / "m.csv"))


def test_a_tar_without_labels_is_set_aside(tmp_path):
    keys = [(f"{i}", "cat" if i % 2 else "dog") for i in range(10)]
    tar(tmp_path / "w/x-train-0.tar", samples(keys))
    tar(tmp_path / "w/x-test-0.tar", [item for item in samples(keys, 50) if item[0].endswith(".jpg")])
    data = open_dataset(str(tmp_path / "w"))
    assert len(data.train) + len(data.val) == 10
    assert reasons(data) == {"without a label, in the split test": 10, "no image": 10}  # the labels


def test_food_101_has_its_split_in_lists(tmp_path):
    root: Path = folders(tmp_path / "food-101/images", k=5).parent
    for name, chosen in (("train", range(3)), ("test", range(3, 4))):
        write(root / f"meta/{name}.txt", "".join(f"{g}/{g}_{i}\n" for g in ("cat", "dog") for i in chosen))
    data = open_dataset(str(root))
    assert (len(data.train), len(data.val)) == (6, 2)
    assert list(data.val.ids) == ["cat_3", "dog_3"]
    assert reasons(data) == {"no image": 2, "in no folder of the splits": 2}
    write(root / "meta/test.txt", "cat/cat_99\n")
    with pytest.raises(InputError, match=r"line 1 of meta/test\.txt names images/cat/cat_99, which is not there"):
        open_dataset(str(root))
