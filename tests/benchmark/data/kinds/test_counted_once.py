"""Every image that is there counts once: archives beside their tree, repeated members, links, what programs leave."""

from __future__ import annotations

import os
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.storage.left_out import HIDDEN
from topfive.benchmark.data.storage.links import Link, settle
from topfive.benchmark.errors import InputError

from tests.benchmark.data.conftest import write
from tests.benchmark.data.made import (
    count,
    folders,
    official,
    picture_file,
    pixels_of,
    reasons,
    samples,
    shard,
    tar,
    zipped,
)

BIRDS = ("bird", "cat", "dog")


def test_archives_beside_the_tree_that_was_extracted_from_them(tmp_path):
    both, alone = official(tmp_path / "both", extracted=True), official(tmp_path / "alone")
    data = open_dataset(str(both))
    assert (len(data.train), len(data.val)) == (6, 2)
    assert data.fingerprint == open_dataset(str(alone)).fingerprint
    assert reasons(data) == {"no image": 1, "beside the archives, which are read instead": 8}


def test_an_archive_beside_the_tree_it_was_made_of(tmp_path):
    root = folders(tmp_path / "pets")
    fingerprint = open_dataset(str(root)).fingerprint
    zipped(root / "pets.zip", [(f"cat/{i}.jpg", picture_file(i)) for i in range(10)])
    tar(root / "web.tar", samples([(f"k{i}", "cat") for i in range(3)]))
    data = open_dataset(str(root))
    assert data.fingerprint == fingerprint
    assert reasons(data) == {"an archive inside a folder, not opened": 2}
    assert any("2 files: an archive" in note for note in data.notes)


def test_the_last_member_of_a_name_counts(tmp_path):
    names = [f"{group}/{i}.jpg" for group in ("cat", "dog") for i in range(10)]
    old = [(name, picture_file(500 + i)) for i, name in enumerate(names)]
    new = [("./" * (i % 2) + name, picture_file(i)) for i, name in enumerate(names)]
    plain = open_dataset(str(tar(tmp_path / "new.tar", new)))
    assert len(plain.train) + len(plain.val) == 20
    with pytest.warns(UserWarning, match="Duplicate name"):
        paths = [zipped(tmp_path / "twice.zip", old + [(name.removeprefix("./"), data) for name, data in new])]
    paths += [tar(tmp_path / "twice.tar", old + new), tar(tmp_path / "twice.tar.gz", old + new, "w:gz")]
    for path in paths:
        assert open_dataset(str(path)).fingerprint == plain.fingerprint


def test_links_in_a_tar_are_the_files_of_the_folder(tmp_path):
    root = folders(tmp_path / "x")
    for i in range(10):
        os.link(root / f"cat/cat_{i}.jpg", root / f"cat/more_{i}.jpg")
    os.symlink("dog_0.jpg", root / "dog/link.jpg")
    os.symlink("../dog/./link.jpg", root / "cat/far.jpg")
    os.symlink("dog", root / "hound")
    os.symlink("nowhere.jpg", root / "dog/broken.jpg")
    os.symlink("..", root / "dog/back")
    subprocess.run(["tar", "cf", tmp_path / "x.tar", "-C", tmp_path, "x"], check=True)
    data, archive = (open_dataset(str(tmp_path / name), allow_unreadable=True) for name in ("x", "x.tar"))
    counts = {name: len(images) for name, images in pixels_of(data).items()}
    assert counts == {"cat": 21, "dog": 11, "hound": 11}
    assert archive.fingerprint == data.fingerprint
    assert sorted(bad.id for bad in archive.problems) == ["dog/broken.jpg", "hound/broken.jpg"]


def test_links_in_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for i in range(10):
            archive.writestr(f"all/cat/{i}.jpg", picture_file(i))
            archive.writestr(f"all/dog/{i}.jpg", picture_file(100 + i))
        for group in ("cat", "dog"):
            member = zipfile.ZipInfo(f"train/{group}")
            member.create_system, member.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
            archive.writestr(member, f"../all/{group}")
            archive.writestr(f"val/{group}/v.jpg", picture_file(len(group) + ord(group[0])))
    data = open_dataset(str(tmp_path / "x.zip"))
    assert count(data.train, data.classes) == {"cat": 10, "dog": 10}
    assert len(data.val) == 2


def test_linked_class_folders(tmp_path):
    for split, source, k, start in (("train", "all", 6, 0), ("val", "held", 3, 50)):
        folders(tmp_path / source, k=k, start=start)
        (tmp_path / split).mkdir()
        for name in ("cat", "dog"):
            os.symlink(f"../{source}/{name}", tmp_path / split / name)
    data = open_dataset(str(tmp_path))
    assert data.classes == ("cat", "dog")
    assert (len(data.train), len(data.val)) == (12, 6)
    assert reasons(data) == {"in no folder of the splits": 18}


def test_two_paths_to_one_folder_are_two_whatever_their_order(tmp_path):
    for outer in ("a", "z"):  # a link before and after the folder that it leads to
        root = folders(tmp_path / outer, ("cat", "m"))
        os.symlink("m", root / ("b" if outer == "a" else "z"))
        assert {name: len(images) for name, images in pixels_of(open_dataset(str(root))).items()} == {
            "cat": 10,
            "m": 10,
            ("b" if outer == "a" else "z"): 10,
        }


def test_links_that_multiply_are_refused(tmp_path):
    for level in range(16):
        for name in "ab":
            (tmp_path / str(level)).mkdir(exist_ok=True)
            os.symlink(f"../{level + 1}", tmp_path / str(level) / name)
    folders(tmp_path / "16", k=1)
    with pytest.raises(InputError, match="links lead to more than"):
        open_dataset(str(tmp_path / "0"))
    links = [Link(1, f"{level}/{name}", f"../{level + 1}", False) for level in range(16) for name in "ab"]
    with pytest.raises(InputError, match="links lead to more than"):
        settle(["16/x.jpg"], links)


DEEP = {"d/e/x": 0, "f": 1, "d/e/m": 1, "l/x": 0, "l/m": 1}


@pytest.mark.parametrize(
    ("names", "links", "found"),
    [
        (["a/x", "a/x"], [], {"a/x": 1}),
        (["a/x"], [("b", "a", False)], {"a/x": 0, "b/x": 0}),
        (["a/x"], [("b/c", "../a", False)], {"a/x": 0, "b/c/x": 0}),
        (["a/x"], [("b", "../a", False)], {"a/x": 0, "b": -1}),  # out of the archive
        (["a/x"], [("b", "/a", False)], {"a/x": 0, "b": -1}),
        (["a/x"], [("a/b", ".", False)], {"a/x": 0}),  # back to where it lies
        (["a/x"], [("b", "c", False), ("c", "b", False)], {"a/x": 0, "b": -1, "c": -1}),
        (["a/x", "a/y"], [("b", "a/x", True)], {"a/x": 0, "a/y": 1, "b": 0}),
        (["d/e/x", "f"], [("l", "d/e", False), ("d/e/m", "../../f", False)], DEEP),
    ],
)  # fmt: skip
def test_links_by_hand(names, links, found):
    after = [Link(len(names), name, target, hard) for name, target, hard in links]
    assert dict(settle(names, after)) == found


def test_a_hard_link_keeps_what_was_there_before(tmp_path):
    """The second cat/a.jpg is another file; the link leads to the first, as tar leaves it."""
    assert dict(settle(["a", "a"], [Link(1, "b", "a", hard=True)])) == {"a": 1, "b": 0}


LEFT_BEHIND = (
    ".thumbnails/cat_0.jpg",
    "__MACOSX/cat/._cat_0.jpg",
    "cat/@eaDir/cat_0.jpg/SYNOPHOTO_THUMB_M.jpg",
    "$RECYCLE.BIN/S-1-5-21/$R0.jpg",
    "lost+found/#1234.jpg",
    "#recycle/cat/old.jpg",
    "System Volume Information/x.jpg",
    "cat/Thumbs.db",
    "cat/.DS_Store",
    ".Trash-1000/files/cat_1.jpg",
)


def test_what_programs_leave_behind_is_no_class_in_any_container(tmp_path):
    root = folders(tmp_path / "pets")
    fingerprint = open_dataset(str(root)).fingerprint
    for i, name in enumerate(LEFT_BEHIND):
        write(root / name, picture_file(300 + i))
    everything = [
        (str(file.relative_to(root)), file.read_bytes()) for file in sorted(root.rglob("*")) if file.is_file()
    ]
    for path in (
        root,
        tar(tmp_path / "pets.tar", everything),
        zipped(tmp_path / "pets.zip", everything),
    ):
        data = open_dataset(str(path))
        assert data.fingerprint == fingerprint
        assert reasons(data) == {HIDDEN: len(LEFT_BEHIND)}


def test_hidden_files_that_come_later_are_counted_and_nothing_is_looked_at_again(tmp_path, caplog):
    root = folders(tmp_path / "pets")
    open_dataset(str(root))
    write(root / ".DS_Store", b"x")
    with caplog.at_level("INFO", "topfive.data"):
        assert reasons(open_dataset(str(root))) == {HIDDEN: 1}
    assert not caplog.records


def test_one_picture_a_sample(tmp_path):
    items = []
    for i in range(20):
        key, group = f"{i:04d}", ("cat", "dog")[i % 2]
        items += [(f"{key}.seg.png", picture_file(200 + i, "PNG")), *samples([(key, group)], i)]
        items += [(f"{key}.json", b"{}")]
    data = open_dataset(str(tar(tmp_path / "two.tar", items)))
    plain = open_dataset(str(tar(tmp_path / "one.tar", [item for item in items if "seg" not in item[0]])))
    assert data.fingerprint == plain.fingerprint
    assert len(data.train) + len(data.val) == 20
    assert reasons(data) == {"the second picture of a sample": 20, "no image": 40}


def test_the_picture_that_most_samples_have_is_taken(tmp_path):
    items = samples([(f"{i}", "cat" if i % 2 else "dog") for i in range(10)])
    items += [("3.png", picture_file(77, "PNG")), ("z.png", picture_file(78, "PNG")), ("z.cls", b"cat")]
    data = open_dataset(str(tar(tmp_path / "a.tar", items)))
    assert len(data.train) + len(data.val) == 11
    assert reasons(data)["the second picture of a sample"] == 1


def two_splits(root: Path) -> Path:
    shard(root / "train-00000-of-00001.parquet", [(c * 100 + i, c) for c in range(3) for i in range(5)], BIRDS)
    shard(
        root / "validation-00000-of-00001.parquet", [(c * 100 + 50 + i, c) for c in range(3) for i in range(2)], BIRDS
    )
    return root


def test_two_revisions_are_asked_for(tmp_path):
    plain = open_dataset(str(two_splits(tmp_path / "plain")))
    hub = tmp_path / "datasets--some--birds"
    for revision in ("rev1", "rev2"):
        two_splits(hub / "snapshots" / revision / "data")
    with pytest.raises(InputError, match=r"holds 2 revisions of a data set \(rev1, rev2\); give the path of one"):
        open_dataset(str(hub))
    write(hub / "refs" / "main", "rev2")
    data = open_dataset(str(hub))
    assert data.fingerprint == plain.fingerprint
    assert any("that of main was taken (rev2)" in note for note in data.notes)
    assert open_dataset(str(hub / "snapshots" / "rev1")).fingerprint == plain.fingerprint


def test_files_of_the_hub_are_links_to_blobs_without_endings(tmp_path):
    hub = tmp_path / "datasets--some--birds"
    plain = two_splits(tmp_path / "plain")
    for i, file in enumerate(sorted(plain.iterdir())):
        write(hub / "blobs" / f"{i:064x}", file.read_bytes())
        link = hub / "snapshots" / "rev1" / "data" / file.name
        link.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(f"../../../blobs/{i:064x}", link)
    assert open_dataset(str(hub)).fingerprint == open_dataset(str(plain)).fingerprint


@pytest.mark.parametrize("places", [("en/", "fr/"), ("en-", "fr-")])
def test_two_configurations_are_asked_for(tmp_path, places):
    for place in places:
        for split in ("train", "test"):
            shard(tmp_path / f"set/data/{place}{split}-00000-of-00001.parquet", [(1, 0), (2, 1)], BIRDS)
    with pytest.raises(InputError, match=r"2 data sets side by side.*give the path of one") as caught:
        open_dataset(str(tmp_path / "set"))
    assert "en" in str(caught.value)
    assert "fr" in str(caught.value)


def test_parts_of_one_set_in_several_folders_are_one(tmp_path):
    for split in ("train", "test"):
        for part in range(2):
            start = 100 * part + 50 * (split == "test")
            rows = [(start + c * 10 + i, c) for c in range(3) for i in range(2)]
            shard(tmp_path / f"set/{split}/part{part}/{part:04d}.parquet", rows, BIRDS)
    data = open_dataset(str(tmp_path / "set"))
    assert (len(data.train), len(data.val)) == (12, 12)


def test_a_picture_beside_the_shards_does_not_hide_them(tmp_path):
    root = tmp_path / "set"
    two_splits(root / "data")
    write(root / "assets/teaser.png", picture_file(1, "PNG"))
    write(root / "README.md", "# birds")
    data = open_dataset(str(root))
    assert (len(data.train), len(data.val)) == (15, 6)
    assert reasons(data) == {"no image": 1, "beside the files that hold the data set": 1}
    web = tmp_path / "web"
    tar(web / "a-train-0.tar", samples([(f"{i}", "cat" if i % 2 else "dog") for i in range(10)]))
    write(web / "teaser.png", picture_file(1, "PNG"))
    assert open_dataset(str(web)).layout == "WebDataset"


def test_an_index_made_in_one_folder_is_not_taken_for_another(tmp_path, monkeypatch):
    """A relative path in an index would mean another folder from elsewhere."""
    folders(tmp_path / "one/pets")
    folders(tmp_path / "two/pets", start=500)
    monkeypatch.chdir(tmp_path / "one")
    before = pixels_of(open_dataset("pets"))
    monkeypatch.chdir(tmp_path / "two")
    for file in (tmp_path / "two/pets").rglob("*.jpg"):
        file.rename(file.with_name(file.name.replace("_50", "_")))
    assert pixels_of(open_dataset(str(tmp_path / "one/pets"))) == before
