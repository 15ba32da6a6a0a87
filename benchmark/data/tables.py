"""Tables: a manifest of paths and labels (CSV, JSONL, Parquet), and Parquet shards that hold the images themselves."""

from __future__ import annotations

import csv
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from . import cache
from .blob import blob
from .found import Found, part
from .stored import FILE, Listing
from .tree import TEST, TRAIN, VAL
from .wordnet import readable

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_LABELS = ("label", "labels", "fine_label", "class", "cls")
_BATCH = 256


def manifest(path: Path) -> Found:
    """Rows of path (relative to the manifest's folder), label and, if there is one, split. Raises InputError."""
    listing = Listing()
    labels: list[str] = []
    splits: list[str | None] = []
    for number, row in enumerate(_rows(path), start=1):
        file, label, split = row.get("path"), row.get("label"), row.get("split")
        if not isinstance(file, str) or not file or label is None or isinstance(label, (dict, list)) or label == "":
            raise InputError(f"{path}: row {number} lacks a path or a label")
        if "\0" in file:
            raise InputError(f"{path}: row {number} names no file")
        try:
            status = os.stat(path.parent / file)
            listing.add(file, 0, status.st_size, status.st_mtime_ns, FILE)
        except (OSError, ValueError):  # a missing file is an unreadable image, found when it is read
            listing.add(file, 0, 0, 0, FILE)
        labels.append(_class(label))
        splits.append(None if split in (None, "") else split_name(str(split), f"{path}: row {number}"))
    if not labels:
        raise InputError(f"{path} holds no rows")
    if len(set(listing.names)) != len(listing.names):
        twice = Counter(listing.names).most_common(1)[0][0]
        raise InputError(f"{path}: {twice!r} is listed twice")
    if None in splits and any(splits):
        raise InputError(f"{path}: row {splits.index(None) + 1} has no split, others have")
    stored = listing.stored(str(path.parent))
    return by_label(f"manifest ({path.suffix[1:].lower()})", stored, listing.names, labels, splits)


def by_label(
    layout: str,
    stored: Any,
    names: Sequence[str],
    labels: Sequence[str],
    splits: Sequence[str | None],
    class_ids: Sequence[str] | None = None,
) -> Found:
    """A data set from one label (a class id) and one split ("train", "val", "test" or None) an image.

    "test" stands for "val" where there is none, and is not used otherwise. ``class_ids``: the classes in their order,
    where that is known; else sorted, as numbers where all are.
    """
    given = {split for split in splits if split is not None}
    if given and "train" not in given:
        raise InputError(f"{stored.containers[0]}: there is no split called train (found: {', '.join(sorted(given))})")
    if given == {"train"}:
        splits, given = [None] * len(splits), set()
    held_out = "val" if "val" in given else "test"
    classes = tuple(class_ids) if class_ids is not None else tuple(sorted(set(labels), key=_order(set(labels))))
    label = {name: i for i, name in enumerate(classes)}
    wanted: dict[str | None, str] = {"train": "train", held_out: "val"} if given else {None: "all"}
    rows: dict[str, list[int]] = {split: [] for split in wanted.values()}
    for i, split in enumerate(splits):
        if split in wanted:
            rows[wanted[split]].append(i)
    parts = {
        split: part(stored, chosen, [label[labels[i]] for i in chosen], names.__getitem__)
        for split, chosen in rows.items()
    }
    return Found(layout, classes, readable(classes), parts, ignored=len(labels) - sum(map(len, rows.values())))


def split_name(word: str, where: str) -> str:
    """ "train", "val" or "test" for the many ways to write them. Raises InputError."""
    for name, known in (("train", TRAIN), ("val", VAL), ("test", TEST)):
        if word.strip().lower() in known:
            return name
    raise InputError(f"{where}: unknown split {word!r}; known: train, val, test")


def split_of_file(name: str) -> str | None:
    """The split that a shard's path tells: a word of it, as in ``train-00000-of-00014`` or ``val/0001``."""
    found = [word for word in re.split(r"[^a-z]+", name.lower()) if word in TRAIN + VAL + TEST]
    return split_name(found[-1], name) if found else None


def is_image_table(path: Path) -> bool:
    """Whether a file is Parquet that holds images themselves: a column of structs with ``bytes``."""
    return path.suffix.lower() == ".parquet" and _image_column(_open(path)) is not None


def image_shards(paths: Sequence[Path], root: Path) -> Found:
    """Parquet files with a column ``image{bytes, path}`` and a label. Raises InputError.

    Their pages are compressed, so the images are written once, as the files they are, into the cache folder.
    """
    labels: list[str] = []
    splits: list[str | None] = []
    names: list[str] = []
    class_ids: list[str] | None = None
    with blob(*map(cache.stamp, paths)) as images:
        for path in paths:
            file = _open(path)
            column = _image_column(file)
            if column is None:
                raise InputError(f"{path} has no column of images, other shards have")
            label = next((name for name in _LABELS if name in file.schema_arrow.names), None)
            if label is None:
                raise InputError(f"{path} has no column of labels ({', '.join(_LABELS)})")
            class_ids = _class_names(file, label) or class_ids
            split = split_of_file(str(path.relative_to(root)))
            for row in _batches(path, file, [column, label]):
                data, number = row[column] or {}, row[label]
                if number is None or isinstance(number, (list, dict)):
                    raise InputError(f"{path}: a row has no label")
                if class_ids and not (isinstance(number, int) and 0 <= number < len(class_ids)):
                    raise InputError(f"{path}: the label {number!r} is not one of {len(class_ids)} classes")
                images.add("", data.get("bytes") or b"")
                labels.append(class_ids[number] if class_ids else _class(number))
                splits.append(split)
                names.append(data.get("path") or "")
        stored = images.stored()
    if not labels:
        raise InputError(f"{paths[0]} holds no rows")
    if len(set(names)) != len(names):
        names = [f"{split or 'row'}-{i:08d}" for i, split in enumerate(splits)]
    return by_label("Parquet shards of images", stored, names, labels, splits, class_ids)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        file = _open(path)
        wanted = [name for name in ("path", "label", "split") if name in file.schema_arrow.names]
        yield from _batches(path, file, wanted) if wanted else iter(())
        return
    try:
        with open(path, encoding="utf-8-sig", newline="") as text:
            if suffix in (".jsonl", ".ndjson"):
                yield from _json_rows(path, text)
            else:
                reader = csv.DictReader(text, delimiter="\t" if suffix == ".tsv" else ",")
                for word in ("path", "label"):
                    if word not in (reader.fieldnames or ()):
                        raise InputError(f"{path}: the first line must name the columns; {word!r} is not among them")
                yield from reader
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def _json_rows(path: Path, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise InputError(f"{path}: line {number} is not JSON: {error}") from None
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number} is not an object with path and label")
        yield row


def _open(path: Path) -> Any:
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from None


def _batches(path: Path, file: Any, columns: list[str]) -> Iterator[dict[str, Any]]:
    import pyarrow

    try:
        for batch in file.iter_batches(_BATCH, columns=columns):
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from None


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


def _class(label: Any) -> str:
    """A class id: text as it is, whole numbers without a decimal point (Parquet makes floats of columns with gaps)."""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label).strip()


def _order(labels: set[str]) -> Any:
    return int if all(re.fullmatch(r"-?\d{1,18}", name) for name in labels) else str
