"""Images with ``metadata.csv`` beside them, or one in each split, as Hugging Face's ``imagefolder`` has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..storage.found import Found
from ..storage.left_out import Tally
from ..storage.location import Location
from ..storage.split_words import split_of_folder
from . import manifest
from .beside import beside

_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


def matches(location: Location) -> bool:
    """Whether such a table has a column of paths (``file_name``) and one of labels."""
    tables = _tables(location)
    return bool(tables) and all(manifest.has_columns(path) for path, _ in tables)


def read(location: Location) -> Found:
    """See ``manifest.read_tables``; a table in a split's folder tells the split of its rows."""
    tables = _tables(location)
    found = manifest.read_tables(tables, "images with metadata tables")
    listed = [Path(part.stored.containers[0]) / name for part in found.parts.values() for name in part.stored.paths]
    root = location.path.absolute()
    inside = [location.path / path.relative_to(root) for path in listed if path.is_relative_to(root)]
    others = beside(location, [*inside, *(path for path, _ in tables)])
    return replace(found, left_out=Tally(found.left_out, others.all()).all())


def _tables(location: Location) -> list[tuple[Path, str | None]]:
    """The tables, each with its split; those of a folder that is no split belong to something else."""
    if not location.is_folder:
        return []
    found = []
    for path in location.files(*_NAMES):
        folders = path.relative_to(location.path).parts[:-1]
        split = split_of_folder(folders[0]) if len(folders) == 1 else None
        if path.name.lower() in _NAMES and (not folders or split is not None):
            found.append((path, split[0] if split else None))
    return found
