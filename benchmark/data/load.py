"""Recognise and examine once, keep the answer in the cache folder, and come back to it while the files are the same."""

from __future__ import annotations

import hashlib
import logging
import time
from pathlib import Path

import numpy as np
from topfive.common.files import atomic

from ..errors import InputError
from .examine import examined
from .layouts import layout_of_a_list, recognise
from .storage import cache
from .storage.found import Found
from .storage.index import libraries, loader_version, read, write
from .storage.location import Location
from .storage.stored import Stored

_log = logging.getLogger("topfive.data")


def load(path: Path, *, n_jobs: int, check: bool = False) -> Found:
    """The data set at ``path``, from the cache where nothing has changed since.

    check: decode every image, however many there are, to find the unreadable ones.
    """
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
        return found
    started = time.monotonic()
    found = examined(recognised or recognise(location), n_jobs=n_jobs, check=check)
    with atomic(index) as file:
        write(found, file)
    total = sum(len(part.labels) for part in found.parts.values())
    _log.info("indexed %s: %s images in %.1f s", path, f"{total:,}", time.monotonic() - started)
    return found


def _files_stamp(path: Path, listed: list[Stored]) -> str:
    """Over every file's name, size and modification time."""
    state = hashlib.blake2b(digest_size=16)
    for files in listed:
        for column in (files.paths.text, files.paths.ends, files.length, files.packed):
            state.update(np.ascontiguousarray(column).data)
    return f"{path.resolve()}\0{state.hexdigest()}"


def _there(found: Found) -> bool:
    return all(Path(name).exists() for part in found.parts.values() for name in part.stored.containers)
