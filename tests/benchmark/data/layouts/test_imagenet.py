"""ILSVRC-2012 in its three shapes, rebuilt small: one fingerprint for all of them."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from topfive.benchmark.data import open_dataset
from topfive.benchmark.errors import InputError

# In the devkit's order, which is not the sorted one.
WNIDS = ("n02119789", "n02100735", "n02110185", "n01440764")
TRUTH = (3, 1, 2, 4, 4, 3, 2, 1)


def jpeg(seed: int) -> bytes:
    import cv2

    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(small, (50, 40)))[1].tobytes()


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def meta_mat() -> bytes:
    """With the fields, shapes and types of the devkit's own; inner nodes follow the leaves, as they do there."""
    kinds = [(name, object) for name in ("ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "wordnet_height")]
    synsets = np.zeros((len(WNIDS) + 1, 1), kinds)
    for i, wnid in enumerate((*WNIDS, "n00001740")):
        leaf = i < len(WNIDS)
        synsets[i, 0] = (np.array([[i + 1]]), wnid, "a name", "a gloss", np.array([[0 if leaf else 4]]), [[not leaf]])
    file = io.BytesIO()
    scipy.io.savemat(file, {"synsets": synsets}, do_compression=True)
    return file.getvalue()


@pytest.fixture
def train() -> dict[str, dict[str, bytes]]:
    return {wnid: {f"{wnid}_{i * 7}.JPEG": jpeg(100 * c + i) for i in range(3)} for c, wnid in enumerate(WNIDS)}


@pytest.fixture
def val() -> dict[str, bytes]:
    return {f"ILSVRC2012_val_{i:08d}.JPEG": jpeg(1000 + i) for i in range(1, len(TRUTH) + 1)}


def write_devkit(root: Path) -> None:
    with tarfile.open(root / "ILSVRC2012_devkit_t12.tar.gz", "w:gz") as archive:
        add(archive, "ILSVRC2012_devkit_t12/data/meta.mat", meta_mat())
        truth = "".join(f"{number}\n" for number in TRUTH).encode()
        add(archive, "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt", truth)


@pytest.fixture
def official(tmp_path, train, val) -> Path:
    root = tmp_path / "official"
    root.mkdir()
    with tarfile.open(root / "ILSVRC2012_img_train.tar", "w") as outer:
        for wnid, images in train.items():
            inner = io.BytesIO()
            with tarfile.open(fileobj=inner, mode="w") as archive:
                for name, data in images.items():
                    add(archive, name, data)
            add(outer, f"{wnid}.tar", inner.getvalue())
    with tarfile.open(root / "ILSVRC2012_img_val.tar", "w") as archive:
        for name, data in reversed(val.items()):
            add(archive, name, data)
    write_devkit(root)
    return root


def write_images(root: Path, images: dict[str, bytes]) -> None:
    root.mkdir(parents=True)
    for name, data in images.items():
        (root / name).write_bytes(data)


@pytest.fixture
def extracted(tmp_path, train, val) -> Path:
    root = tmp_path / "extracted"
    for wnid, images in train.items():
        write_images(root / "train" / wnid, images)
    for number, wnid in enumerate(WNIDS, start=1):
        own = {name: data for (name, data), truth in zip(val.items(), TRUTH, strict=True) if truth == number}
        write_images(root / "val" / wnid, own)
    return root


@pytest.fixture
def flat(tmp_path, train, val) -> Path:
    root = tmp_path / "flat"
    for wnid, images in train.items():
        write_images(root / "train" / wnid, images)
    write_images(root / "val", val)
    write_devkit(root)
    return root


@pytest.fixture
def kaggle(tmp_path, train, val) -> Path:
    root = tmp_path / "kaggle"
    for wnid, images in train.items():
        write_images(root / "ILSVRC/Data/CLS-LOC/train" / wnid, images)
    write_images(root / "ILSVRC/Data/CLS-LOC/val", val)
    write_images(root / "ILSVRC/Data/CLS-LOC/test", {"ILSVRC2012_test_00000001.JPEG": jpeg(9)})
    rows = [
        f"{name[:-5]},{WNIDS[truth - 1]} 1 2 30 40 {WNIDS[truth - 1]} 3 4 5 6 \n"
        for name, truth in zip(val, TRUTH, strict=True)
    ]
    (root / "LOC_val_solution.csv").write_text("ImageId,PredictionString\n" + "".join(sorted(rows, reverse=True)))
    return root


def test_one_fingerprint_for_all(official, extracted, flat, kaggle, train, val):
    opened = {path.name: open_dataset(str(path)) for path in (official, extracted, flat, kaggle)}
    first = opened["official"]
    assert first.layout == "ILSVRC-2012, official archives"
    assert opened["kaggle"].layout == "ILSVRC-2012, Kaggle's tree"
    assert first.classes == tuple(sorted(WNIDS))
    assert [first.classes[label] for label in first.val.labels] == [WNIDS[number - 1] for number in TRUTH]
    assert list(first.val.ids) == [name[:-5] for name in val]
    assert first.class_names[0] == "tench, Tinca tinca"
    for other in opened.values():
        assert other.fingerprint == first.fingerprint
        assert list(other.train.ids) == list(first.train.ids)
        assert np.array_equal(other.train.labels, first.train.labels)
        for i in range(len(first.train)):
            assert np.array_equal(other.train.images[i], first.train.images[i])


def test_the_training_archive_stands_for_its_folder(official):
    assert (
        open_dataset(str(official / "ILSVRC2012_img_train.tar")).fingerprint == open_dataset(str(official)).fingerprint
    )


def test_a_training_tree_of_fewer_classes_uses_their_validation_images_only(flat):
    shutil.rmtree(flat / "train" / "n02100735")
    data = open_dataset(str(flat))
    assert data.classes == ("n01440764", "n02110185", "n02119789")
    assert len(data.val) == 6
    assert any("2 validation images" in note for note in data.notes)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "ILSVRC2012_devkit_t12.tar.gz").unlink(), "lie in no class folder"),
        (lambda root: (root / "ILSVRC2012_devkit_t12.tar.gz").write_bytes(b"\x1f\x8bnothing"), "again"),
        (lambda root: (root / "ILSVRC2012_img_val.tar").unlink(), "both are needed"),
        (lambda root: (root / "ILSVRC2012_img_train.tar").write_bytes(b"x" * 2048), "is not a tar"),
    ],
)
def test_missing_and_damaged_parts(official, spoil, message):
    spoil(official)
    with pytest.raises(InputError, match=message) as caught:
        open_dataset(str(official))
    assert "\n" not in str(caught.value)


def test_a_wrong_number_or_a_missing_line_is_never_a_label(flat):
    (flat / "ILSVRC2012_devkit_t12.tar.gz").unlink()
    data = flat / "devkit" / "data"
    data.mkdir(parents=True)
    (data / "meta.mat").write_bytes(meta_mat())
    truth = data / "ILSVRC2012_validation_ground_truth.txt"
    for text, message in {"1\n2\n9\n4\n4\n3\n2\n1\n": "line 3", "3\n1\n": "no label for", "3\nx\n": "line 2"}.items():
        truth.write_text(text)
        with pytest.raises(InputError, match=message):
            open_dataset(str(flat))
    truth.write_text("\n".join(map(str, TRUTH)))
    assert len(open_dataset(str(flat)).val) == 8
    (data / "meta.mat").write_bytes(meta_mat()[:200])
    with pytest.raises(InputError, match=r"meta\.mat cannot be read"):
        open_dataset(str(flat))


@pytest.mark.parametrize("word", ["²", "٣", "9" * 5000])
def test_what_only_looks_like_a_number_is_no_class(word):
    from topfive.benchmark.data.layouts.imagenet_labels import devkit_truth

    with pytest.raises(InputError, match=r"line 1 of ILSVRC2012_validation_ground_truth\.txt is"):
        devkit_truth(Path("devkit"), f"{word}\n", meta_mat())
