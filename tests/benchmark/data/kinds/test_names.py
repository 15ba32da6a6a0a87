"""Names: bytes that are no UTF-8, two spellings of one name, brackets in a path, and a name that means two things."""

from __future__ import annotations

import csv
import json
import os
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest
from topfive.benchmark.config import RunConfig
from topfive.benchmark.data import data_spec, located, open_dataset
from topfive.benchmark.data.tools.export import export
from topfive.benchmark.data.tools.inspect import inspect
from topfive.benchmark.errors import InputError
from topfive.benchmark.running.plan import open_all
from topfive.benchmark.running.runner import run
from topfive.benchmark.running.scorefile import score

from tests.benchmark.data.conftest import write
from tests.benchmark.data.made import count, folders, picture_file, pixels_of, samples, tar

CAFE, CAFE_NFD = "caf\u00e9", unicodedata.normalize("NFD", "caf\u00e9")


@pytest.fixture
def latin(tmp_path) -> Path:
    """A Latin-1 class folder and a Latin-1 file name."""
    root = folders(tmp_path / "im")
    os.rename(os.fsencode(root / "cat"), os.fsencode(root) + b"/caf\xe9")
    os.rename(os.fsencode(root) + b"/caf\xe9/cat_0.jpg", os.fsencode(root) + b"/caf\xe9/na\xefve.jpg")
    return root


def zip_of_bytes(path: Path, root: Path) -> None:
    """A zip as Info-ZIP on Unix writes it: the bytes of the names as they are, without saying how they are meant."""
    names = [os.fsencode(file.relative_to(root)) for file in sorted(root.rglob("*.jpg"))]
    with zipfile.ZipFile(path, "w") as packed:
        for i, name in enumerate(names):
            packed.writestr(f"{i:04d}".ljust(len(name), "_"), (root / os.fsdecode(name)).read_bytes())
    data = path.read_bytes()
    for i, name in enumerate(names):
        data = data.replace(f"{i:04d}".ljust(len(name), "_").encode(), name)
    path.write_bytes(data)


def test_bytes_that_are_no_utf_8_in_every_container(latin, tmp_path):
    data = open_dataset(str(latin))
    assert data.classes == ("caf\\xe9", "dog")
    assert "na\\xefve" in (*data.train.ids, *data.val.ids)
    assert len(pixels_of(data)["caf\\xe9"]) == 10
    with tarfile.open(tmp_path / "im.tar", "w") as archive:
        archive.add(latin, "im")
    zip_of_bytes(tmp_path / "im.zip", latin)
    for path in (tmp_path / "im.tar", tmp_path / "im.zip"):
        assert open_dataset(str(path)).fingerprint == data.fingerprint


def test_inspect_run_export_score_and_report(latin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = inspect(str(latin)).text()
    text.encode("utf-8")
    assert "caf\\xe9" in text
    data = open_dataset(str(latin))
    folder = export(data, str(tmp_path / "out"))
    back = open_dataset(str(folder / "train.csv"))
    assert back.classes == data.classes
    assert run(RunConfig(data=["im"], method=["chance"], output=str(tmp_path / "run"))) == 0
    described = json.loads((tmp_path / "run/results.json").read_text(encoding="utf-8"))
    assert "caf\\xe9" in json.dumps(described).replace("\\\\", "\\")
    with open(tmp_path / "p.csv", "w", encoding="utf-8", newline="") as file:
        rows = [("image_id", "1", "2"), *((name, "dog", "caf\\xe9") for name in data.val.ids)]
        csv.writer(file).writerows(rows)
    record = score(tmp_path / "p.csv", "im", name="mine", family="other", output=tmp_path / "run")
    assert record.status == "done"
    assert "mine" in (tmp_path / "run/report.html").read_text(encoding="utf-8")


def test_a_path_that_is_no_utf_8(latin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = os.fsdecode(b"p\xe9")
    os.rename(latin, root)
    assert open_dataset(root).title == "p\\xe9"
    assert run(RunConfig(data=[root], method=["chance"], output=str(tmp_path / "run"))) == 0
    assert (
        run(RunConfig(data=[root], method=["chance"], output=str(tmp_path / "run"))) == 0
    )  # again, from what it wrote
    with pytest.raises(InputError) as caught:
        open_dataset(root + "/nothing")
    str(caught.value).encode("utf-8")


def test_a_label_that_no_file_name_can_hold(tmp_path):
    folders(tmp_path / "im")
    labels = {"cat": "\ud800x", "dog": "dog"}
    rows = [
        json.dumps({"path": f"im/{name}/{name}_{i}.jpg", "label": label})
        for name, label in labels.items()
        for i in range(10)
    ]
    (tmp_path / "m.jsonl").write_text("\n".join(rows))
    assert open_dataset(str(tmp_path / "m.jsonl")).classes == ("\\ud800x", "dog")
    (tmp_path / "n.jsonl").write_text(json.dumps({"path": "\ud800.jpg", "label": "a"}))
    with pytest.raises(InputError, match="row 1 names no file"):
        open_dataset(str(tmp_path / "n.jsonl"))


def test_two_spellings_are_one_class(tmp_path):
    folders(tmp_path / "train", (CAFE, "dog"), k=5)
    folders(tmp_path / "val", (CAFE_NFD, "dog"), k=2, start=50)
    data = open_dataset(str(tmp_path))
    assert data.classes == (CAFE, "dog")
    assert count(data.train, data.classes) == {CAFE: 5, "dog": 5}
    assert count(data.val, data.classes) == {CAFE: 2, "dog": 2}
    assert any("taken as one class: café" in note for note in data.notes)
    assert open_dataset(str(tmp_path), classes=f"{CAFE_NFD}+dog").classes == (CAFE, "dog")


def test_two_spellings_in_a_table_and_in_tars(tmp_path):
    folders(tmp_path / "im", ("cat", "dog"))
    rows = [f"im/cat/cat_{i}.jpg,{CAFE if i % 2 else CAFE_NFD}" for i in range(10)]
    rows += [f"im/dog/dog_{i}.jpg,dog" for i in range(10)]
    (tmp_path / "m.csv").write_text("\n".join(["path,label", *rows]), encoding="utf-8")
    items = samples([(f"{i}", (CAFE, CAFE_NFD, "dog")[i % 3]) for i in range(30)])
    for path in (tmp_path / "m.csv", tar(tmp_path / "w.tar", items)):
        data = open_dataset(str(path))
        assert data.classes == (CAFE, "dog")
        assert any("one class" in note for note in data.notes)


def test_one_spelling_alone_stays_as_it_is(tmp_path):
    """So that the fingerprint of a data set from a Mac is what it was."""
    data = open_dataset(str(folders(tmp_path, (CAFE_NFD, "dog"))))
    assert data.classes == (CAFE_NFD, "dog")
    assert open_dataset(str(tmp_path), classes=f"{CAFE}+dog").classes == (CAFE_NFD, "dog")


def test_a_path_that_is_there_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders(tmp_path / "my data [v=2]")
    assert data_spec("my data [v=2]").name == "my data [v=2]"
    spec = data_spec("my data [v=2][classes=cat+dog]")
    assert (spec.name, dict(spec.params)) == ("my data [v=2]", {"classes": "cat+dog"})
    opened = open_all(RunConfig(data=["my data [v=2]"], method=["chance"]))
    assert list(opened) == ["my-data-v-2"]
    assert run(RunConfig(data=["my data [v=2]"], method=["chance"], output=str(tmp_path / "run"))) == 0


def test_a_name_that_is_also_a_folder_means_one_thing(tmp_path, monkeypatch):
    folders(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    ((built_in, args),) = open_all(RunConfig(data=["photos"], method=["chance"])).values()
    assert len(built_in.classes) == 20
    assert args["name"] == "photos"
    assert open_dataset(**args).fingerprint == built_in.fingerprint
    assert any("what lies in this folder under the same name is ./photos" in note for note in built_in.notes)
    ((folder, args),) = open_all(RunConfig(data=["./photos"], method=["chance"])).values()
    assert folder.classes == ("cat", "dog")
    assert args["name"] == str(tmp_path / "photos")
    assert located("photos") == "photos"
    monkeypatch.chdir(tmp_path / "photos")
    assert not any("./photos" in note for note in open_dataset("photos").notes)


def test_order_of_numbers(tmp_path):
    for c in range(12):
        for i in range(6):
            write(tmp_path / f"im/{c}/a{i}.jpg", picture_file(100 * c + i))
    assert open_dataset(str(tmp_path / "im")).classes == tuple(map(str, range(12)))


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("10", "9", "-1"), ("-1", "9", "10")),
        (("0.5", "10.0", "2.25"), ("0.5", "2.25", "10.0")),
        (("1e2", "20", "3"), ("3", "20", "1e2")),
        (("01", "1", "2"), ("01", "1", "2")),
        (("10", "9", "x"), ("10", "9", "x")),
        (("²", "10", "9"), ("10", "9", "²")),
    ],
)
def test_order_in_folders_and_tables(tmp_path, names, order):
    folders(tmp_path / "im", names, k=5)
    assert open_dataset(str(tmp_path / "im")).classes == order
    rows = [f"im/{name}/{name}_{i}.jpg,{name}" for name in names for i in range(5)]
    (tmp_path / "m.csv").write_text("\n".join(["path,label", *rows]), encoding="utf-8")
    assert open_dataset(str(tmp_path / "m.csv")).classes == order
