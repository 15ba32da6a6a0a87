"""No picture stands on both sides of a drawn split; pictures that look alike are counted, and kept apart on request."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.near import perceptual_hash, small
from topfive.benchmark.data.tools.inspect import inspect
from topfive.benchmark.errors import InputError

from tests.benchmark.data.conftest import picture, write
from tests.benchmark.data.made import count, folders, picture_file, pixels_of


def sides(data) -> tuple[set[bytes], set[bytes]]:
    train, val = ({split.images[i].tobytes() for i in range(len(split))} for split in (data.train, data.val))
    return train, val


@pytest.mark.parametrize("seed", range(5))
def test_copies_stay_on_one_side(tmp_path, seed):
    root = folders(tmp_path / "im")
    for file in list(root.rglob("*.jpg")):
        shutil.copy(file, file.with_name("copy of " + file.name))
    data = open_dataset(str(root), seed=seed)
    train, val = sides(data)
    assert not train & val
    assert count(data.val, data.classes) == {"cat": 4, "dog": 4}
    assert any("20 of 40 images are copies, byte for byte, of another" in note for note in data.notes)
    assert inspect(str(root)).leaks == ()


def test_a_split_without_copies_is_drawn_as_ever(tmp_path):
    """Only the classes that hold copies are drawn anew."""
    root = folders(tmp_path / "im", ("ape", "bee", "cat"))
    before = open_dataset(str(root))
    shutil.copy(root / "cat/cat_0.jpg", root / "cat/again.jpg")
    after = open_dataset(str(root))
    for name in ("ape", "bee"):
        assert [i for i in before.val.ids if i.startswith(name)] == [i for i in after.val.ids if i.startswith(name)]
    assert count(after.val, after.classes) == {"ape": 2, "bee": 2, "cat": 2}


@pytest.mark.parametrize("seed", range(5))
def test_copies_under_two_labels_stay_on_one_side(tmp_path, seed):
    root = folders(tmp_path / "im")
    for i in range(6):
        shutil.copy(root / f"cat/cat_{i}.jpg", root / f"dog/like_cat_{i}.jpg")
    data = open_dataset(str(root), seed=seed)
    train, val = sides(data)
    assert not train & val
    assert min(np.bincount(data.val.labels, minlength=2)) >= 1
    assert len(data.train) + len(data.val) == 26


def test_many_copies_of_one_picture(tmp_path):
    root = folders(tmp_path / "im", k=4)
    for i in range(6):
        write(root / f"cat/same_{i}.jpg", picture_file(999))
    for seed in range(6):
        data = open_dataset(str(root), seed=seed)
        assert not set.intersection(*sides(data))
        assert count(data.val, data.classes) == {"cat": 2, "dog": 1}
    for file in (root / "cat").glob("cat_*"):
        file.unlink()
    with pytest.raises(InputError, match="the class 'cat' has no validation images"):
        open_dataset(str(root))


def test_empty_files_are_no_copies(tmp_path):
    root = folders(tmp_path / "im")
    for i in range(3):
        write(root / f"cat/empty_{i}.jpg", b"")
    notes = open_dataset(str(root), allow_unreadable=True).notes
    assert not any("byte for byte" in note for note in notes)


def test_equal_ends_are_no_copies(tmp_path):
    root = folders(tmp_path / "im", k=4)
    whole = picture_file(1, "BMP", 90)
    other = bytearray(whole)
    other[len(whole) // 2] ^= 1
    write(root / "cat/one.bmp", whole)
    write(root / "cat/two.bmp", bytes(other))
    assert not any("byte for byte" in note for note in open_dataset(str(root)).notes)


def again(image: np.ndarray, form: str = "JPEG", side: float = 1.0, **options: int) -> bytes:
    file = io.BytesIO()
    pil = Image.fromarray(image)
    pil.resize((round(pil.width * side), round(pil.height * side))).save(file, form, **options)
    return file.getvalue()


@pytest.fixture
def alike(tmp_path) -> Path:
    """20 pictures a class, half of which are there twice: compressed again, or smaller."""
    for c, name in enumerate(("cat", "dog")):
        for i in range(20):
            image = picture(100 * c + i, 120, 160)
            write(tmp_path / f"im/{name}/{name}_{i}.png", again(image, "PNG"))
            if i < 10:
                change = {"quality": 60} if i % 2 else {"quality": 80, "side": 0.5}
                write(tmp_path / f"im/{name}/{name}_{i}_again.jpg", again(image, **change))
    return tmp_path / "im"


def original(name: str) -> str:
    return name.removesuffix("_again")


def test_look_alikes_are_counted_and_kept_apart_on_request(alike):
    plain = open_dataset(str(alike))
    both = {original(name) for name in plain.train.ids} & {original(name) for name in plain.val.ids}
    seen = inspect(str(alike))
    assert {original(val) for val, _ in seen.near} == both != set()
    assert all(original(val) == original(train) for val, train in seen.near)
    assert f"look alike   {len(seen.near)}" in seen.text()
    data = open_dataset(str(alike), near_duplicates="one-side")
    assert not {original(name) for name in data.train.ids} & {original(name) for name in data.val.ids}
    assert count(data.val, data.classes) == {"cat": 6, "dog": 6}
    assert any("40 images look like another" in note for note in data.notes)


def test_look_alikes_of_given_splits_leave_training(alike, tmp_path):
    for file in alike.rglob("*.*"):
        split = "val" if file.stem.endswith("_again") else "train"
        write(tmp_path / "given" / split / file.parent.name / file.name, file.read_bytes())
    root = tmp_path / "given"
    assert len(inspect(str(root)).near) == 20
    assert len(open_dataset(str(root)).train) == 40
    data = open_dataset(str(root), near_duplicates="one-side")
    assert (len(data.train), len(data.val)) == (20, 20)
    assert any("20 training images that look like one for validation are left out" in note for note in data.notes)
    with pytest.raises(InputError, match="near_duplicates=one-side"):
        open_dataset(str(root), near_duplicates=True)


def test_identical_bytes_are_leaks_and_not_look_alikes(tmp_path):
    for split, start in (("train", 0), ("val", 50)):
        folders(tmp_path / split, k=5, start=start)
    shutil.copy(tmp_path / "train/cat/cat_0.jpg", tmp_path / "val/cat/leak.jpg")
    seen = inspect(str(tmp_path))
    assert seen.leaks == (("leak", "cat_0"),)
    assert seen.near == ()


def test_the_hash_by_hand():
    ramp = np.repeat(np.arange(0, 256, 8, dtype=np.uint8)[None], 32, axis=0)
    assert perceptual_hash(ramp) == int("1" * 30 + "0" * 34, 2)  # brighter to the right, alike from top to bottom
    assert perceptual_hash(ramp.T) == int("0" * 30 + "1" * 30 + "0" * 4, 2)
    assert perceptual_hash(ramp[:, ::-1]) == 0
    noise = [perceptual_hash(small(picture(i))) for i in range(30)]
    apart = [bin(a ^ b).count("1") for i, a in enumerate(noise) for b in noise[:i]]
    assert min(apart) > 8
    assert 26 < np.mean(apart) < 34


def test_photographs_of_a_pack_are_split_without_copies(tmp_path):
    from topfive.benchmark.data.tools.pack import pack

    root = folders(tmp_path / "im")
    for file in list(root.rglob("*.jpg")):
        shutil.copy(file, file.with_name("copy of " + file.name))
    packed = open_dataset(str(pack(str(root), 256, str(tmp_path / "im.pack"))))
    assert packed.fingerprint == open_dataset(str(root)).fingerprint
    assert not set.intersection(*sides(packed))
    assert len(pixels_of(packed)["cat"]) == 20
