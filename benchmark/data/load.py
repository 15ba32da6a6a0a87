"""Recognise and examine once, keep the answer in the cache folder, and come back to it while the files are the same."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from topfive.common.files import atomic

from ..errors import InputError
from .examine import examined
from .layouts import layout_of_a_list, recognise
from .storage import cache
from .storage.found import Found
from .storage.index import libraries, loader_version, read, write
from .storage.left_out import Tally
from .storage.location import Location
from .storage.stored import Stored

_HUB = {"snapshots", "refs", "blobs"}
_log = logging.getLogger("topfive.data")


def load(path: Path, *, n_jobs: int, check: bool = False) -> Found:
    """The data set at ``path``, from the cache where nothing has changed since.

    check: decode every image, however many there are, to find the unreadable ones.
    """
    path, notes = _revision(path)
    location, recognised = Location(path), None
    try:
        if path.is_dir():
            stamp = _files_stamp(path, [location.stored])
        elif (layout := layout_of_a_list(location)) is not None:
            # A list says nothing about its images' own changes, so they are looked up each time as a folder's are.
            recognised = layout.read(location)
            stamp = _files_stamp(path, [part.stored for part in recognised.parts.values()]) + cache.stamp(path)
        else:
            stamp = cache.stamp(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    index = cache.folder("indexes") / (cache.key(loader_version(), libraries(), stamp) + ".npz")
    found = None
    if index.exists():
        with open(index, "rb") as file:
            found = read(file)
    if found is not None and _there(found) and (not check or all(part.checked for part in found.parts.values())):
        return _as_it_is_now(found, location, notes)
    started = time.monotonic()
    found = examined(recognised or recognise(location), n_jobs=n_jobs, check=check)
    if not location.is_folder and recognised is None and location.is_archive:
        found = replace(found, left_out=Tally(found.left_out, location.stored.left_out).all())
    with atomic(index) as file:
        write(found, file)
    total = sum(len(part.labels) for part in found.parts.values())
    _log.info("indexed %s: %s images in %.1f s", path, f"{total:,}", time.monotonic() - started)
    return _as_it_is_now(found, location, notes)


def _as_it_is_now(found: Found, location: Location, notes: tuple[str, ...]) -> Found:
    """With the hidden files of a folder: they come and go, and are no reason to look at its images again."""
    hidden = location.stored.left_out if location.is_folder else ()
    return replace(found, notes=(*found.notes, *notes), left_out=Tally(found.left_out, hidden).all())


def _revision(path: Path) -> tuple[Path, tuple[str, ...]]:
    """Of a folder in which Hugging Face's hub keeps several revisions of a data set, that of ``main``, and a note."""
    if not (path / "snapshots").is_dir() or {one.name for one in path.iterdir()} - _HUB - {".no_exist"}:
        return path, ()
    revisions = sorted(one.name for one in (path / "snapshots").iterdir() if one.is_dir())
    main = path / "refs" / "main"
    named = main.read_text(encoding="utf-8", errors="replace").strip() if main.is_file() else ""
    if len(revisions) == 1:
        return path / "snapshots" / revisions[0], ()
    if named in revisions:
        note = f"{path.name} holds {len(revisions)} revisions; that of main was taken ({named})."
        return path / "snapshots" / named, (note,)
    if not revisions:
        return path, ()
    raise InputError(
        f"{path} holds {len(revisions)} revisions of a data set ({', '.join(revisions[:5])}); give the path of one, "
        f"for instance {path / 'snapshots' / revisions[0]}"
    )


def _files_stamp(path: Path, listed: list[Stored]) -> str:
    """Over every file's name, size and modification time."""
    state = hashlib.blake2b(digest_size=16)
    for files in listed:
        for column in (files.paths.text, files.paths.ends, files.length, files.packed):
            state.update(np.ascontiguousarray(column).data)
    return f"{path.resolve()}\0{state.hexdigest()}"


def _there(found: Found) -> bool:
    return all(Path(name).exists() for part in found.parts.values() for name in part.stored.containers)
