"""``inspect`` says what is there, in numbers that can be counted."""

from __future__ import annotations

import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.tools.inspect import inspect
from topfive.benchmark.errors import InputError


def test_facts_and_text(tiny):
    broken = tiny / "train/n01443537/images/n01443537_9.JPEG"
    broken.write_bytes(b"")
    leak = tiny / "val/images/val_0.JPEG"
    leak.write_bytes((tiny / "train/n01443537/images/n01443537_0.JPEG").read_bytes())
    seen = inspect(str(tiny))
    assert seen.layout == "Tiny ImageNet"
    assert seen.synsets
    assert seen.splits["train"].images == 13
    assert seen.splits["train"].per_class == (4, 4.0, 5)
    assert seen.splits["val"].height == (64.0, 64.0, 64.0)
    assert seen.splits["val"].formats == {"JPEG": 6}
    assert [(bad.split, bad.id, bad.reason) for bad in seen.problems] == [("train", "n01443537_9", "empty file")]
    assert seen.leaks == (("val_0", "n01443537_0"),)
    assert [(one.reason, one.count) for one in seen.left_out] == [("no image", 3), ("without a label", 1)]  # test/
    assert seen.error is not None
    assert seen.error.startswith(f"{tiny}: 1 of 19 images cannot be read")
    text = seen.text()
    for piece in ("Tiny ImageNet", "3: n01443537 (goldfish, Carassius auratus)", "val_0 (val) = n01443537_0 (train)"):
        assert piece in text
    broken.unlink()
    clean = inspect(str(tiny))
    assert clean.error is None
    assert clean.fingerprint == open_dataset(str(tiny)).fingerprint
    assert "unreadable   none" in clean.text()


def test_one_class_is_shown_and_said(class_folders):
    seen = inspect(str(class_folders("lonely", classes=("cat",))))
    assert seen.splits["all"].images == 5
    assert seen.fingerprint is None
    assert "one class only" in seen.text()


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="neither a file nor a folder, nor a data set that is known; known: photos"):
        inspect(str(tmp_path / "no"))
    (tmp_path / "shapes").mkdir()
    with pytest.raises(InputError) as caught:
        inspect(str(tmp_path / "shapess"))
    assert f"did you mean '{tmp_path / 'shapes'}'?" in str(caught.value)
    assert "`topfive data get`: tiny-imagenet, imagenette, cifar-10" in str(caught.value)
    with pytest.raises(InputError, match="`topfive data get tiny-imagenet` fetches it"):
        inspect("tiny-imagenet")


def test_a_relative_path_is_answered_by_a_relative_one(tmp_path, monkeypatch):
    (tmp_path / "shapes").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="did you mean 'shapes'"):
        inspect("shapess")


def test_what_has_a_name_can_be_looked_at():
    seen = inspect("photos")
    assert seen.splits["train"].per_class == (100, 100.0, 100)
    assert seen.splits["val"].images == 500
    assert seen.splits["val"].height == (64.0, 64.0, 64.0)
    assert seen.fingerprint == open_dataset("photos").fingerprint
    text = seen.text()
    assert "2,000 images, 100 each\n" in text
    assert "in memory, 64 × 64 pixels" in text
    assert "cannot run" not in text


def test_what_is_refused_says_the_whole_cure_and_nothing_of_being_left_out(class_folders):
    root = class_folders("shapes", n=20)
    (root / "cat" / "cat_3.jpg").write_bytes(b"")
    seen = inspect(str(root))
    assert seen.error == (
        f"{root}: 1 of 40 images cannot be read (first: cat_3: empty file); "
        f'-d "{root}[allow_unreadable=true]" goes on without them'
    )
    assert not any("left out" in note for note in seen.notes)
    assert any("set aside" in note for note in seen.notes)
    with pytest.raises(InputError) as caught:
        open_dataset(str(root), classes="cat+dog")
    cure = f'`topfive data inspect {root}` lists them, -d "{root}[allow_unreadable=true,classes=cat+dog]" goes on'
    assert cure in str(caught.value)
    notes = open_dataset(str(root), allow_unreadable=True).notes
    assert "1 of 40 images cannot be read and is left out for every contender." in notes
