"""The user's cache folder: indexes and unpacked archives, written atomically, never trusted blindly."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import platformdirs

from ...errors import InputError


def root() -> Path:
    """The cache's folder, which may not be there yet."""
    return Path(os.environ.get("TOPFIVE_CACHE") or platformdirs.user_cache_dir("topfive", appauthor=False))


def folder(kind: str) -> Path:
    """``<the user's cache>/topfive/<kind>``, made where it is missing; ``TOPFIVE_CACHE`` moves it."""
    path = root() / kind
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the cache folder {path}: {error.strerror}; set TOPFIVE_CACHE") from None
    return path


def stamp(path: Path) -> str:
    """What a file's cached results are keyed by: its absolute path, size and modification time."""
    status = path.stat()
    return f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"


def key(*parts: str) -> str:
    """A short file name for ``parts``."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
