"""Tiny ImageNet and folder per class, in folders and archives: the same images whichever it is."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.errors import InputError

from tests.benchmark.data.conftest import jpeg

SUFFIXES = {".tar": "w", ".tar.gz": "w:gz"}


def packed(folder: Path, suffix: str) -> Path:
    target = folder.with_name(folder.name + suffix)
    if suffix == ".zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.rglob("*"), reverse=True):
                archive.write(file, file.relative_to(folder.parent))
    else:
        with tarfile.open(target, SUFFIXES[suffix]) as archive:
            archive.add(folder, folder.name)
    return target


def test_tiny_imagenet_by_hand(tiny):
    data = open_dataset(str(tiny))
    assert data.layout == "Tiny ImageNet"
    assert data.classes == ("n01443537", "n01629819", "n02123045")
    assert data.class_names[0] == "goldfish, Carassius auratus"
    assert list(data.val.ids) == [f"val_{i}" for i in range(6)]
    assert data.val.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert data.train.ids[4] == "n01629819_0"
    stored = cv2.imread(str(tiny / "val/images/val_4.JPEG"))[..., ::-1]
    assert np.array_equal(data.val.images[4], stored)


def test_tiny_imagenets_boxes_are_kept_also_in_the_index(tiny):
    path = tiny / "val" / "val_annotations.txt"
    lines = {line.split("\t")[0]: line for line in path.read_text().splitlines()}
    lines["val_1.JPEG"] = lines["val_1.JPEG"].replace("\t0\t0\t63\t63", "\t4\t5\t60\t61")
    lines["val_2.JPEG"] = lines["val_2.JPEG"].replace("\t0\t0\t63\t63", "")
    path.write_text("\n".join(lines.values()))
    for _ in range(2):  # found, and again from the index
        boxes = open_dataset(str(tiny)).boxes
        assert boxes["val_0"] == (0, 0, 63, 63)
        assert boxes["val_1"] == (4, 5, 60, 61)
        assert set(boxes) == {"val_0", "val_1", "val_3", "val_4", "val_5"}


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_archives_give_the_same(tiny, suffix):
    plain = open_dataset(str(tiny))
    archive = packed(tiny, suffix)
    shutil.rmtree(tiny)
    for _ in range(2):  # the second time from the index
        data = open_dataset(str(archive))
        assert data.name == "tiny-imagenet-3"
        assert data.fingerprint == plain.fingerprint
        assert list(data.train.ids) == list(plain.train.ids)
        assert data.train.images[3].shape == (64, 64, 3)


def test_the_fingerprint_follows_bytes_labels_and_ids(tiny):
    first = open_dataset(str(tiny)).fingerprint
    file = tiny / "train/n01443537/images/n01443537_0.JPEG"
    data = file.read_bytes()
    file.write_bytes(cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes())
    changed = open_dataset(str(tiny)).fingerprint
    file.write_bytes(data)
    assert open_dataset(str(tiny)).fingerprint == first != changed
    file.rename(file.with_name("n01443537_9.JPEG"))
    assert open_dataset(str(tiny)).fingerprint not in (first, changed)


def test_folder_per_class_with_splits(class_folders):
    data = open_dataset(str(class_folders("pets", ("train", "valid"))))
    assert data.layout == "folder per class, with train/ and valid/"
    assert (len(data.train), len(data.val)) == (10, 10)
    assert list(data.val.ids)[:2] == ["cat_valid0", "cat_valid1"]
    assert data.val.labels.tolist() == [0] * 5 + [1] * 5


def test_stratified_split_is_drawn_from_the_seed(class_folders):
    root = class_folders("pets", n=20)
    one, two, other = (open_dataset(str(root), seed=seed) for seed in (0, 0, 1))
    assert np.bincount(one.val.labels).tolist() == [4, 4]
    assert np.bincount(one.train.labels).tolist() == [16, 16]
    assert not set(one.train.ids) & set(one.val.ids)
    assert one.fingerprint == two.fingerprint
    assert set(one.val.ids) != set(other.val.ids)
    assert "seed 0" in one.notes[0]


def test_names_that_repeat_in_other_classes_keep_their_folder(tmp_path, class_folders):
    root = class_folders("pets", ("train", "val"))
    for split in ("train", "val"):
        for i, group in enumerate(("cat", "dog")):
            for j, file in enumerate(sorted((root / split / group).iterdir())):
                file.rename(file.with_name(f"{j + i}.jpg"))
    data = open_dataset(str(root))
    assert data.train.ids[0] == "cat/0.jpg"
    assert len(set(data.train.ids)) == 10


def test_a_class_may_be_called_train(class_folders):
    assert open_dataset(str(class_folders("vehicles", classes=("car", "train")))).classes == ("car", "train")


def test_subset_and_limit(tiny):
    data = open_dataset(str(tiny), classes="n02123045+goldfish, Carassius auratus", limit=5)
    assert data.classes == ("n01443537", "n02123045")
    assert np.bincount(data.train.labels).tolist() == [3, 2]
    assert set(data.val.labels.tolist()) == {0, 1}
    assert all(name.startswith(("n01443537", "n02123045")) for name in data.train.ids)


def test_bad_folders_are_one_line(tmp_path, class_folders):
    empty = tmp_path / "empty"
    empty.mkdir()
    flat = class_folders("flat") / "cat"
    lonely = class_folders("lonely", classes=("cat",))
    no_val = class_folders("no-val", ("train", "val"))
    shutil.rmtree(no_val / "val" / "dog")
    single = class_folders("single", n=1)
    no_train = class_folders("only-train", ("train",))
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    for path, message in {
        tmp_path / "nowhere": "neither a file nor a folder, nor",
        empty: "holds no images",
        flat: "no folder per class",
        lonely: "one class only",
        no_val: "'dog' has no validation images",
        single: "has no validation images",
        no_train: "no val/ beside it",
        text: "neither a folder nor",
    }.items():
        with pytest.raises(InputError, match=message) as caught:
            open_dataset(str(path))
        assert "\n" not in str(caught.value)


def test_unknown_parameter_and_class(tiny):
    with pytest.raises(InputError, match="did you mean 'classes'"):
        open_dataset(str(tiny), clases="a+b")
    with pytest.raises(InputError, match="did you mean 'n01443537'"):
        open_dataset(str(tiny), classes="n01443538+n02123045")
    with pytest.raises(InputError, match="at least 1"):
        open_dataset(str(tiny), limit=0)


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_cut_archives_are_one_line(tiny, suffix):
    archive = packed(tiny, suffix)
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(InputError, match="again") as caught:
        open_dataset(str(archive))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("word", ["²", "9" * 5000, "-1"])
def test_a_size_in_a_pax_header_that_is_no_number_is_not_followed(tmp_path, word):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for i in range(10):
            body = f" size={word}\n".encode()
            length = next(n for n in range(9999) if n == len(str(n)) + len(body))
            for name, kind, data in (
                ("PaxHeader", b"x", str(length).encode() + body),
                (f"{'cat' if i % 2 else 'dog'}/{i}.jpg", b"0", jpeg(i)),
            ):
                member = tarfile.TarInfo(name)
                member.type, member.size = kind, len(data)
                archive.addfile(member, io.BytesIO(data))
    data = open_dataset(str(tmp_path / "a.tar"))
    assert len(data.train) + len(data.val) == 10
    assert not data.problems
