"""Recognise and examine once, keep the answer in the cache folder, and come back to it while the files are the same."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from topfive.common.files import atomic

from ..errors import InputError
from . import cache
from .containers import list_folder
from .found import VERSION, Found, Part, read, write
from .layouts import recognise
from .stored import Reader, Stored, examine
from .tables import SUFFIXES, is_image_table

# Data sets up to this size have every image decoded once when they are indexed; larger ones when it is asked for.
CHECKED_IMAGES, CHECKED_BYTES = 250_000, 4 * 2**30
_log = logging.getLogger("topfive.data")


def load(path: Path, *, n_jobs: int, check: bool = False) -> Found:
    """The data set at ``path``, from the cache where nothing has changed since.

    check: decode every image, however many there are, to find the unreadable ones.
    """
    listed, recognised = None, None
    try:
        if path.is_dir():
            listed = list_folder(path)
            stamp = _files_stamp(path, [listed])
        elif path.suffix.lower() in SUFFIXES and not is_image_table(path):
            # A manifest says nothing about its images' own changes, so they are listed each time as a folder's are.
            recognised = recognise(path)
            stamp = _files_stamp(path, [part.stored for part in recognised.parts.values()]) + cache.stamp(path)
        else:
            stamp = cache.stamp(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    index = cache.folder("indexes") / (cache.key(str(VERSION), stamp) + ".npz")
    found = None
    if index.exists():
        with open(index, "rb") as file:
            found = read(file)
    if found is not None and _there(found) and (not check or all(part.checked for part in found.parts.values())):
        return found
    started = time.monotonic()
    found = examined(recognised or recognise(path, listed), n_jobs=n_jobs, check=check)
    with atomic(index) as file:
        write(found, file)
    total = sum(len(part.labels) for part in found.parts.values())
    _log.info("indexed %s: %s images in %.1f s", path, f"{total:,}", time.monotonic() - started)
    return found


def examined(found: Found, *, n_jobs: int, check: bool = False) -> Found:
    """With digests, unreadable images and leakage filled in."""
    total = sum(int(part.stored.length.sum()) for part in found.parts.values())
    number = sum(len(part.labels) for part in found.parts.values())
    whole = check or (total <= CHECKED_BYTES and number <= CHECKED_IMAGES)
    parts = {}
    for name, part in found.parts.items():
        digests, bad = examine(Reader(part.stored), whole=whole, n_jobs=n_jobs)
        parts[name] = replace(part, digests=digests, bad=bad, checked=whole)
    return replace(found, parts=parts, leaks=_leaks(parts))


def _leaks(parts: dict[str, Part]) -> NDArray[np.int64]:
    """(m, 2) positions in val and train of identical files: equal digests first, then all of the bytes."""
    if "val" not in parts:
        return np.zeros((0, 2), np.int64)
    train, val = parts["train"], parts["val"]
    keys = [np.ascontiguousarray(part.digests).view("V16").ravel() for part in (train, val)]
    common = np.flatnonzero(np.isin(_sortable(keys[1]), _sortable(keys[0])))
    if not len(common):
        return np.zeros((0, 2), np.int64)
    of_train: dict[bytes, list[int]] = {}
    wanted = {keys[1][v].tobytes() for v in common.tolist()}
    for t in np.flatnonzero(np.isin(_sortable(keys[0]), _sortable(keys[1][common]))).tolist():
        digest = keys[0][t].tobytes()
        if digest in wanted:
            of_train.setdefault(digest, []).append(t)
    readers = Reader(train.stored), Reader(val.stored)
    pairs = []
    for v in map(int, common):
        if v in val.bad:
            continue
        for t in of_train.get(keys[1][v].tobytes(), []):
            if t not in train.bad and readers[0].read(t) == readers[1].read(v):
                pairs.append((v, t))
                break
    return np.array(pairs, np.int64).reshape(-1, 2)


def _sortable(keys: NDArray[np.void]) -> NDArray[np.uint64]:
    """The first half of each digest, as numbers that numpy can sort."""
    return np.frombuffer(keys.tobytes(), "<u8")[::2]


def _files_stamp(path: Path, listed: list[Stored]) -> str:
    """Over every file's name, size and modification time."""
    state = hashlib.blake2b(digest_size=16)
    for files in listed:
        for column in (files.paths.text, files.paths.ends, files.length, files.packed):
            state.update(np.ascontiguousarray(column).data)
    return f"{path.resolve()}\0{state.hexdigest()}"


def _there(found: Found) -> bool:
    return all(Path(name).exists() for part in found.parts.values() for name in part.stored.containers)
