"""Croissant metadata that says where images, labels and splits are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.errors import InputError

from tests.benchmark.data.conftest import write
from tests.benchmark.data.made import count, folders, picture_file, reasons

FILES = {"@type": "cr:FileSet", "@id": "images", "encodingFormat": "image/jpeg", "includes": "pics/*.jpg"}


def metadata(root: Path, files: list[dict[str, Any]], fields: list[dict[str, Any]], **more: Any) -> Path:
    about = {
        "@context": {"cr": "http://mlcommons.org/croissant/", "sc": "https://schema.org/"},
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "distribution": files,
        "recordSet": [{"@type": "cr:RecordSet", "@id": "examples", "field": fields}],
    } | more
    write(root / "croissant.json", json.dumps(about))
    return root


def of_path(name: str, kind: str, regex: str) -> dict[str, Any]:
    source = {"fileSet": {"@id": "images"}, "extract": {"fileProperty": "fullpath"}, "transform": {"regex": regex}}
    return {"@type": "cr:Field", "@id": f"examples/{name}", "dataType": kind, "source": source}


def of_column(name: str, kind: str | list[str], column: str, **more: Any) -> dict[str, Any]:
    source = {"fileObject": {"@id": "table"}, "extract": {"column": column}}
    return {"@type": "cr:Field", "@id": f"examples/{name}", "dataType": kind, "source": source} | more


IMAGE = {
    "@id": "examples/image",
    "dataType": "sc:ImageObject",
    "source": {"fileSet": {"@id": "images"}, "extract": {"fileProperty": "content"}},
}


def test_labels_and_splits_by_the_paths(tmp_path):
    for i in range(20):
        name = ("cat", "dog")[i % 2]
        write(tmp_path / f"pics/{'test' if i % 5 == 0 else 'training'}-{name}-{i}.jpg", picture_file(i))
    write(tmp_path / "pics/readme.jpg.txt", "x")
    write(tmp_path / "other/spare.jpg", picture_file(99))
    fields = [IMAGE, of_path("label", "cr:Label", r"-([a-z]+)-\d+\.jpg$"), of_path("split", "cr:Split", r"/([a-z]+)-")]
    data = open_dataset(str(metadata(tmp_path, [FILES], fields)))
    assert data.layout == "Croissant"
    assert count(data.train, data.classes) == {"cat": 8, "dog": 8}
    assert count(data.val, data.classes) == {"cat": 2, "dog": 2}
    assert all(
        name.split("-")[1] == data.classes[label] for name, label in zip(data.val.ids, data.val.labels, strict=True)
    )
    assert reasons(data) == {"no image": 2, "beside the files that hold the data set": 1}


def table(root: Path, address: str = "lists/all.csv") -> list[dict[str, Any]]:
    rows = []
    for i in range(20):
        write(root / f"pics/{i:03d}.jpg", picture_file(i))
        rows.append(f"{i:03d}.jpg,{('cat', 'dog')[i % 2]},{'validation' if i % 5 == 0 else 'train'}")
    write(root / "lists/all.csv", "\n".join(["photo,animal,part", *rows]))
    return [FILES, {"@type": "cr:FileObject", "@id": "table", "contentUrl": address, "encodingFormat": "text/csv"}]


def test_labels_and_splits_from_a_table(tmp_path):
    fields = [
        IMAGE,
        of_column("photo", "sc:Text", "photo", references={"fileSet": {"@id": "images"}}),
        of_column("animal", ["sc:Text", "cr:Label"], "animal"),
        of_column("part", ["sc:Text", "cr:Split"], "part"),
    ]
    data = open_dataset(str(metadata(tmp_path, table(tmp_path), fields)))
    assert data.classes == ("cat", "dog")
    assert list(data.val.ids) == ["000", "005", "010", "015"]
    assert data.val.labels.tolist() == [0, 1, 0, 1]
    write(tmp_path / "lists/all.csv", "photo,animal,part\nnothing.jpg,cat,train\n")
    with pytest.raises(InputError, match=r"lists/all\.csv names 'nothing\.jpg', which is not among the images"):
        open_dataset(str(tmp_path))


@pytest.mark.parametrize(
    "about",
    [
        {"conformsTo": "something else", "@context": {}},
        {"recordSet": []},
        {"distribution": []},
        {"recordSet": [{"field": "text"}, 7]},
    ],
)
def test_metadata_that_says_too_little_is_passed_by(tmp_path, about):
    folders(tmp_path)
    fields = [IMAGE, of_path("label", "cr:Label", "(x)")]
    data = open_dataset(str(metadata(tmp_path, [FILES], fields, **about)))
    assert data.layout == "folder per class, no splits"


def test_a_table_that_is_not_here_is_passed_by(tmp_path):
    folders(tmp_path)
    fields = [IMAGE, of_column("photo", "sc:Text", "photo", references={}), of_column("label", "cr:Label", "animal")]
    distribution = [FILES, {"@type": "cr:FileObject", "@id": "table", "contentUrl": "https://example.org/all.csv"}]
    assert open_dataset(str(metadata(tmp_path, distribution, fields))).layout == "folder per class, no splits"
    write(tmp_path / "croissant.json", "{")
    assert open_dataset(str(tmp_path)).layout == "folder per class, no splits"
