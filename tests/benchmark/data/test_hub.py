"""Folders that ``datasets`` saved, and data sets by their address on the hub; nothing comes from the network."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import pytest
from topfive.benchmark.data import hub, located, open_dataset
from topfive.benchmark.data.tools.inspect import inspect
from topfive.benchmark.errors import InputError

from tests.benchmark.data.conftest import write
from tests.benchmark.data.made import picture_file, reasons, shard

NAMES = ("cat", "dog")


def saved(root: Path, splits: dict[str, range], batch: int = 3) -> Path:
    """What ``DatasetDict.save_to_disk`` writes."""
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    about = {"image": {"_type": "Image"}, "label": {"names": list(NAMES), "_type": "ClassLabel"}}
    schema = pyarrow.schema([("image", kind), ("label", pyarrow.int64())])
    schema = schema.with_metadata({"huggingface": json.dumps({"info": {"features": about}})})
    for split, seeds in splits.items():
        folder = root / split
        folder.mkdir(parents=True)
        with (
            pyarrow.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as file,
            pyarrow.ipc.new_stream(file, schema) as stream,
        ):
            for start in range(0, len(seeds), batch):
                some = seeds[start : start + batch]
                images = pyarrow.array([{"bytes": picture_file(i), "path": f"{i}.jpg"} for i in some], kind)
                stream.write_batch(pyarrow.record_batch([images, pyarrow.array([i % 2 for i in some])], schema=schema))
        write(folder / "state.json", "{}")
        write(folder / "dataset_info.json", json.dumps({"features": about}))
    write(root / "dataset_dict.json", json.dumps({"splits": list(splits)}))
    return root


def test_a_folder_that_datasets_saved(tmp_path):
    root = saved(tmp_path / "set", {"train": range(10), "validation": range(50, 54)})
    write(root / "train/cache-0123456789abcdef.arrow", b"of a computation")
    data = open_dataset(str(root))
    assert data.layout == "Arrow tables of images"
    assert data.classes == NAMES
    assert list(data.val.ids) == ["50", "51", "52", "53"]
    assert data.train.labels.tolist() == [int(name) % 2 for name in data.train.ids]
    assert reasons(data) == {"no image": 6}
    rows = {name: [(i, i % 2) for i in seeds] for name, seeds in (("train", range(10)), ("val", range(50, 54)))}
    for name, own in rows.items():
        shard(tmp_path / f"parquet/{name}-0.parquet", own, NAMES)
    assert open_dataset(str(tmp_path / "parquet")).fingerprint == data.fingerprint


def test_a_split_on_its_own_and_a_damaged_file(tmp_path):
    root = saved(tmp_path / "set", {"train": range(10)})
    assert len(open_dataset(str(root / "train")).val) == 2
    file = root / "train/data-00000-of-00001.arrow"
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(InputError, match="cannot be read as Arrow"):
        open_dataset(str(root))


@pytest.fixture
def asked(monkeypatch) -> list[Any]:
    """A package ``datasets`` that knows one data set; answers what it was asked for."""
    calls: list[Any] = []

    class Found:
        def save_to_disk(self, folder: str) -> None:
            saved(Path(folder), {"train": range(10), "test": range(20, 24)})

    def load_dataset(name: str, config: str | None = None, revision: str | None = None) -> Found:
        calls.append((name, config, revision))
        if name != "some/pets":
            raise ConnectionError("no such data set\nand a long story")
        return Found()

    module = types.ModuleType("datasets")
    module.load_dataset = load_dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)
    monkeypatch.setattr(hub.importlib.util, "find_spec", lambda name: object())
    return calls


def test_an_address_is_fetched_once(asked):
    for _ in range(2):
        data = open_dataset("hf://some/pets")
        assert (data.name, data.title) == ("some-pets", "some-pets")
        assert (len(data.train), len(data.val)) == (10, 4)
    assert inspect("hf://some/pets").fingerprint == data.fingerprint
    assert asked == [("some/pets", None, None)]
    assert open_dataset("hf://some/pets@v2", config="small").fingerprint == data.fingerprint
    assert asked[1:] == [("some/pets", "small", "v2")]
    assert located("hf://some/pets") == "hf://some/pets"


def test_what_cannot_be_fetched_leaves_nothing(asked, own_cache):
    with pytest.raises(InputError, match=r"hf://some/cars cannot be fetched: no such data set$"):
        open_dataset("hf://some/cars")
    assert not [path for path in own_cache.rglob("*") if path.is_file()]
    with pytest.raises(InputError, match="write hf://OWNER/NAME"):
        open_dataset("hf://cars")
    with pytest.raises(InputError, match="unknown parameter 'config'"):
        open_dataset(str(own_cache), config="x")


def test_without_the_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs the package datasets: pip install 'topfive\[hub\]'"):
        open_dataset("hf://some/pets")
