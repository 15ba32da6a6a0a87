"""Small data sets as other programs leave them, for the tests to open."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
from PIL import Image
from topfive.benchmark.data import Dataset, Split

from tests.benchmark.data.conftest import write


def picture_file(seed: int, form: str = "JPEG", side: int = 24) -> bytes:
    """A file of noise that belongs to its seed alone."""
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def folders(root: Path, names: Sequence[str] = ("cat", "dog"), k: int = 10, start: int = 0) -> Path:
    """A folder per class with k images each, ``cat/cat_0.jpg`` and so on; each is of its class and number alone."""
    for c, name in enumerate(names):
        for i in range(start, start + k):
            write(root / name / f"{name}_{i}.jpg", picture_file(1000 * c + i))
    return root


def tar(path: Path, items: Iterable[tuple[str, bytes]], mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, data in items:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def zipped(path: Path, items: Iterable[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in items:
            archive.writestr(name, data)
    return path


def samples(keys: Iterable[tuple[str, str]], seed: int = 0) -> list[tuple[str, bytes]]:
    """The files of a WebDataset: (key, class) each."""
    made = []
    for i, (key, group) in enumerate(keys):
        made += [(f"{key}.jpg", picture_file(seed + i)), (f"{key}.cls", group.encode())]
    return made


def shard(path: Path, rows: Iterable[tuple[int, Any]], names: Sequence[str] | None, **columns: list[Any]) -> Path:
    """A Parquet file as Hugging Face writes it: (seed, label) a row."""
    rows = list(rows)
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    images = [{"bytes": picture_file(seed), "path": f"{seed}.jpg"} for seed, _ in rows]
    table = pyarrow.table({"image": pyarrow.array(images, kind), "label": [label for _, label in rows], **columns})
    if names is not None:
        features = {"image": {"_type": "Image"}, "label": {"names": list(names), "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, path)
    return path


def official(root: Path, *, extracted: bool = False) -> Path:
    """ILSVRC-2012 in small: two classes of 3 training images and one for validation, in archives and, if asked, out."""
    import scipy.io

    wnids = ("n02119789", "n02100735")
    fields = ("ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "wordnet_height")
    synsets = np.zeros((2, 1), [(name, object) for name in fields])
    for i, wnid in enumerate(wnids):
        synsets[i, 0] = (np.array([[i + 1]]), wnid, "a", "g", np.array([[0]]), [[0]])
    meta = io.BytesIO()
    scipy.io.savemat(meta, {"synsets": synsets})
    inner = []
    for c, wnid in enumerate(wnids):
        one = tar(root / "x.tar", [(f"{wnid}_{i}.JPEG", picture_file(10 * c + i)) for i in range(3)])
        inner.append((f"{wnid}.tar", one.read_bytes()))
        one.unlink()
        if extracted:
            for i in range(3):
                write(root / "train" / wnid / f"{wnid}_{i}.JPEG", picture_file(10 * c + i))
            write(root / "val" / wnid / f"ILSVRC2012_val_{c + 1:08d}.JPEG", picture_file(90 + c))
    tar(root / "ILSVRC2012_img_train.tar", inner)
    tar(root / "ILSVRC2012_img_val.tar", [(f"ILSVRC2012_val_{c + 1:08d}.JPEG", picture_file(90 + c)) for c in (0, 1)])
    truth = ("data/ILSVRC2012_validation_ground_truth.txt", b"1\n2\n")
    tar(root / "ILSVRC2012_devkit_t12.tar", [("data/meta.mat", meta.getvalue()), truth])
    return root


def count(split: Split, classes: Sequence[str]) -> dict[str, int]:
    """Class → number of images."""
    return dict(zip(classes, np.bincount(split.labels, minlength=len(classes)).tolist(), strict=True))


def pixels_of(data: Dataset) -> dict[str, list[bytes]]:
    """Class → the pixels of all its images, sorted."""
    found: dict[str, list[bytes]] = {name: [] for name in data.classes}
    for split in (data.train, data.val):
        for i, label in enumerate(split.labels.tolist()):
            found[data.classes[label]].append(split.images[i].tobytes())
    return {name: sorted(images) for name, images in found.items()}


def reasons(data: Any) -> dict[str, int]:
    """Reason → number of files, of all that is left out."""
    return {one.reason: one.count for one in data.left_out}
