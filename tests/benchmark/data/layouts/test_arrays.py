"""Data sets that are arrays of pixels: MNIST's IDX, npz, STL-10 and CIFAR for C, value by value."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

import numpy as np
import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.errors import InputError

from tests.benchmark.data.conftest import write
from tests.benchmark.data.made import reasons

RNG = np.random.default_rng(0)


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.fixture
def grey() -> dict[str, np.ndarray]:
    """Two splits of grey pictures, higher than wide, and their labels."""
    return {
        "x_train": RNG.integers(0, 256, (24, 9, 7), np.uint8),
        "y_train": np.arange(24, dtype=np.uint8) % 12,
        "x_test": RNG.integers(0, 256, (12, 9, 7), np.uint8),
        "y_test": np.arange(12, dtype=np.uint8)[::-1].copy(),
    }


def same(data, grey) -> None:
    assert data.classes == tuple(map(str, range(12)))
    assert data.train.labels.tolist() == grey["y_train"].tolist()
    assert data.val.labels.tolist() == grey["y_test"].tolist()
    for split, images in ((data.train, grey["x_train"]), (data.val, grey["x_test"])):
        for i in (0, 5, len(images) - 1):
            expected = images[i] if images.ndim == 4 else np.repeat(images[i][..., None], 3, axis=2)
            assert np.array_equal(split.images[i], expected)


@pytest.mark.parametrize("packed", [False, True])
def test_mnist(tmp_path, grey, packed):
    root = tmp_path / "mnist"
    for split, name in (("train", "train"), ("test", "t10k")):
        for what, key, n in (("images", "x", 3), ("labels", "y", 1)):
            data = idx(grey[f"{key}_{split}"])
            end = ".gz" if packed else ""
            write(root / f"{name}-{what}-idx{n}-ubyte{end}", gzip.compress(data) if packed else data)
    write(root / "readme.txt", "x")
    data = open_dataset(str(root))
    same(data, grey)
    assert data.layout == "IDX (MNIST)"
    assert data.val.ids[3] == "test-000003"
    assert reasons(data) == {"no image": 1}
    with tarfile.open(tmp_path / "mnist.tar.gz", "w:gz") as archive:
        archive.add(root, "mnist/raw")
    assert open_dataset(str(tmp_path / "mnist.tar.gz")).fingerprint == data.fingerprint
    if packed:  # and unpacked beside it, as torchvision leaves it
        for file in list(root.glob("*.gz")):
            write(file.with_suffix(""), gzip.decompress(file.read_bytes()))
        again = open_dataset(str(root))
        assert again.fingerprint == data.fingerprint
        assert reasons(again) == {"no image": 1, "the same again, packed": 4}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], "it is cut short"),
        (lambda data: b"\0\0\x0d" + data[3:], "no IDX file of bytes"),
        (lambda data: b"\x1f\x8b" + data, "cannot be unpacked"),
        (lambda data: data[:3] + b"\xff" + data[4:], "it is cut short"),
        (lambda data: data[:4] + b"\xff" * 8 + data[12:], "it is cut short"),
    ],
)
def test_damaged_idx(tmp_path, grey, change, message):
    write(tmp_path / "train-images-idx3-ubyte", change(idx(grey["x_train"])))
    write(tmp_path / "train-labels-idx1-ubyte", idx(grey["y_train"]))
    with pytest.raises(InputError, match=message) as caught:
        open_dataset(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_idx_without_its_labels_and_two_sets_in_a_folder(tmp_path, grey):
    write(tmp_path / "a/train-images-idx3-ubyte", idx(grey["x_train"]))
    with pytest.raises(InputError, match="lacks the file of train labels"):
        open_dataset(str(tmp_path / "a"))
    for name in ("emnist-letters-", "emnist-digits-"):
        write(tmp_path / f"b/{name}train-images-idx3-ubyte", idx(grey["x_train"]))
    with pytest.raises(InputError, match=r"2 data sets \(emnist-digits-, emnist-letters-\)"):
        open_dataset(str(tmp_path / "b"))


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("naming", ["keras", "medmnist"])
def test_npz(tmp_path, grey, naming, colour):
    if colour:
        grey["x_train"], grey["x_test"] = (RNG.integers(0, 256, (n, 9, 7, 3), np.uint8) for n in (24, 12))
    if naming == "keras":
        np.savez(tmp_path / "a.npz", **grey)
    else:
        val = {"val_images": grey["x_test"], "val_labels": grey["y_test"][:, None]}
        test = {"test_images": grey["x_test"][:3], "test_labels": grey["y_test"][:3, None]}
        train = {"train_images": grey["x_train"], "train_labels": grey["y_train"][:, None]}
        np.savez_compressed(tmp_path / "a.npz", **train, **val, **test)
    data = open_dataset(str(tmp_path / "a.npz"))
    same(data, grey)
    assert (data.name, data.layout) == ("a", "arrays (npz)")
    assert list(reasons(data).values()) == ([3] if naming == "medmnist" else [])
    write(tmp_path / "set/readme.txt", "x")
    write(tmp_path / "set/a.npz", (tmp_path / "a.npz").read_bytes())
    assert open_dataset(str(tmp_path / "set")).fingerprint == data.fingerprint


def test_npz_without_splits_and_with_channels_first(tmp_path):
    images = RNG.integers(0, 256, (20, 3, 9, 7), np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.array(["b", "a"] * 10))
    data = open_dataset(str(tmp_path / "a.npz"))
    assert data.classes == ("a", "b")
    assert (len(data.train), len(data.val)) == (16, 4)
    first = int(data.train.ids[0].rpartition("-")[2])
    assert np.array_equal(data.train.images[0], images[first].transpose(1, 2, 0))
    assert data.classes[data.train.labels[0]] == "ba"[first % 2]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((4, 5, 5)), "labels": np.zeros(4, int)}, "float64; multiply them by 255"),
        ({"images": np.zeros((4, 5, 5), np.int64), "labels": np.zeros(4, int)}, "int64; convert them"),
        ({"images": np.zeros((4, 5), np.uint8), "labels": np.zeros(4, int)}, r"shape \(4, 5\), not"),
        ({"images": np.zeros((4, 5, 5), np.uint8), "labels": np.zeros(3, int)}, "4 images and 3 labels"),
        ({"images": np.zeros((4, 5, 5), np.uint8), "labels": np.zeros((4, 9), int)}, "one class an image"),
        ({"a": np.zeros(4)}, "holds a; name the arrays x_train"),
        ({"images": np.array([{}, {}]), "labels": np.zeros(2, int)}, "no array of numbers"),
    ],
)
def test_other_arrays_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", allow_pickle=True, **arrays)
    with pytest.raises(InputError, match=message) as caught:
        open_dataset(str(tmp_path / "a.npz"))
    assert "\n" not in str(caught.value)


def test_a_damaged_npz(tmp_path, grey):
    np.savez(tmp_path / "a.npz", **grey)
    whole = (tmp_path / "a.npz").read_bytes()
    for cut in (10, len(whole) // 2, len(whole) - 3):
        (tmp_path / "a.npz").write_bytes(whole[:cut])
        with pytest.raises(InputError, match="cannot be read as npz"):
            open_dataset(str(tmp_path / "a.npz"))


def test_stl_10(tmp_path):
    root: Path = tmp_path / "stl10_binary"
    pixels = {split: RNG.integers(0, 256, (n, 96, 96, 3), np.uint8) for split, n in (("train", 6), ("test", 4))}
    labels = {"train": [1, 2, 3, 3, 2, 1], "test": [3, 1, 2, 2]}
    for split, images in pixels.items():
        write(root / f"{split}_X.bin", images.transpose(0, 3, 2, 1).tobytes())
        write(root / f"{split}_y.bin", bytes(labels[split]))
    write(root / "class_names.txt", "airplane\nbird\ncar\n")
    write(root / "unlabeled_X.bin", bytes(2 * 3 * 96 * 96))
    write(root / "fold_indices.txt", "1 2\n")
    data = open_dataset(str(root))
    assert data.classes == ("airplane", "bird", "car")
    assert [data.classes[label] for label in data.val.labels] == ["car", "airplane", "bird", "bird"]
    assert np.array_equal(data.train.images[2], pixels["train"][2])
    assert reasons(data) == {"without a label": 2, "no image": 2}
    write(root / "train_X.bin", b"x" * 100)
    with pytest.raises(InputError, match=r"train_X\.bin is cut short"):
        open_dataset(str(root))


@pytest.mark.parametrize("hundred", [False, True])
def test_cifar_binary(tmp_path, hundred):
    root: Path = tmp_path / "cifar"
    pixels = RNG.integers(0, 256, (12, 32, 32, 3), np.uint8)
    labels = [i % 3 for i in range(12)]
    coarse = [b"\x07"] * 12 if hundred else [b""] * 12
    rows = [coarse[i] + bytes([labels[i]]) + pixels[i].transpose(2, 0, 1).tobytes() for i in range(12)]
    if hundred:
        write(root / "train.bin", b"".join(rows[:8]))
        write(root / "test.bin", b"".join(rows[8:]))
        write(root / "fine_label_names.txt", "ape\nbee\ncow\n")
    else:
        for i in range(4):
            write(root / f"data_batch_{i + 1}.bin", b"".join(rows[2 * i : 2 * i + 2]))
        write(root / "test_batch.bin", b"".join(rows[8:]))
        write(root / "batches.meta.txt", "ape\nbee\ncow\n\n")
    data = open_dataset(str(root))
    assert data.classes == ("ape", "bee", "cow")
    assert data.train.labels.tolist() == labels[:8]
    assert data.val.labels.tolist() == labels[8:]
    assert np.array_equal(data.train.images[3], pixels[3])
    assert np.array_equal(data.val.images[1], pixels[9])
