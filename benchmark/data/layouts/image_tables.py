"""Files that hold the images themselves, as Hugging Face writes them: ``image{bytes, path}`` and a label.

Parquet, and the Arrow files of a folder that ``datasets`` saved with ``save_to_disk``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..storage import cache
from ..storage.blob import blob
from ..storage.formats import is_image
from ..storage.found import Found
from ..storage.location import Location
from ..storage.split_words import split_of_file, split_of_word
from .beside import beside
from .by_label import by_label, class_id
from .columns import LABELS, first_of, split_column
from .table_files import TableFile

SUFFIXES = (".parquet", ".arrow")
_NUMBERED = re.compile(r"\d+-of-\d+\.(?:parquet|arrow)$", re.IGNORECASE)


@dataclass(frozen=True)
class _Shard:
    """One file. split: as its path tells it. names: the classes that its numbers stand for, where it lists them."""

    path: Path
    file: TableFile
    split: str | None
    image: str
    label: str
    names: tuple[str, ...] | None


def matches(location: Location) -> bool:
    """Whether a file, or one in a folder, has a column of images; fewer pictures beside them are none of the data."""
    if not location.is_folder:
        return location.suffix in SUFFIXES and has_images(location.path)
    tables = _tables(location)
    if not tables or not any(map(has_images, tables)):
        return False
    loose = sum(map(is_image, location.stored.paths))
    return loose == 0 or loose < sum(TableFile(path).n_rows() for path in tables)


def has_images(path: Path) -> bool:
    """Whether a file has a column of images. Raises InputError."""
    return _image_column(TableFile(path)) is not None


def _tables(location: Location) -> list[Path]:
    """Those of a folder, but for what ``datasets`` keeps there of its own computations."""
    return [path for path in location.files(*SUFFIXES) if not path.name.startswith("cache-")]


def read(location: Location) -> Found:
    """A data set of rows with an image and a label; the splits are told by the files' names. Raises InputError.

    Labels that are numbers are told by each file's own list of classes. Rows without a label (null, -1) are not used.
    The images are written once, as the files they are, into the cache folder.
    """
    paths = _tables(location) if location.is_folder else [location.path]
    root = location.path if location.is_folder else location.path.parent
    _one_set(paths, root)
    shards = [_shard(path, root) for path in paths]
    lists = list(dict.fromkeys(shard.names for shard in shards))
    if len(lists) > 1 and None in lists:
        bare = next(shard.path for shard in shards if shard.names is None)
        raise InputError(f"{bare} does not list the names of its classes, other files do; they cannot be matched")
    labels: list[str | None] = []
    splits: list[str | None] = []
    names: list[str] = []
    with blob(*(cache.stamp(path) for path in paths)) as images:
        for shard in shards:
            own_split = None if shard.split else split_column(shard.file.columns, str(shard.path))
            columns = [shard.image, shard.label, *([own_split] if own_split else [])]
            start = len(labels)
            for row in shard.file.rows(columns):
                data = row[shard.image] or {}
                images.add("", data.get("bytes") or b"")
                labels.append(_label(shard, row[shard.label]))
                told = row[own_split] if own_split else None
                splits.append(shard.split or (None if told is None else _split(shard, str(told))))
                names.append(data.get("path") or "")
            if set(labels[start:]) == {"-1"}:
                labels[start:] = [None] * (len(labels) - start)
        stored = images.stored()
    if not labels:
        raise InputError(f"{paths[0]} holds no rows")
    if len(set(names)) != len(names):
        names = [f"{split or 'row'}-{i:08d}" for i, split in enumerate(splits)]
    order = _order(shards)
    notes = ("The files list their classes differently; they are told by name.",) if len(lists) > 1 else ()
    layout = "Arrow tables of images" if paths[0].suffix.lower() == ".arrow" else "Parquet shards of images"
    left_out = beside(location, paths).all()
    return by_label(layout, stored, names, labels, splits, order, notes=notes, left_out=left_out)


def _shard(path: Path, root: Path) -> _Shard:
    file = TableFile(path)
    columns = file.columns
    image, label = _image_column(file), first_of(LABELS, columns)
    if image is None:
        raise InputError(f"{path} has no column of images, other shards have")
    if label is None:
        found = ", ".join(columns)
        raise InputError(f"{path} has no column of labels ({', '.join(LABELS)}); its columns are {found}")
    names = _class_names(file, label)
    return _Shard(
        path, file, split_of_file(str(path.relative_to(root))), image, label, None if names is None else tuple(names)
    )


def _label(shard: _Shard, told: Any) -> str | None:
    """The class id of a row, None where it has no label."""
    if isinstance(told, (list, dict)):
        raise InputError(f"{shard.path}: the label of a row is a {type(told).__name__}; give one class an image")
    if told is None or told == "" or told != told:
        return None
    if shard.names is None or isinstance(told, str):
        return class_id(told)
    if told == -1:
        return None  # as data sets for a challenge mark their test images
    if not (isinstance(told, int) and 0 <= told < len(shard.names)):
        raise InputError(f"{shard.path}: the label {told!r} is not one of {len(shard.names)} classes")
    return shard.names[told]


def _split(shard: _Shard, told: str) -> str:
    split = split_of_word(told)
    if split is None:
        raise InputError(f"{shard.path}: unknown split {told!r}; known: train, val, test")
    return split


def _order(shards: Sequence[_Shard]) -> list[str] | None:
    """The classes in the order of the first list of a training file, then those that only other lists have."""
    lists = [shard.names for shard in sorted(shards, key=lambda shard: shard.split != "train") if shard.names]
    return list(dict.fromkeys(name for names in lists for name in names)) or None


def _one_set(paths: Sequence[Path], root: Path) -> None:
    """Raises InputError where the files are those of several configurations, which a folder may hold side by side.

    Their files then share a place: the same split, and the same number or name.
    """
    places: dict[tuple[str | None, str], dict[str, Path]] = {}
    for path in paths:
        inner = path.relative_to(root)
        numbered = _NUMBERED.search(path.name)
        folders = "/".join(part for part in inner.parts[:-1] if split_of_word(part) is None)
        own = re.sub(r"[^A-Za-z]*$", "", _without_split(path.name[: numbered.start()])) if numbered else ""
        group = "/".join(filter(None, (folders, own)))
        place = split_of_file(str(inner)), numbered[0] if numbered else path.name
        places.setdefault(place, {}).setdefault(group, path)
    groups = next((sorted(found) for found in places.values() if len(found) > 1), None)
    if groups:
        raise InputError(
            f"{root} holds {len(groups)} data sets side by side ({', '.join(groups[:5])}); give the path of one of "
            f"them, for instance {root / groups[0]}, or move the files of each into a folder of its own"
        )


def _without_split(name: str) -> str:
    return "-".join(word for word in re.split(r"[-_.]", name) if word and split_of_word(word) is None)


def _image_column(file: TableFile) -> str | None:
    import pyarrow

    for field in file.schema:
        if pyarrow.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0:
            return str(field.name)
    return None


def _class_names(file: TableFile, label: str) -> list[str] | None:
    """The class names that Hugging Face's writer leaves in the schema."""
    try:
        about = json.loads((file.schema.metadata or {}).get(b"huggingface", b"{}"))
        names = about["info"]["features"][label]["names"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(names, list) or len(set(map(str, names))) != len(names) or not names:
        return None
    return [str(name) for name in names]
