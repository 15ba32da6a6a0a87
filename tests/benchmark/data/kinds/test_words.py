"""Refusals name the right thing: what was found, and the one thing to do, in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.decode import Unreadable, decode
from topfive.benchmark.errors import InputError

from tests.benchmark.data.conftest import write
from tests.benchmark.data.made import count, folders, official, picture_file, reasons, samples, tar

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4" * 64 + b"\nsize 12345\n"


def refused(path: Path | str, **params: object) -> str:
    with pytest.raises(InputError) as caught:
        open_dataset(str(path), **params)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", ["train-00000-of-00001.parquet", "pets.tar", "pets.zip", "pets.tar.gz"])
def test_a_git_lfs_pointer_instead_of_a_file(tmp_path, name):
    file = write(tmp_path / "a" / name, POINTER)
    message = refused(tmp_path / "a" if name.endswith("parquet") else file)
    assert f"{name} is a Git LFS pointer, not the file; `git lfs pull`" in message


def test_git_lfs_pointers_instead_of_images(tmp_path):
    for name in "xy":
        for i in range(5):
            write(tmp_path / name / f"{i}.jpg", POINTER)
    message = refused(tmp_path)
    assert "10 of 10 images are Git LFS pointers" in message
    assert "git lfs pull" in message
    assert "allow_unreadable" not in message


def test_food_101_without_its_lists(tmp_path):
    """images/ is no class; with the lists in meta/ it is read as it was published (see test_splits)."""
    root = folders(tmp_path / "food/images").parent
    write(root / "meta/classes.txt", "cat\ndog\n")
    assert open_dataset(str(root)).classes == ("cat", "dog")


def test_one_class_that_holds_folders_is_hinted_at(tmp_path):
    folders(tmp_path / "set/pets")
    write(tmp_path / "set/readme.txt", "x")
    message = refused(tmp_path / "set")
    assert "one class only (pets)" in message
    assert f"its folders cat, dog may be the classes: give {tmp_path / 'set/pets'}" in message


def test_classes_below_letters_are_hinted_at(tmp_path):
    for letter, names in (("a", ("abbey", "alley")), ("b", ("bank", "barn"))):
        folders(tmp_path / letter, names, k=5)
    data = open_dataset(str(tmp_path))
    assert data.classes == ("a", "b")
    assert any("a/abbey" in note and "manifest" in note for note in data.notes)


@pytest.mark.parametrize("header", ["file_name,label", "file_name,additional,category"])
def test_a_metadata_table_in_a_folder(tmp_path, header):
    rows = []
    for i in range(10):
        write(tmp_path / f"{i}.jpg", picture_file(i))
        rows.append(f"{i}.jpg,{'x,' * (header.count(',') - 1)}{'cat' if i % 2 else 'dog'}")
    write(tmp_path / "metadata.csv", "\n".join([header, *rows]))
    data = open_dataset(str(tmp_path))
    assert data.classes == ("cat", "dog")
    assert len(data.train) + len(data.val) == 10
    assert open_dataset(str(tmp_path / "metadata.csv")).fingerprint == data.fingerprint


def test_metadata_tables_in_the_folders_of_splits(tmp_path):
    for split, start in (("train", 0), ("test", 50)):
        rows = []
        for i in range(start, start + 6):
            write(tmp_path / split / f"{i}.jpg", picture_file(i))
            rows.append(json.dumps({"file_name": f"{i}.jpg", "label": i % 2}))
        write(tmp_path / split / "metadata.jsonl", "\n".join(rows))
    write(tmp_path / "train/spare.jpg", picture_file(99))
    data = open_dataset(str(tmp_path))
    assert (data.classes, len(data.train), len(data.val)) == (("0", "1"), 6, 6)
    assert data.val.labels.tolist() == [0, 1] * 3
    assert reasons(data)["beside the files that hold the data set"] == 1


def test_metadata_without_labels_leaves_the_folders_their_classes(tmp_path):
    root = folders(tmp_path / "set")
    write(root / "metadata.csv", "file_name,caption\ncat/cat_0.jpg,a cat\n")
    assert open_dataset(str(root)).classes == ("cat", "dog")


def test_flat_images_beside_a_table(tmp_path):
    for i in range(5):
        write(tmp_path / f"{i}.jpg", picture_file(i))
    write(tmp_path / "labels.csv", "image,label\n0.jpg,cat\n")
    message = refused(tmp_path)
    assert "1 table (labels.csv)" in message
    assert "give the table itself" in message


def hub_names(wnids: tuple[str, ...]) -> tuple[list[tuple[str, bytes]], list[tuple[str, bytes]]]:
    train = [(f"{wnid}_{i}_{wnid}.JPEG", picture_file(10 * c + i)) for c, wnid in enumerate(wnids) for i in range(3)]
    val = [(f"ILSVRC2012_val_{c + 1:08d}_{wnid}.JPEG", picture_file(90 + c)) for c, wnid in enumerate(wnids)]
    return train, val


def test_the_hubs_imagenet_is_the_official_one(tmp_path):
    train, val = hub_names(("n02119789", "n02100735"))
    tar(tmp_path / "hub/data/train_images_0.tar.gz", train[1:5], "w:gz")
    tar(tmp_path / "hub/data/train_images_1.tar.gz", train[:1] + train[5:], "w:gz")
    tar(tmp_path / "hub/data/val_images.tar.gz", val, "w:gz")
    tar(tmp_path / "hub/data/test_images.tar.gz", [("ILSVRC2012_test_00000001.JPEG", picture_file(5))], "w:gz")
    data = open_dataset(str(tmp_path / "hub"))
    assert data.fingerprint == open_dataset(str(official(tmp_path / "official"))).fingerprint
    assert reasons(data) == {"without a label, in the split test": 1}
    alone = open_dataset(str(tmp_path / "hub/data/train_images_0.tar.gz"))
    assert alone.classes == ("n02100735", "n02119789")


def test_img2dataset_has_no_classes(tmp_path):
    items = []
    for i in range(5):
        items += [(f"{i:09d}.jpg", picture_file(i)), (f"{i:09d}.json", b"{}"), (f"{i:09d}.txt", b"a cat")]
    path = tar(tmp_path / "00000.tar", items)
    message = refused(path)
    assert "beside each is a .json and a .txt, as img2dataset writes them, and no .cls" in message
    assert "1 archive (00000.tar)" in refused(tmp_path)


def test_labels_after_the_first_sixty_four_names(tmp_path):
    items = samples([(f"{i:03d}", "cat" if i % 2 else "dog") for i in range(100)])
    items.sort(key=lambda item: item[0].endswith(".cls"))
    data = open_dataset(str(tar(tmp_path / "a.tar", items)))
    assert data.layout == "WebDataset"
    assert count(data.val, data.classes) == {"cat": 10, "dog": 10}


def test_a_tar_for_each_class(tmp_path):
    for name in ("n01440764", "n01443537"):
        tar(tmp_path / f"train/{name}.tar", [(f"{name}_{i}.JPEG", picture_file(i)) for i in range(3)])
    message = refused(tmp_path)
    assert "2 archives (train/n01440764.tar, train/n01443537.tar)" in message
    assert "unpack them, each into a folder of its name" in message
    folders(tmp_path / "val", ("n01440764", "n01443537"))
    message = refused(tmp_path)
    assert "has val/ but no train/ beside it" in message
    assert "train/n01440764.tar is an archive: unpack it" in message


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_csv_of_any_program(tmp_path, delimiter, encoding):
    folders(tmp_path / "im")
    rows = [
        (f"im/{name}/{name}_{i}.jpg", label, "val" if i < 2 else "train")
        for name, label in (("cat", "größe"), ("dog", "dog"))
        for i in range(10)
    ]
    text = "\r\n".join(delimiter.join(row) for row in [("path", "label", "split"), *rows])
    (tmp_path / "m.csv").write_bytes(text.encode(encoding))
    data = open_dataset(str(tmp_path / "m.csv"))
    assert data.classes == ("dog", "gr\\xf6\\xdfe" if encoding == "cp1252" else "größe")
    assert (len(data.train), len(data.val)) == (16, 4)


def test_paths_from_another_folder(tmp_path, monkeypatch):
    folders(tmp_path / "im")
    rows = [f"im/{n}/{n}_{i}.jpg,{n}" for n in ("cat", "dog") for i in range(10)]
    table = write(tmp_path / "lists/m.csv", "\n".join(["path,label", *rows]))
    monkeypatch.chdir(tmp_path)
    message = refused(table)
    assert "none of its 20 files is there" in message
    assert f"{tmp_path / 'lists/im/cat/cat_0.jpg'} does not exist, {tmp_path / 'im/cat/cat_0.jpg'} does" in message
    monkeypatch.chdir(tmp_path / "lists")
    assert f"{tmp_path / 'lists/im/cat/cat_0.jpg'} neither" in refused(table)
    shutil.move(table, tmp_path / "m.csv")
    assert len(open_dataset(str(tmp_path / "m.csv")).train) == 16


@pytest.mark.parametrize(("label", "shown"), [(["cat"], r"list (['cat'])"), ({"a": 1}, "dict ({'a': 1})")])
def test_a_list_for_a_label(tmp_path, label, shown):
    write(tmp_path / "m.jsonl", json.dumps({"path": "x.jpg", "label": label}))
    assert f"row 1: the label is a {shown}; give one class an image" in refused(tmp_path / "m.jsonl")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_tiff_of_floats_is_not_damaged(tmp_path, channels):
    values = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    path = tmp_path / "a.tif"
    if channels == 1:
        Image.fromarray(values).save(path, "TIFF")
    else:
        import cv2

        cv2.imwrite(str(path), np.dstack([values] * 3))
    with pytest.raises(Unreadable, match="a TIFF of floating-point numbers, whose range is not known"):
        decode(path.read_bytes())


def test_a_class_that_one_split_lacks(tmp_path):
    folders(tmp_path / "train", ("cat", "cow", "dog"), k=5)
    folders(tmp_path / "val", ("cat", "dog", "emu"), k=2, start=50)
    message = refused(tmp_path)
    assert "the class 'emu' has no training images" in message
    assert f'-d "{tmp_path}[skip_incomplete=true]" leaves it out' in message
    data = open_dataset(str(tmp_path), skip_incomplete=True)
    assert data.classes == ("cat", "dog")
    assert (len(data.train), len(data.val)) == (10, 4)
    assert any("one split lacks them: cow, emu" in note for note in data.notes)


def test_a_place_where_everything_is_hidden(tmp_path):
    folders(tmp_path / "set/.cache")
    message = refused(tmp_path / "set")
    assert "20 files are hidden, or left behind by a system" in message


def test_columns_of_parquet_shards_are_named(tmp_path):
    import pyarrow
    import pyarrow.parquet

    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    table = pyarrow.table({"image": pyarrow.array([{"bytes": b"x", "path": "x"}], kind), "caption": ["a cat"]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert "its columns are image, caption" in refused(tmp_path / "a.parquet")
