"""The cache's size: shown, bounded, cleared. What is in it can always be made again."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ..data import loader_version
from ..data.storage.cache import folder as cache_folder
from ..data.storage.cache import root
from ..errors import InputError
from ..results.environment import versions

FRESH = "fresh-"
UNFINISHED, ABANDONED_SECONDS = (".part", ".tmp"), 86_400
DEFAULT_GB = 50.0  # and never more than half of what the disk could give; TOPFIVE_CACHE_GB says otherwise


@dataclass(frozen=True)
class CacheFolder:
    """One folder of the cache: how many files, how many bytes."""

    name: str
    files: int
    size: int


def kinds() -> list[CacheFolder]:
    """What is in the cache, by kind."""
    if not root().is_dir():
        return []
    folders = sorted(path for path in root().iterdir() if path.is_dir())
    return [
        CacheFolder(folder.name, len(found := _files(folder)), sum(size for _, size, _ in found)) for folder in folders
    ]


def limit() -> int:
    """Bytes that contenders' stages may take."""
    text = os.environ.get("TOPFIVE_CACHE_GB")
    if text is None:
        folder = next(path for path in (root(), *root().parents) if path.exists())
        return int(min(DEFAULT_GB * 1e9, 0.5 * shutil.disk_usage(folder).free + sum(k.size for k in kinds())))
    try:
        return int(float(text) * 1e9)
    except ValueError:
        raise InputError(f"TOPFIVE_CACHE_GB is {text!r}; give a number of gigabytes") from None


@contextmanager
def stages(*, fresh: bool) -> Iterator[Path]:
    """Where contenders keep their stages; for a fresh start an empty folder, which is gone afterwards.

    Each version of the loader and of the libraries that compute has a folder of its own: what another decoder, another
    resize or another torch made is never taken up.
    """
    if fresh:
        path = cache_folder(f"{FRESH}{uuid.uuid4().hex[:8]}")
    else:
        made_by = repr((loader_version(), sorted(versions().items())))
        path = cache_folder(f"stages/{hashlib.blake2b(made_by.encode(), digest_size=6).hexdigest()}")
    try:
        yield path
    finally:
        if fresh:
            shutil.rmtree(path, ignore_errors=True)
        else:
            prune()


def prune(most: int | None = None) -> int:
    """Remove the stages that were not used for longest until ``most`` bytes are left; returns the bytes removed.

    Files that a killed run was writing, which no run takes up again, go after a day.
    """
    most = limit() if most is None else most
    for _, _, path in _files(root() / "stages"):
        with suppress(OSError):  # another runner may have been quicker
            if path.suffix in UNFINISHED and time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()
    # Also what runs that were killed left of a fresh start; one that goes on uses its files, so they stay.
    files = sorted(chain(*map(_files, [root() / "stages", *root().glob(f"{FRESH}*")])))
    total = sum(size for _, size, _ in files)
    removed = 0
    for _, size, path in files:
        if total - removed <= most:
            break
        path.unlink(missing_ok=True)
        removed += size
    return removed


def clear() -> int:
    """Empty the cache; returns the bytes removed."""
    removed = sum(kind.size for kind in kinds())
    for kind in kinds():
        shutil.rmtree(root() / kind.name, ignore_errors=True)
    return removed


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    """(last use, bytes, path) of every file; one that vanishes meanwhile is not there."""
    found = []
    for path in folder.rglob("*"):
        try:
            status = path.lstat()
        except OSError:
            continue
        if not path.is_dir():
            found.append((max(status.st_atime, status.st_mtime), status.st_size, path))
    return found
