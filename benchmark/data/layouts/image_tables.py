"""Parquet files that hold the images themselves, as Hugging Face writes them: ``image{bytes, path}`` and a label."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..storage import cache
from ..storage.blob import blob
from ..storage.found import Found
from ..storage.location import Location
from ..storage.split_words import split_of_file
from ..storage.tree import is_image
from .by_label import by_label, class_id
from .parquet import open_parquet, rows

_LABELS = ("label", "labels", "fine_label", "class", "cls")


def matches(location: Location) -> bool:
    """Whether a file, or the first Parquet file in a folder without images, has a column of images."""
    if not location.is_folder:
        return location.suffix == ".parquet" and _has_images(location.path)
    if any(map(is_image, location.tree.names)):
        return False
    tables = location.files(".parquet")
    return bool(tables) and _has_images(tables[0])


def _has_images(path: Path) -> bool:
    return _image_column(open_parquet(path)) is not None


def read(location: Location) -> Found:
    """A data set of rows with an image and a label; the splits are told by the files' names. Raises InputError.

    Their pages are compressed, so the images are written once, as the files they are, into the cache folder.
    """
    paths, root = (
        (location.files(".parquet"), location.path) if location.is_folder else ([location.path], location.path.parent)
    )
    labels: list[str] = []
    splits: list[str | None] = []
    names: list[str] = []
    class_ids: list[str] | None = None
    with blob(*map(cache.stamp, paths)) as images:
        for path in paths:
            file = open_parquet(path)
            column = _image_column(file)
            if column is None:
                raise InputError(f"{path} has no column of images, other shards have")
            label = next((name for name in _LABELS if name in file.schema_arrow.names), None)
            if label is None:
                raise InputError(f"{path} has no column of labels ({', '.join(_LABELS)})")
            class_ids = _class_names(file, label) or class_ids
            split = split_of_file(str(path.relative_to(root)))
            for row in rows(path, file, [column, label]):
                data, number = row[column] or {}, row[label]
                if number is None or isinstance(number, (list, dict)):
                    raise InputError(f"{path}: a row has no label")
                if class_ids and not (isinstance(number, int) and 0 <= number < len(class_ids)):
                    raise InputError(f"{path}: the label {number!r} is not one of {len(class_ids)} classes")
                images.add("", data.get("bytes") or b"")
                labels.append(class_ids[number] if class_ids else class_id(number))
                splits.append(split)
                names.append(data.get("path") or "")
        stored = images.stored()
    if not labels:
        raise InputError(f"{paths[0]} holds no rows")
    if len(set(names)) != len(names):
        names = [f"{split or 'row'}-{i:08d}" for i, split in enumerate(splits)]
    return by_label("Parquet shards of images", stored, names, labels, splits, class_ids)


def _image_column(file: Any) -> str | None:
    import pyarrow

    for field in file.schema_arrow:
        if pyarrow.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0:
            return str(field.name)
    return None


def _class_names(file: Any, label: str) -> list[str] | None:
    """The class names that Hugging Face's writer leaves in the schema."""
    try:
        about = json.loads((file.schema_arrow.metadata or {}).get(b"huggingface", b"{}"))
        names = about["info"]["features"][label]["names"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(names, list) or len(set(map(str, names))) != len(names) or not names:
        return None
    return [str(name) for name in names]
