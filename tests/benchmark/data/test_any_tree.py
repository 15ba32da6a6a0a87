"""Any tree of any layout: every file is counted or named as left out, every label is the planted one, and a folder, a
tar, a tar.gz and a zip of one tree are one data set, links and repeated members included."""

from __future__ import annotations

import csv
import io
import os
import pickle
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from topfive.benchmark.data import Dataset, open_dataset
from topfive.benchmark.data.tools.export import export
from topfive.benchmark.data.tools.inspect import inspect

from tests.benchmark.data.conftest import write
from tests.benchmark.data.made import official, samples, shard, tar, zipped

SOME = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # shrinking a tree takes minutes
)
CLASSES = ("cat", "dog", "caf\u00e9", "train station", "7", "10", "n01443537", "x.y")
SPLITS = (
    ("train", "val"),
    ("Training", "Testing"),
    ("seg_train/seg_train", "seg_test/seg_test"),
    ("img_train", "img_val"),
)


def image(number: int, ending: str = ".png") -> bytes:
    """A picture that says its number in its red and blue channels."""
    pixels = np.full((6, 6, 3), (number % 256, 3 * number % 256, number // 256), np.uint8)  # BGR
    return cv2.imencode(ending if ending in (".png", ".bmp") else ".png", pixels)[1].tobytes()


def number_of(pixels: np.ndarray) -> int:
    return int(pixels[0, 0, 2]) + 256 * int(pixels[0, 0, 0])


@dataclass
class Planted:
    """labels: number of a picture → its class, for each that is used, as often as it is. files: how many there are."""

    labels: list[tuple[int, str]] = field(default_factory=list)
    files: int = 0


@st.composite
def trees(draw: st.DrawFn) -> Callable[[Path], Planted]:
    """Writes a tree of class folders, and says what it planted."""
    classes = draw(st.lists(st.sampled_from(CLASSES), min_size=2, max_size=4, unique=True))
    splits = draw(st.sampled_from([("",), *SPLITS]))
    endings = draw(st.lists(st.sampled_from([".png", ".bmp", "", ".PNG", ".dat"]), min_size=1, max_size=3))
    counts = draw(st.lists(st.integers(2, 5), min_size=8, max_size=8))
    deeper = draw(st.booleans())
    extras = draw(st.sets(st.sampled_from(sorted(EXTRAS))))

    def plant(root: Path) -> Planted:
        planted, number = Planted(), 0
        for s, split in enumerate(splits):
            for c, group in enumerate(classes):
                for i in range(counts[(4 * s + c) % 8]):
                    number += 1
                    inner = f"{group}_in" if deeper and i % 2 else ""
                    ending = endings[i % len(endings)]
                    write(root / split / group / inner / f"{number}_{i}{ending}", image(number, ending))
                    planted.labels.append((number, group))
        for extra in sorted(extras):
            EXTRAS[extra](root, root / splits[0] / classes[0], classes[0], planted)
        planted.files = sum(len(files) for _, _, files in os.walk(root, followlinks=True))
        return planted

    return plant


def first_file(folder: Path) -> tuple[Path, int]:
    """A file in a class folder, and the number of its picture."""
    file = min(path for path in folder.iterdir() if path.is_file() and path.name[:1].isdigit())
    return file, int(file.name.partition("_")[0])


def _hidden(root: Path, folder: Path, group: str, planted: Planted) -> None:
    write(folder / ".DS_Store", b"x")
    write(folder / "@eaDir/thumb.png", image(999))
    write(root / "__MACOSX/._x.png", image(998))


def _texts(root: Path, folder: Path, group: str, planted: Planted) -> None:
    write(root / "readme.md", "what it is")
    write(folder / "labels.xml", "<a/>")


def _foreign(root: Path, folder: Path, group: str, planted: Planted) -> None:
    write(folder / "other.jxl", b"\xff\x0a" + bytes(9))
    write(root / "clip.tga", bytes(9))


def _stray(root: Path, folder: Path, group: str, planted: Planted) -> None:
    write(root / "teaser.png", image(997))


def _symbolic(root: Path, folder: Path, group: str, planted: Planted) -> None:
    file, number = first_file(folder)
    os.symlink(file.name, folder / f"link{file.suffix}")
    planted.labels.append((number, group))


def _hard(root: Path, folder: Path, group: str, planted: Planted) -> None:
    file, number = first_file(folder)
    os.link(file, folder / f"hard{file.suffix}")
    planted.labels.append((number, group))


def _linked_folder(root: Path, folder: Path, group: str, planted: Planted) -> None:
    write(root / ".store/900.png", image(900))
    os.symlink(os.path.relpath(root / ".store", folder), folder / "linked")
    planted.labels.append((900, group))


def _loop(root: Path, folder: Path, group: str, planted: Planted) -> None:
    os.symlink(".", folder / "again")


def _empty(root: Path, folder: Path, group: str, planted: Planted) -> None:
    (folder.parent / "nothing").mkdir()


EXTRAS = {
    name[1:]: one
    for name, one in list(globals().items())
    if name in ("_hidden", "_texts", "_foreign", "_stray", "_symbolic", "_hard", "_linked_folder", "_empty")
}


def as_tar(root: Path, path: Path, old: list[Path]) -> Path:
    """The tree as a tar; ``old`` are there once more, earlier and with other bytes."""
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for file in old:
            member = tarfile.TarInfo(f"set/{file.relative_to(root)}")
            member.size = len(image(800))
            archive.addfile(member, io.BytesIO(image(800)))
        archive.add(root, "set")
    return path


def as_zip(root: Path, path: Path, old: list[Path]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in old:
            archive.writestr(str(file.relative_to(root)), image(800))
        for place, folders, files in os.walk(root):
            for name in (*folders, *files):
                file = Path(place) / name
                inner = str(file.relative_to(root))
                if file.is_symlink():
                    member = zipfile.ZipInfo(inner)
                    member.create_system, member.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
                    archive.writestr(member, os.readlink(file))
                elif file.is_dir():
                    archive.writestr(inner + "/", b"")
                else:
                    archive.writestr(inner, file.read_bytes())
    return path


@contextmanager
def new_folder() -> Iterator[Path]:
    """With a cache of its own."""
    root = Path(tempfile.mkdtemp())
    before = os.environ["TOPFIVE_CACHE"]
    os.environ["TOPFIVE_CACHE"] = str(root / "cache")
    try:
        yield root
    finally:
        os.environ["TOPFIVE_CACHE"] = before
        shutil.rmtree(root)


def check(path: Path, planted: Planted, out: Path) -> Dataset:
    """Counts and labels of a data set, by what ``inspect`` and ``export`` say."""
    seen = inspect(str(path))
    assert seen.error is None
    counted = sum(facts.images for facts in seen.splits.values())
    left_out = sum(one.count for one in seen.left_out)
    assert counted == len(planted.labels)
    assert counted + left_out == planted.files
    folder = export(open_dataset(str(path)), str(out))
    exported = []
    for name in ("train.csv", "val.csv"):
        with open(folder / name, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                pixels = cv2.imdecode(
                    np.frombuffer((folder / row["path"]).read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB
                )
                exported.append((number_of(pixels), row["label"]))
    assert Counter(exported) == Counter(planted.labels)
    return open_dataset(str(path))


@SOME
@given(plant=trees(), repeated=st.booleans(), loops=st.booleans())
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_trees_of_class_folders(plant, repeated, loops):
    with new_folder() as root:
        planted = plant(root / "set")
        old = sorted(path for path in (root / "set").rglob("1_*"))[: int(repeated)]
        if loops:
            _loop(root / "set", old[0].parent if old else root / "set", "", planted)
        data = check(root / "set", planted, root / "out")
        for make, name in ((as_tar, "set.tar"), (as_tar, "set.tar.gz"), (as_zip, "set.zip")):
            archive = open_dataset(str(make(root / "set", root / name, old)))
            assert archive.fingerprint == data.fingerprint
            assert {one.reason: one.count for one in archive.left_out} == {
                one.reason: one.count for one in data.left_out
            }
            assert archive.notes == data.notes


Numbered = list[tuple[int, str]]


def webdataset(root: Path, train: Numbered, val: Numbered, dotted: bool) -> int:
    files = 0
    for split, rows in (("train", train), ("val", val)):
        for part in range(2):
            items = []
            for number, label in rows[part::2]:
                key = f"shoot.{number}" if dotted else f"{number}"
                items += [(f"{key}.png", image(number)), (f"{key}.cls", label.encode())]
                items += [(f"{key}.json", b"{}")] if number % 3 else []
            tar(root / f"x-{split}-{part}.tar", items)
            files += len(items)
    return files


def parquet(root: Path, train: Numbered, val: Numbered, listed: bool) -> int:
    import pyarrow
    import pyarrow.parquet

    for split, rows in (("train", train), ("validation", val)):
        names = sorted({label for _, label in rows}, reverse=split == "train")
        own = [(number, names.index(label)) if listed else (number, label) for number, label in rows]
        path = shard(root / f"data/{split}-00000-of-00001.parquet", own, names if listed else None)
        table = pyarrow.parquet.read_table(path)
        kind = table.schema.field("image").type
        images = pyarrow.array([{"bytes": image(number), "path": f"{number}.png"} for number, _ in rows], kind)
        pyarrow.parquet.write_table(table.set_column(0, table.schema.field("image"), images), path)
    return len(train) + len(val)


def manifest(root: Path, train: Numbered, val: Numbered, headed: bool) -> int:
    rows = []
    for split, numbered in (("train", train), ("val", val)):
        for number, label in numbered:
            write(root / f"im/{number}.png", image(number))
            rows.append((f"im/{number}.png", label, split))
    delimiter = ";" if headed else ","
    with open(root / "list.csv", "w", encoding="utf-8", newline="") as file:
        header = ("file_name", "class", " Subset") if headed else ("path", "label", "split")
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])
    return len(rows)


def metadata(root: Path, train: Numbered, val: Numbered, spare: bool) -> int:
    for split, numbered in (("train", train), ("test", val)):
        for number, _ in numbered:
            write(root / split / f"{number}.png", image(number))
        lines = "".join(f"{number}.png,{label}\n" for number, label in numbered)
        write(root / split / "metadata.csv", "file_name,label\n" + lines)
    if spare:
        write(root / "train/spare.png", image(990))
    return len(train) + len(val) + int(spare)


def tiny(root: Path, train: Numbered, val: Numbered, unlabelled: bool) -> int:
    write(root / "wnids.txt", "\n".join({label: None for _, label in train}))
    for number, label in train:
        write(root / f"train/{label}/images/{number}.JPEG", image(number))
    lines = ""
    for number, label in val:
        write(root / f"val/images/{number}.JPEG", image(number))
        lines += f"{number}.JPEG\t{label}\t0\n"
    write(root / "val/val_annotations.txt", lines)
    if unlabelled:
        write(root / "test/images/1.JPEG", image(991))
    return len(train) + len(val) + 2 + int(unlabelled)


def food101(root: Path, train: Numbered, val: Numbered, spare: bool) -> int:
    for name, numbered in (("train", train), ("test", val)):
        for number, label in numbered:
            write(root / f"images/{label}/{number}.png", image(number))
        write(root / f"meta/{name}.txt", "".join(f"{label}/{number}\n" for number, label in numbered))
    if spare:
        write(root / f"images/{train[0][1]}/spare.png", image(992))
    return len(train) + len(val) + 2 + int(spare)


def splits_inside(root: Path, train: Numbered, val: Numbered, deeper: bool) -> int:
    for split, numbered in (("train", train), ("test", val)):
        for number, label in numbered:
            write(root / label / split / f"{number}.png", image(number))
    return len(train) + len(val)


def cifar(root: Path, train: Numbered, val: Numbered, readme: bool) -> int:
    names = sorted({label for _, label in train})
    write(root / "batches.meta", pickle.dumps({b"label_names": [name.encode() for name in names]}, 2))
    batches = [train[i::5] for i in range(5)] + [val]
    for name, rows in zip([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"], batches, strict=True):
        planes = [(number // 256, 0, number % 256) for number, _ in rows]
        data = np.repeat(np.array(planes, np.uint8), 1024, axis=1)
        content = {b"data": data, b"labels": [names.index(label) for _, label in rows]}
        write(root / name, pickle.dumps(content | {b"filenames": [b"%d.png" % number for number, _ in rows]}, 2))
    if readme:
        write(root / "readme.html", "<p>")
    return len(train) + len(val) + int(readme)


LAYOUTS = (webdataset, parquet, manifest, metadata, tiny, food101, splits_inside, cifar)
WORDS = ("cat", "dog", "caf\u00e9", "7", "10", "n01443537")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@settings(SOME, max_examples=6)
@given(
    classes=st.lists(st.sampled_from(WORDS), min_size=2, max_size=4, unique=True),
    counts=st.tuples(st.integers(3, 4), st.integers(1, 3)),
    way=st.booleans(),
    extra=st.booleans(),
)
def test_other_layouts(layout, classes, counts, way, extra):
    rows, number = [], 0
    for count in counts:
        some = []
        for label in classes:
            for _ in range(count):
                number += 1
                some.append((number, label))
        rows.append(some[::2] + some[1::2])
    with new_folder() as root:
        files = layout(root / "set", *rows, way)
        if extra and layout is not manifest:
            write(root / "set/NOTES", "hello")
            write(root / "set/.hidden", "hello")
            files += 2
        path = root / "set/list.csv" if layout is manifest else root / "set"
        data = check(path, Planted(rows[0] + rows[1], files), root / "out")
        assert [len(data.train), len(data.val)] == [len(rows[0]), len(rows[1])]


@settings(SOME, max_examples=4)
@given(extracted=st.booleans(), stray=st.booleans())
def test_official_archives(extracted, stray):
    with new_folder() as root:
        place = official(root / "set", extracted=extracted)
        if stray:
            write(place / "notes.txt", "x")
        seen = inspect(str(place))
        assert seen.error is None
        assert sum(facts.images for facts in seen.splits.values()) == 8
        # The devkit is a file beside them.
        assert sum(one.count for one in seen.left_out) == 1 + 8 * extracted + stray


def test_what_is_drawn_is_what_is_meant():
    """The pictures of these tests say their numbers, whatever they are stored as."""
    for number in (1, 255, 256, 999):
        for ending in (".png", ".bmp"):
            pixels = cv2.imdecode(np.frombuffer(image(number, ending), np.uint8), cv2.IMREAD_COLOR_RGB)
            assert number_of(pixels) == number
    assert len(samples([("a", "b")])) == 2
    assert zipped is not None
