"""``inspect`` says what is there, in numbers that can be counted."""

from __future__ import annotations

import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.inspect import inspect
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
    assert seen.ignored == 1  # test/ has no labels
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
    with pytest.raises(InputError, match="neither a file or folder"):
        inspect(str(tmp_path / "no"))
