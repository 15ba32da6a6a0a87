"""Images that cannot be read where they lie, written once, back to back, into one file of the cache folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from topfive.common.files import atomic

from ...errors import InputError
from . import cache
from .index import loader_version
from .stored import RAW, Listing, Stored


class Blob:
    """A file of image files that grows; ``stored`` describes it once it is whole."""

    def __init__(self, file: BinaryIO, target: Path) -> None:
        self._file = file
        self._target = target
        self._listing = Listing()
        self._most = int(shutil.disk_usage(target.parent).free * 0.95)

    def add(self, name: str, data: bytes) -> None:
        """One more image file. Raises InputError where the disk would be full."""
        start = self._file.tell()
        if start + len(data) > self._most:
            raise InputError(f"the images do not fit into the cache folder {self._target.parent}; set TOPFIVE_CACHE")
        self._file.write(data)
        self._listing.add(name, start, len(data), len(data), RAW)

    def stored(self) -> Stored:
        """What has been added, in that order."""
        return self._listing.stored(str(self._target))


@contextmanager
def blob(*stamps: str) -> Iterator[Blob]:
    """A new blob, kept under ``stamps`` of what it is made from when all went well."""
    target = cache.folder("unpacked") / (cache.key(loader_version(), *stamps) + ".blob")
    with atomic(target) as file:
        yield Blob(file, target)
