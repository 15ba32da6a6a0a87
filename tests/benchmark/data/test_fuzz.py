"""Whatever the bytes on the disk: an answer or one clear line, never a traceback, and never a wrong label."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from topfive.benchmark.data import open_dataset, opening
from topfive.benchmark.data.decode import Unreadable, decode, outline, size
from topfive.benchmark.data.layouts import cifar, imagenet_labels
from topfive.benchmark.data.storage.index import read
from topfive.benchmark.errors import InputError

QUICK = settings(max_examples=40, deadline=5000, suppress_health_check=list(HealthCheck), derandomize=True)
CLASSES = ("ape", "bee", "cow")


def tint(c: int) -> np.ndarray:
    """A picture whose strongest channel is its class."""
    image = np.full((16, 16, 3), 20, np.uint8)
    image[..., c] = 230
    return image


FILES = {
    form: [cv2.imencode(f".{form}", tint(c)[..., ::-1])[1].tobytes() for c in range(3)]
    for form in ("jpg", "png", "bmp")
}


@st.composite
def spoiled(draw: st.DrawFn, whole: bytes) -> bytes:
    """Cut, grown, or with a few bytes changed."""
    data = bytearray(whole[: draw(st.integers(0, len(whole)))] if draw(st.booleans()) else whole)
    for _ in range(draw(st.integers(0, 6))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data) + draw(st.binary(max_size=16))


def outcome(call: Callable[[], Any]) -> Any:
    """What the call answers, or None where it says in one line why not."""
    try:
        return call()
    except (InputError, Unreadable) as error:
        message = str(error)
    assert message
    assert "\n" not in message
    return None


@QUICK
@given(
    data=st.sampled_from([data for made in FILES.values() for data in made]).flatmap(spoiled) | st.binary(max_size=300)
)
def test_any_bytes_are_an_image_or_unreadable(data):
    outline(data[:4096], data[-4096:])
    image = outcome(lambda: decode(data))
    if image is None:
        return
    height, width = size(data)
    assert image.dtype == np.uint8
    assert sorted(image.shape) == sorted((height, width, 3))


def files(form: str) -> dict[str, bytes]:
    return {
        f"{split}/{name}/{name}_{split}{i}.{form}": FILES[form][c]
        for split in ("train", "val")
        for c, name in enumerate(CLASSES)
        for i in range(2)
    }


def tarred(content: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def gzipped(content: dict[str, bytes]) -> bytes:
    import gzip

    return gzip.compress(tarred(content), mtime=0)


def zipped(content: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return file.getvalue()


def tiny() -> dict[str, bytes]:
    wnids = ("n00000001", "n00000002", "n00000003")
    content = {"wnids.txt": "\n".join(wnids).encode(), "words.txt": b"n00000001\tape\n"}
    lines = ""
    for c, wnid in enumerate(wnids):
        for i in range(2):
            content[f"train/{wnid}/images/{wnid}_{i}.JPEG"] = FILES["jpg"][c]
            content[f"val/images/val_{2 * c + i}.JPEG"] = FILES["jpg"][c]
            lines += f"val_{2 * c + i}.JPEG\t{wnid}\t0\t0\t9\t9\n"
    return content | {"val/val_annotations.txt": lines.encode()}


def webdataset() -> dict[str, bytes]:
    content = {}
    for i in range(9):
        content |= {f"{i:04d}.jpg": FILES["jpg"][i % 3], f"{i:04d}.cls": str(i % 3).encode()}
    return content


ARCHIVES = {
    "set.tar": tarred(files("png")),
    "set.tar.gz": gzipped(files("jpg")),
    "set.zip": zipped(files("bmp")),
    "tiny.tar": tarred(tiny()),
    "tiny.zip": zipped(tiny()),
    "web.tar": tarred(webdataset()),
}


def never_a_wrong_label(path: Path) -> None:
    data = outcome(lambda: open_dataset(str(path), allow_unreadable=True))
    if data is None:
        return
    for split in (data.train, data.val):
        for i in range(len(split)):
            image = split.images[i]
            c = int(image.mean((0, 1)).argmax())
            # A damaged name may make a class of its own; an undamaged one means what it says.
            name = data.classes[split.labels[i]]
            known = {**dict(zip(CLASSES, range(3), strict=True)), **{f"n0000000{k + 1}": k for k in range(3)}}
            known |= {str(k): k for k in range(3)}
            if image.shape == (16, 16, 3) and name in known and np.ptp(image.mean((0, 1))) > 150:
                assert known[name] == c


@pytest.mark.parametrize("name", ARCHIVES)
@QUICK
@given(draw=st.data())
def test_damaged_archives(name, draw, tmp_path_factory):
    whole = ARCHIVES[name]
    data = draw.draw(spoiled(whole))
    # Damage inside an image's own bytes may recolour it; only what describes the images may not lie about them.
    path = tmp_path_factory.mktemp("fuzz") / name
    path.write_bytes(data)
    never_a_wrong_label(path)


TEXTS = {
    "val/val_annotations.txt": tiny(),
    "wnids.txt": tiny(),
    "words.txt": tiny(),
}


@pytest.mark.parametrize("name", TEXTS)
@QUICK
@given(draw=st.data())
def test_damaged_lists(name, draw, tmp_path_factory):
    content = TEXTS[name]
    changed = draw.draw(spoiled(content[name]))
    root = tmp_path_factory.mktemp("fuzz")
    for file, data in (content | {name: changed}).items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(data)
    data = outcome(lambda: open_dataset(str(root), allow_unreadable=True))
    if data is None:
        return
    truth = {
        line.split("\t")[0]: line.split("\t")[1]
        for line in changed.decode("utf-8", "replace").splitlines()
        if "\t" in line
    }
    if name == "val/val_annotations.txt":
        for image, label in zip(data.val.ids, data.val.labels, strict=True):
            assert data.classes[label] == truth[f"{image}.JPEG"]


MANIFESTS = {
    "list.csv": "path,label,split\n" + "".join(f"{n},{n.split('/')[1]},{n.split('/')[0]}\n" for n in files("png")),
    "list.jsonl": "".join(
        json.dumps({"path": n, "label": n.split("/")[1], "split": n.split("/")[0]}) + "\n" for n in files("png")
    ),
}


@pytest.mark.parametrize("name", MANIFESTS)
@QUICK
@given(draw=st.data())
def test_damaged_manifests(name, draw, tmp_path_factory):
    root = tmp_path_factory.mktemp("fuzz")
    for file, data in files("png").items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(data)
    (root / name).write_bytes(draw.draw(spoiled(MANIFESTS[name].encode())))
    outcome(lambda: open_dataset(str(root / name), allow_unreadable=True))


@QUICK
@given(draw=st.data())
def test_damaged_parquet(draw, tmp_path_factory):
    import pandas as pd

    file = io.BytesIO()
    rows = [{"image": {"bytes": FILES["png"][i % 3], "path": f"{i}.png"}, "label": i % 3} for i in range(9)]
    pd.DataFrame(rows).to_parquet(file)
    path = tmp_path_factory.mktemp("fuzz") / "set.parquet"
    path.write_bytes(draw.draw(spoiled(file.getvalue())))
    outcome(lambda: open_dataset(str(path), allow_unreadable=True))


@QUICK
@given(draw=st.data())
def test_damaged_pickles_and_devkits(draw):
    import pickle

    import scipy.io

    batch = pickle.dumps({b"data": np.zeros((2, 12), np.uint8), b"labels": [0, 1]}, 2)

    class Tree:
        path = Path("a")

        @staticmethod
        def bytes(name: str, limit: int) -> bytes:
            return draw.draw(spoiled(batch))

    synsets = np.zeros((2, 1), [("ILSVRC2012_ID", object), ("WNID", object)])
    for i in range(2):
        synsets[i, 0] = (np.array([[i + 1]]), f"n0000000{i}")
    meta = io.BytesIO()
    scipy.io.savemat(meta, {"synsets": synsets}, do_compression=draw.draw(st.booleans()))
    outcome(lambda: cifar._load(Tree(), "data_batch_1"))
    outcome(lambda: imagenet_labels.read_meta(Path("a"), draw.draw(spoiled(meta.getvalue()))))


@QUICK
@given(draw=st.data())
def test_damaged_indexes_are_made_anew(draw):
    from topfive.benchmark.data.storage.found import Found, FoundSplit
    from topfive.benchmark.data.storage.ids import Ids
    from topfive.benchmark.data.storage.index import write
    from topfive.benchmark.data.storage.stored import RAW, Listing

    listing = Listing()
    listing.add("a", 0, 1, 1, RAW)
    file = io.BytesIO()
    write(Found("x", ("a",), ("a",), {"all": FoundSplit(listing.stored("c"), np.zeros(1, np.int64), Ids(["a"]))}), file)
    whole = file.getvalue()
    cut = whole[: draw.draw(st.integers(0, len(whole) - 1))]
    assert read(io.BytesIO(cut)) is None
    assert read(io.BytesIO(whole)) is not None


@QUICK
@given(name=st.text(max_size=12), value=st.text(max_size=12) | st.integers() | st.booleans())
def test_any_parameter_is_one_line(name, value):
    with pytest.raises(InputError) as caught:
        opening.open_dataset("photos", **{"classes": value, f"x{name}": 1})
    assert "\n" not in str(caught.value)
