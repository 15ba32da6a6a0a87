"""Manifests, Parquet shards, WebDataset and CIFAR: what was written is what is read, label for label."""

from __future__ import annotations

import csv
import io
import json
import pickle
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.errors import InputError


def jpeg(seed: int) -> bytes:
    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(small, (50, 40)))[1].tobytes()


def pixels(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)


ROWS = [
    {"path": f"images/{split}_{label}_{i}.jpg", "label": label, "split": split}
    for split in ("train", "val")
    for label in ("owl", "bat")
    for i in range(3)
]


@pytest.fixture
def listed(tmp_path) -> Path:
    (tmp_path / "images").mkdir()
    for seed, row in enumerate(ROWS):
        (tmp_path / row["path"]).write_bytes(jpeg(seed))
    return tmp_path


def write_manifest(root: Path, suffix: str, rows: list[dict]) -> Path:
    path = root / f"list{suffix}"
    if suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(path)
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], delimiter="\t" if suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


def test_all_manifests_are_the_same_data(listed):
    opened = [
        open_dataset(str(write_manifest(listed, suffix, rows)))
        for suffix, rows in ((".csv", ROWS), (".tsv", ROWS[::-1]), (".jsonl", ROWS), (".parquet", ROWS))
    ]
    assert len({data.fingerprint for data in opened}) == 1
    data = opened[0]
    assert data.layout == "manifest (csv)"
    assert data.name == "list"
    assert data.classes == ("bat", "owl")
    assert list(data.val.ids) == [f"val_{label}_{i}" for label in ("bat", "owl") for i in range(3)]
    assert data.val.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert np.array_equal(data.val.images[3], pixels(jpeg(6)))


def test_numbers_are_sorted_as_numbers_and_no_split_is_split(listed):
    rows = [{"path": row["path"], "label": {"owl": 10, "bat": 9}[row["label"]]} for row in ROWS]
    for suffix in (".csv", ".jsonl", ".parquet"):
        data = open_dataset(str(write_manifest(listed, suffix, rows)))
        assert data.classes == ("9", "10")
        assert np.bincount(data.val.labels).tolist() == [1, 1]


def test_a_changed_image_is_noticed_behind_a_manifest(listed):
    path = write_manifest(listed, ".csv", ROWS)
    before = open_dataset(str(path)).fingerprint
    (listed / ROWS[0]["path"]).write_bytes(jpeg(99))
    assert open_dataset(str(path)).fingerprint != before


def test_missing_files_are_unreadable_images(listed):
    (listed / ROWS[0]["path"]).unlink()
    path = write_manifest(listed, ".csv", ROWS)
    with pytest.raises(InputError, match="1 of 12 images cannot be read"):
        open_dataset(str(path))
    data = open_dataset(str(path), allow_unreadable=True)
    assert data.problems[0].id == "train_owl_0"
    assert "No such file" in data.problems[0].reason


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "place,label\nx.jpg,cat\n", r"'path' is not among them \(found: 'place', 'label'\)"),
        ("a.csv", "path,label\nx.jpg\n", "row 1 lacks"),
        ("a.csv", "path,label,split\nx.jpg,a,train\ny.jpg,b,\n", "row 2 has no split"),
        ("a.csv", "path,label,split\nx.jpg,a,tarin\n", "unknown split 'tarin'"),
        ("a.csv", "path,label\nx.jpg,a\nx.jpg,b\n", "listed twice"),
        ("a.csv", "", "'path' is not among them"),
        ("a.csv", "path,label\n", "no rows"),
        ("a.jsonl", '{"path": "x"\n', "line 1 is not JSON"),
        ("a.jsonl", "[1]\n", "not an object"),
        ("a.parquet", "PAR1 nothing", "cannot be read as Parquet"),
    ],
)
def test_bad_manifests_are_one_line(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        open_dataset(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def write_shard(path: Path, seeds: list[int], labels: list[int], names: list[str] | None, paths: bool = True) -> None:
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    images = [{"bytes": jpeg(seed), "path": f"{seed:04d}.jpg" if paths else None} for seed in seeds]
    table = pyarrow.table({"image": pyarrow.array(images, kind), "label": pyarrow.array(labels, pyarrow.int64())})
    if names:
        feature = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": feature}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, path)


@pytest.mark.parametrize("paths", [True, False])
def test_parquet_shards_of_images(tmp_path, paths):
    root = tmp_path / "shards"
    write_shard(root / "data/train-00000-of-00002.parquet", [1, 2, 3], [1, 0, 1], ["owl", "bat"], paths)
    write_shard(root / "data/train-00001-of-00002.parquet", [4, 5], [0, 1], ["owl", "bat"], paths)
    write_shard(root / "data/validation-00000-of-00001.parquet", [6, 7], [1, 0], ["owl", "bat"], paths)
    for _ in range(2):
        data = open_dataset(str(root))
        assert data.classes == ("owl", "bat")  # in the order of the schema
        assert data.train.labels.tolist() == [1, 0, 1, 0, 1]
        assert data.val.labels.tolist() == [1, 0]
        assert data.val.ids[0] == ("0006" if paths else "val-00000005")
        assert np.array_equal(data.train.images[3], pixels(jpeg(4)))


def test_one_parquet_file_without_names(tmp_path):
    write_shard(tmp_path / "all.parquet", list(range(12)), [2, 10] * 6, None)
    data = open_dataset(str(tmp_path / "all.parquet"))
    assert data.classes == ("2", "10")
    assert (len(data.train), len(data.val)) == (10, 2)


def test_a_label_without_a_name_is_refused(tmp_path):
    write_shard(tmp_path / "all.parquet", [1, 2], [0, 2], ["owl", "bat"])
    with pytest.raises(InputError, match="label 2 is not one of 2 classes"):
        open_dataset(str(tmp_path / "all.parquet"))


def write_tar(path: Path, files: dict[str, bytes], mode: str = "w") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def test_webdataset_shards_and_one_tar(tmp_path):
    def files(seeds: range) -> dict[str, bytes]:
        made = {}
        for seed in seeds:
            made[f"{seed:05d}.cls"] = b"%d\n" % (seed % 2)
            made[f"{seed:05d}.jpg"] = jpeg(seed)
            made[f"{seed:05d}.json"] = b"{}"
        return made

    root = tmp_path / "shards"
    write_tar(root / "set-train-000000.tar", files(range(4)))
    write_tar(root / "set-train-000001.tar.gz", files(range(4, 7)), "w:gz")
    write_tar(root / "set-val-000000.tar", files(range(7, 9)))
    data = open_dataset(str(root))
    assert data.layout == "WebDataset"
    assert data.train.labels.tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert list(data.val.ids) == ["00007", "00008"]
    assert np.array_equal(data.train.images[5], pixels(jpeg(5)))
    write_tar(tmp_path / "one.tar", files(range(10)))
    assert len(open_dataset(str(tmp_path / "one.tar")).train) == 8
    write_tar(tmp_path / "bad.tar", {**files(range(4)), "x.jpg": jpeg(1)})
    with pytest.raises(InputError, match=r"x\.jpg has no label"):
        open_dataset(str(tmp_path / "bad.tar"))


def cifar_batch(seed: int, labels: list[int], field: str) -> bytes:
    rows = np.random.default_rng(seed).integers(0, 256, (len(labels), 3072), np.uint8)
    names = [f"s_{seed}_{i:06d}.png" for i in range(len(labels))]
    return pickle.dumps({b"data": rows, field.encode(): labels, b"filenames": [name.encode() for name in names]}, 2)


@pytest.fixture
def cifar10(tmp_path) -> Path:
    root = tmp_path / "cifar-10-batches-py"
    root.mkdir()
    (root / "batches.meta").write_bytes(pickle.dumps({b"label_names": [b"plane", b"car", b"bird"]}, 2))
    for i in range(1, 6):
        (root / f"data_batch_{i}").write_bytes(cifar_batch(i, [0, 1, 2], "labels"))
    (root / "test_batch").write_bytes(cifar_batch(9, [2, 1, 0, 0], "labels"))
    return root


def test_cifar_10_from_a_folder_and_an_archive(cifar10, tmp_path):
    data = open_dataset(str(cifar10))
    assert data.layout == "CIFAR-10"
    assert data.classes == ("plane", "car", "bird")
    assert data.train.labels.tolist() == [0, 1, 2] * 5
    assert data.val.labels.tolist() == [2, 1, 0, 0]
    row = np.random.default_rng(9).integers(0, 256, (4, 3072), np.uint8)[1]
    assert data.val.ids[1] == "s_9_000001"
    assert np.array_equal(data.val.images[1], row.reshape(3, 32, 32).transpose(1, 2, 0))
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(cifar10, cifar10.name)
    assert open_dataset(str(tmp_path / "cifar-10-python.tar.gz")).fingerprint == data.fingerprint


def test_cifar_100_by_its_fine_labels(tmp_path):
    root = tmp_path / "cifar-100-python"
    root.mkdir()
    (root / "meta").write_bytes(pickle.dumps({b"fine_label_names": [b"apple", b"bee"]}, 2))
    (root / "train").write_bytes(cifar_batch(1, [0, 1, 1], "fine_labels"))
    (root / "test").write_bytes(cifar_batch(2, [1, 0], "fine_labels"))
    data = open_dataset(str(root))
    assert data.layout == "CIFAR-100"
    assert data.val.labels.tolist() == [1, 0]


def test_a_pickle_cannot_do_anything(cifar10, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "written"), "w"))

    (cifar10 / "test_batch").write_bytes(pickle.dumps({b"data": Evil()}, 2))
    with pytest.raises(InputError, match=r"it asks for io\.open"):
        open_dataset(str(cifar10))
    assert not (tmp_path / "written").exists()
