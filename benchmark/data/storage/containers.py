"""Folders, tars (tars inside tars too), gzipped tars and zips, listed as columns; nothing is extracted.

A ``.tar.gz`` cannot be read by offset, so it is unpacked once into the user's cache folder, as a plain tar.
"""

from __future__ import annotations

import gzip
import shutil
import zlib
from pathlib import Path

from topfive.common.files import atomic

from ...errors import InputError
from . import cache
from .folder import list_folder
from .stored import Stored
from .tar import list_tar
from .zip import list_zip

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
TARS, GZIPPED, ZIPS = (".tar",), (".tar.gz", ".tgz"), (".zip",)
_MAX_UNPACKED = 400 * 2**30


def listing(path: Path) -> Stored:
    """Every file in a folder or archive but hidden ones, in the order they lie there. Raises InputError."""
    if path.is_dir():
        return list_folder(path)
    refuse_pointer(path)
    name = path.name.lower()
    if name.endswith(ZIPS):
        return list_zip(path)
    if name.endswith(GZIPPED):
        return list_tar(unpacked(path))
    if name.endswith(TARS):
        return list_tar(path)
    raise InputError(f"{path} is neither a folder nor a .tar, .tar.gz or .zip")


def refuse_pointer(path: Path) -> None:
    """Raises InputError where a file is a Git LFS pointer, or cannot be opened."""
    try:
        with open(path, "rb") as file:
            if file.read(len(LFS_POINTER)) == LFS_POINTER:
                raise InputError(f"{path} is a Git LFS pointer, not the file; `git lfs pull` in its folder fetches it")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def unpacked(path: Path) -> Path:
    """The plain tar inside a ``.tar.gz``, in the cache folder; made on the first call."""
    target = cache.folder("unpacked") / (cache.key(cache.stamp(path)) + ".tar")
    if target.exists():
        return target
    free = shutil.disk_usage(target.parent).free
    try:
        with gzip.open(path, "rb") as source, atomic(target) as file:
            while piece := source.read(4 * 2**20):
                file.write(piece)
                if file.tell() > min(_MAX_UNPACKED, free * 0.95):
                    raise InputError(f"{path} does not fit unpacked into the cache folder {target.parent}")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be unpacked ({error}); download or pack it again") from None
    return target
