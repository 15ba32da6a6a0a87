"""A folder with Croissant metadata (MLCommons, version 1.0), which says where images, labels and splits are.

Read are record sets whose fields come from the paths of files (by a regular expression) or from the columns of one
table beside them. Metadata that says less, or tells of files that are not here, is passed by: the files are then looked
at as those of any folder.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ..storage.found import Found
from ..storage.left_out import Tally
from ..storage.location import Location
from ..storage.split_words import split_of_word
from ..storage.tree import Tree
from . import manifest
from .beside import BESIDE
from .by_label import by_label, class_id
from .columns import LABELS, PATHS, SPLITS, plain

_NAMES = ("croissant.json", "metadata.json", "croissant.jsonld")
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_Node = dict[str, Any]


@dataclass(frozen=True)
class _Plan:
    """images: patterns of the files. label, split: told by a path, or by the row of ``table`` that names the file."""

    images: tuple[str, ...]
    label: Callable[[Any], str | None]
    split: Callable[[Any], str | None] | None
    table: str | None = None
    column: str = ""
    label_column: str = ""


def matches(location: Location) -> bool:
    """Whether there is such metadata, and it says enough."""
    return location.is_folder and _plan(location) is not None


def read(location: Location) -> Found:
    """The images that the metadata tells of. Raises InputError."""
    plan = _plan(location)
    if plan is None:
        raise InputError(f"{location.path} has no Croissant metadata that says where images and labels are")
    tree = Tree(location.path, location.stored, outer=True)
    wanted = [i for i in tree.images if any(fnmatch.fnmatch(tree.names[i], one) for one in plan.images)]
    told = _by_table(tree, plan, wanted) if plan.table else {i: tree.names[i] for i in wanted}
    names, labels, splits, places = [], [], [], []
    for i, source in told.items():
        split = plan.split(source) if plan.split is not None else None
        side = None if split is None else split_of_word(split)
        if split is not None and side is None:
            raise InputError(f"{location.path}: the metadata tells the unknown split {split!r} of {tree.names[i]}")
        places.append(i)
        names.append(tree.names[i])
        labels.append(plan.label(source))
        splits.append(side)
    others = Tally(one for one in tree.others)
    for i in tree.images:
        if i not in told:
            others.add(BESIDE, tree.names[i])
    if not places:
        raise InputError(f"{location.path}: the Croissant metadata tells of no image that is here")
    stored = tree.stored.take(np.array(places, np.int64))
    return by_label("Croissant", stored, names, labels, splits, left_out=others.all())


def _by_table(tree: Tree, plan: _Plan, wanted: list[int]) -> dict[int, Any]:
    """Image → its row."""
    paths = {tree.names[i]: i for i in wanted}
    bases: dict[str, int] = {}
    for name, i in paths.items():
        bases.setdefault(name.rpartition("/")[2], i)
    found = {}
    path = tree.path / (plan.table or "")
    for row in manifest.table_rows(path, (plain(plan.column),), (plain(plan.label_column),)):
        name = str(row.get(plan.column, ""))
        place = paths.get(name, bases.get(name.rpartition("/")[2]))
        if place is None:
            raise InputError(f"{tree.path}: {plan.table} names {name!r}, which is not among the images")
        found[place] = row
    return found


def _plan(location: Location) -> _Plan | None:
    for name in _NAMES:
        file = location.path / name
        try:
            about = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(about, dict) and "croissant" in json.dumps([about.get("conformsTo"), about.get("@context")]):
            files = {_id(one): one for one in _list(about.get("distribution"))}
            for records in _list(about.get("recordSet")):
                plan = _plan_of(location.path, files, _list(records.get("field")))
                if plan is not None:
                    return plan
    return None


def _plan_of(root: Path, files: dict[str, _Node], fields: list[_Node]) -> _Plan | None:
    image = _field(fields, "ImageObject", PATHS)
    label = _field(fields, "Label", LABELS)
    split = _field(fields, "Split", SPLITS)
    if image is None or label is None:
        return None
    patterns = tuple(
        pattern
        for one in files.values()
        if "FileSet" in str(one.get("@type"))
        for pattern in _strings(one.get("includes"))
    )
    of_label, column = _source(label), None
    table = _content(root, files, of_label)
    if table is not None:
        column = next((name for one in fields if (name := _column(one)) and _names_images(one, image)), None)
        if column is None or not table.lower().endswith(_TABLES):
            return None
    elif not patterns or "regex" not in json.dumps(of_label):
        return None
    told = _getter(label), None if split is None else _getter(split)
    return _Plan(patterns or ("*",), *told, table, column or "", _column(label) or "")


def _names_images(field: _Node, image: _Node) -> bool:
    """Whether a field of a table says which image a row is about."""
    refers = field.get("references") is not None or _id(field) == _id(image)
    return refers or plain(_id(field).rpartition("/")[2]) in PATHS


def _getter(field: _Node) -> Callable[[Any], str | None]:
    """From a path or a row to what the field says of it."""
    source = _source(field)
    column = _column(field)
    patterns = [re.compile(one["regex"]) for one in _list(source.get("transform")) if "regex" in one]

    def get(told: Any) -> str | None:
        value = told.get(column) if isinstance(told, dict) else told
        if value is None or value == "":
            return None
        text = class_id(value)
        for pattern in patterns:
            found = pattern.search(text)
            if found is None:
                return None
            text = found[1] if found.groups() else found[0]
        return text

    return get


def _field(fields: list[_Node], kind: str, names: tuple[str, ...]) -> _Node | None:
    """The field of a data type, else the one that is called so."""
    typed = [field for field in fields if any(kind in one for one in _strings(field.get("dataType")))]
    called = [field for field in fields if plain(_id(field).rpartition("/")[2]) in names]
    return next(iter((*typed, *called)), None)


def _content(root: Path, files: dict[str, _Node], source: _Node) -> str | None:
    """The path below ``root`` of the one file that a field comes from."""
    target = files.get(_id(source.get("fileObject") or {}))
    address = str(target.get("contentUrl", "")) if target is not None else ""
    name = address.rpartition("/")[2] if "://" in address else address.removeprefix("./")
    return name if name and (root / name).is_file() else None


def _source(field: _Node) -> _Node:
    source = field.get("source")
    return source if isinstance(source, dict) else {}


def _column(field: _Node) -> str | None:
    extract = _source(field).get("extract")
    column = extract.get("column") if isinstance(extract, dict) else None
    return None if column is None else str(column)


def _id(node: Any) -> str:
    return str(node.get("@id") or node.get("name") or "") if isinstance(node, dict) else str(node or "")


def _list(value: Any) -> list[_Node]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, dict)]


def _strings(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]
