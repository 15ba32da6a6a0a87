"""A pack holds what was packed, and is a data set like any other."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.tools.pack import pack
from topfive.benchmark.errors import InputError


def test_small_images_are_kept_byte_for_byte(tiny, tmp_path):
    out = pack(str(tiny), 64, str(tmp_path / "tiny.pack"))
    plain, packed = open_dataset(str(tiny)), open_dataset(str(out))
    assert packed.layout == "pack"
    assert packed.name == "tiny"
    assert packed.fingerprint == plain.fingerprint
    assert list(packed.val.ids) == list(plain.val.ids)
    assert np.array_equal(packed.train.images[5], plain.train.images[5])
    assert packed.class_names == plain.class_names


def test_large_images_are_shrunk_as_the_loader_would(class_folders, tmp_path):
    root = class_folders("pets", ("train", "val"))
    photo = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8), (800, 600))
    (root / "train" / "cat" / "large.png").write_bytes(cv2.imencode(".png", photo)[1].tobytes())
    out = pack(str(root), 40, str(tmp_path / "pets.pack"))
    plain, packed = open_dataset(str(root)), open_dataset(str(out))
    place = list(packed.train.ids).index("large")
    assert packed.train.images[place].shape == (40, 53, 3)
    ours = next(packed.train.images.batches(1, side=40, order=[place]))[0].astype(int)
    reference = next(plain.train.images.batches(1, side=40, order=[place]))[0]
    assert np.abs(ours - reference).mean() < 2


def test_unreadable_images_are_left_out_and_splits_stay_open(class_folders, tmp_path):
    root = class_folders("pets", n=10)
    (root / "cat" / "bad.jpg").write_bytes(b"")
    data = open_dataset(str(pack(str(root), 32, str(tmp_path / "pets.pack"))), seed=4)
    assert len(data.train) + len(data.val) == 20
    assert not data.problems
    (root / "cat" / "bad.jpg").unlink()
    assert list(data.val.ids) == list(open_dataset(str(root), seed=4).val.ids)


def test_nothing_is_written_over_and_damage_is_said(tiny, tmp_path):
    out = tmp_path / "tiny.pack"
    pack(str(tiny), 64, str(out))
    with pytest.raises(InputError, match="there already"):
        pack(str(tiny), 64, str(out))
    with pytest.raises(InputError, match="does not exist"):
        pack(str(tiny), 64, str(tmp_path / "no" / "tiny.pack"))
    whole = out.read_bytes()
    for damaged in (whole[:-5], whole[:100], whole[:-200] + b"x" + whole[-199:]):
        out.write_bytes(damaged)
        with pytest.raises(InputError, match="pack it again") as caught:
            open_dataset(str(out))
        assert "\n" not in str(caught.value)
