"""``topfive data export``: a data set as PNG files with tables beside them, for programs in any language."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2

from ...errors import InputError
from ..dataset import Dataset, Split

MOST_PIXELS = 4_000_000_000  # of all images together: some 10 GB as PNG


def export(data: Dataset, out: str) -> Path:
    """Write ``data`` into the new folder ``out``, which is itself a data set with the same images, ids and labels.

    ``train/<class>/<id>.png`` and ``val/<class>/<id>.png`` hold the pixels as every contender sees them; ``train.csv``
    and ``val.csv`` say ``path``, ``label`` and ``image_id`` in the order of the data set, ``classes.csv`` the ``class``
    ids with their readable ``name``. Raises InputError where ``out`` is there or it would be too much.
    """
    folder = Path(out).expanduser()
    if folder.exists():
        raise InputError(f"{out} is there already; give another name or remove it")
    splits = {"train": data.train, "val": data.val}
    total = sum(len(split) * _pixels(split) for split in splits.values())
    if total > MOST_PIXELS:
        raise InputError(
            f"{data.title}: about {total / 1e9:,.1f} thousand million pixels, more than {MOST_PIXELS / 1e9:,.0f}; "
            "give fewer classes ([classes=a+b]), or read the files where they are"
        )
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {out}: {error.strerror}") from None
    _table(folder / "classes.csv", ("class", "name"), list(zip(data.classes, data.class_names, strict=True)))
    folders = [_file_name(label, f"class_{i}") for i, label in enumerate(data.classes)]
    for name, split in splits.items():
        files = [
            f"{name}/{folders[label]}/{_file_name(image, f'{i:07d}')}.png"
            for i, (image, label) in enumerate(zip(split.ids, split.labels.tolist(), strict=True))
        ]
        images = (image for batch in split.images.batches(64) for image in batch)
        for file, pixels in zip(files, images, strict=True):
            place = folder / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes())
        labels = [data.classes[label] for label in split.labels.tolist()]
        _table(folder / f"{name}.csv", ("path", "label", "image_id"), list(zip(files, labels, split.ids, strict=True)))
    return folder


def _file_name(text: str, otherwise: str) -> str:
    return text if "/" not in text and not text.startswith(".") else otherwise


def _pixels(split: Split) -> int:
    height, width = split.images.typical_size
    return height * width


def _table(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with open(path, "x", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
