"""A manifest: a table of paths and labels, as CSV, JSONL or Parquet."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..storage.found import Found
from ..storage.location import Location
from ..storage.stored import FILE, Listing
from . import image_tables
from .by_label import by_label, class_id
from .columns import FLAGS, FOLDS, LABELS, PATHS, SPLITS, SplitReader, first_of, plain
from .table_files import TableFile

LISTS_FILES = True  # which lie elsewhere and change without it
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_DELIMITERS = (",", ";", "\t", "|")
_Row = dict[str, Any]


def matches(location: Location) -> bool:
    """By the ending; a Parquet file that holds the images themselves is another layout."""
    return location.suffix in SUFFIXES and not image_tables.matches(location)


def read(location: Location) -> Found:
    """Rows of path (relative to the manifest's folder), label and, if there is one, split. Raises InputError.

    Rows of a test split may lack a label; they are not used.
    """
    return read_tables([(location.path, None)], f"manifest ({location.suffix[1:]})")


def read_tables(tables: Iterable[tuple[Path, str | None]], layout: str) -> Found:
    """Several manifests as one, each with the split that all of its rows are of, or None. Raises InputError."""
    listing = Listing()
    labels: list[str | None] = []
    splits: list[str | None] = []
    notes: list[str] = []
    tables = list(tables)
    root = Path(os.path.commonpath([path.parent for path, _ in tables]))
    for path, split in tables:
        _add_rows(path, root, split, listing, labels, splits, notes)
    if not labels:
        raise InputError(f"{tables[0][0]} holds no rows")
    path = tables[0][0]
    if len(set(listing.names)) != len(listing.names):
        twice = Counter(listing.names).most_common(1)[0][0]
        raise InputError(f"{path}: {twice!r} is listed twice")
    if None in splits and any(splits):
        raise InputError(f"{path}: row {splits.index(None) + 1} has no split, others have")
    _check_places(path, root, listing.names)
    return by_label(layout, listing.stored(str(root)), listing.names, labels, splits, notes=tuple(notes))


def has_columns(path: Path) -> bool:
    """Whether a table has a column of paths and one of labels."""
    try:
        first = next(iter(table_rows(path)), {})
    except InputError:
        return False
    return first_of(PATHS, list(first)) is not None and first_of(LABELS, list(first)) is not None


def _add_rows(
    path: Path,
    root: Path,
    split: str | None,
    listing: Listing,
    labels: list[str | None],
    splits: list[str | None],
    notes: list[str],
) -> None:
    told = iter(table_rows(path))
    first = next(told, None)
    if first is None:
        return
    header = [name for name in first if isinstance(name, str)]
    file_column, label_column = first_of(PATHS, header), first_of(LABELS, header)
    if file_column is None or label_column is None:
        raise _no_columns(path, header)
    reader = SplitReader.of(header, str(path), (file_column, label_column))
    folder = os.path.relpath(path.parent, root)
    start = len(labels)
    for number, row in enumerate(itertools.chain([first], told), start=1):
        file, label = row.get(file_column), row.get(label_column)
        own = split or reader.read(number, row.get(reader.column or ""))
        reader.watch(row)
        for late in row.keys() - header if len(row) > len(header) else ():  # rows of JSON may have more than the first
            if isinstance(late, str) and plain(late) in (*SPLITS, *FLAGS, *FOLDS):
                raise InputError(f"{path}: row 1 has no {late!r}, row {number} has it")
        if isinstance(label, (dict, list)):
            kind = type(label).__name__
            raise InputError(
                f"{path}: row {number}: the label is a {kind} ({str(label)[:40]}); give one class an image"
            )
        empty = label is None or label == "" or label != label
        if not isinstance(file, str) or not file or (empty and own != "test"):
            raise InputError(f"{path}: row {number} lacks a path or a label")
        name = file if folder == "." else os.path.join(folder, file)
        try:
            os.fsencode(name)
        except UnicodeEncodeError:
            raise InputError(f"{path}: row {number} names no file") from None
        if "\0" in file:
            raise InputError(f"{path}: row {number} names no file")
        try:
            status = os.stat(root / name)
            listing.add(name, 0, status.st_size, status.st_mtime_ns, FILE)
        except (OSError, ValueError):  # a missing file is an unreadable image, found when it is read
            listing.add(name, 0, 0, 0, FILE)
        labels.append(None if empty else class_id(label))
        splits.append(own)
    found = None if split else reader.found()
    if found is not None:
        notes.append(f"The column {found[0]!r} of {path.name} was taken as the split: it holds nothing else.")
        splits[start:] = found[1]


def _no_columns(path: Path, header: Sequence[str]) -> InputError:
    missing = "path" if first_of(PATHS, header) is None else "label"
    found = ", ".join(map(repr, header)) or "none"
    return InputError(f"{path}: the first line must name the columns; {missing!r} is not among them (found: {found})")


def _check_places(path: Path, root: Path, names: Sequence[str]) -> None:
    """Raises InputError where not one of the files is there: the paths are meant from somewhere else."""
    if any(os.path.lexists(root / name) for name in names):
        return
    here = os.path.relpath(names[0], os.path.relpath(path.parent, root))
    elsewhere = Path.cwd() / here
    there = f"{elsewhere} does" if elsewhere.exists() else f"{elsewhere} neither"
    raise InputError(
        f"{path}: none of its {len(names):,} files is there: {path.parent / here} does not exist, {there}; paths are "
        "meant from the table's own folder: move the table, or write full paths"
    )


def table_rows(path: Path, paths: Sequence[str] = PATHS, labels: Sequence[str] = LABELS) -> Iterator[_Row]:
    """The rows of a table, whose columns of paths and labels go by one of these names. Raises InputError."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        table = TableFile(path)
        wanted = [field.name for field in table.schema if plain(field.name) in PATHS + LABELS or _is_plain(field)]
        yield from table.rows(wanted)
        return
    try:
        with open(path, "rb") as file:
            encoding = _encoding(file.read(4096))
        # Bytes that are no UTF-8 are kept: a path may hold them.
        with open(path, encoding=encoding, errors="surrogateescape", newline="") as text:
            if suffix in (".jsonl", ".ndjson"):
                yield from _json_rows(path, text)
            else:
                yield from _csv_rows(path, text, suffix, paths, labels)
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def _is_plain(field: Any) -> bool:
    """Whether a column of Parquet holds words, numbers or flags."""
    import pyarrow.types as types

    kind = field.type.value_type if types.is_dictionary(field.type) else field.type
    tests = (types.is_string, types.is_large_string, types.is_integer, types.is_floating, types.is_boolean)
    return any(test(kind) for test in tests)


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(head) > 3 and 0 in (head[0], head[1]) and head[:64].count(0) >= len(head[:64]) // 3:
        return "utf-16-le" if head[1] == 0 else "utf-16-be"
    return "utf-8-sig"


def _csv_rows(
    path: Path, text: io.TextIOBase, suffix: str, paths: Sequence[str], labels: Sequence[str]
) -> Iterator[_Row]:
    first = text.readline()
    likely = sorted(_DELIMITERS, key=lambda one: one != ("\t" if suffix == ".tsv" else ","))
    for delimiter in likely:
        header = next(csv.reader([first], delimiter=delimiter), [])
        if first_of(paths, header) is not None and first_of(labels, header) is not None:
            yield from csv.DictReader(text, header, delimiter=delimiter)
            return
    raise _no_columns(path, max((next(csv.reader([first], delimiter=one), []) for one in likely), key=len))


def _json_rows(path: Path, lines: Iterable[str]) -> Iterator[_Row]:
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
