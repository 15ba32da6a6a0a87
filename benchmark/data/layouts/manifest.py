"""A manifest: a table of paths and labels, as CSV, JSONL or Parquet."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..storage.found import Found
from ..storage.location import Location
from ..storage.split_words import split_name
from ..storage.stored import FILE, Listing
from . import image_tables
from .by_label import by_label, class_id
from .parquet import open_parquet, rows

LISTS_FILES = True  # which lie elsewhere and change without it
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


def matches(location: Location) -> bool:
    """By the ending; a Parquet file that holds the images themselves is another layout."""
    return location.suffix in SUFFIXES and not image_tables.matches(location)


def read(location: Location) -> Found:
    """Rows of path (relative to the manifest's folder), label and, if there is one, split. Raises InputError."""
    path = location.path
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
        labels.append(class_id(label))
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


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        file = open_parquet(path)
        wanted = [name for name in ("path", "label", "split") if name in file.schema_arrow.names]
        yield from rows(path, file, wanted) if wanted else iter(())
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
