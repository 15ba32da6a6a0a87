"""A pack: all images of a data set in one file with their index, as ``topfive data pack`` writes it.

The file is a mark, the images' files back to back, the index (as in the cache) and a footer of fixed size that says
where the index begins.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import replace

from ...errors import InputError
from ..storage import index
from ..storage.found import Found
from ..storage.location import Location

MARK = b"topfive pack 1\n\0"
_FOOTER = 16 + 16 + len(MARK)  # where the index begins, how long it is (8 bytes each), its digest, the mark again


def matches(location: Location) -> bool:
    """Whether a file begins as a pack does."""
    if location.is_folder:
        return False
    with open(location.path, "rb") as file:
        return file.read(len(MARK)) == MARK


def footer(start: int, index: bytes) -> bytes:
    """What ends a pack whose ``index`` begins at byte ``start``."""
    digest = hashlib.blake2b(index, digest_size=16).digest()
    return start.to_bytes(8, "little") + len(index).to_bytes(8, "little") + digest + MARK


def read(location: Location) -> Found:
    """The index of a pack. Raises InputError where it is cut short or damaged."""
    path = location.path
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - _FOOTER))
        last = file.read()
        start, length = int.from_bytes(last[:8], "little"), int.from_bytes(last[8:16], "little")
        found = None
        if last.endswith(MARK) and len(last) == _FOOTER and start + length + _FOOTER == end:
            file.seek(start)
            packed = file.read(length)
            if hashlib.blake2b(packed, digest_size=16).digest() == last[16:32]:
                found = index.read(io.BytesIO(packed))
    if found is None:
        raise InputError(f"{path} is a pack that is cut short, damaged or of another version; pack it again")
    here = (str(path.absolute()),)
    parts = {name: replace(part, stored=replace(part.stored, containers=here)) for name, part in found.parts.items()}
    return replace(found, parts=parts)
