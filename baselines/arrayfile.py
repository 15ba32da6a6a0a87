"""Named arrays in one file that is checked when it is opened. No pickle: reading a file runs no code.

Layout: 8 bytes ``MAGIC``; the length of the header (8 bytes, little endian) and its BLAKE2b digest (16 bytes); the
header, JSON padded with spaces; the arrays, each at a multiple of 4,096 bytes so that it can be mapped into memory.
The header holds shapes, types and offsets, whatever ``about`` says, and a CRC-32 of each 4 MiB of the rest. So every
byte of a file is checked. A CRC finds damage, not forgery: whoever can write into the cache can also forge its arrays.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

MAGIC = b"TOPFIVE\x01"
PREFIX = len(MAGIC) + 8 + 16  # bytes before the header
PAGE = 4096  # bytes
BLOCK = 4 * 2**20  # bytes that share a CRC-32
ABOUT = 4096  # bytes that are kept free in the header for ``about``
LONGEST_HEADER = 64 * 2**20  # bytes; that of a file of 30 TB

Arrays = dict[str, NDArray[Any]]


class Damaged(ValueError):
    """The file is not what was written."""


class Draft:
    """A file that is being written: fill ``arrays``, which lie in it, then ``finish``."""

    def __init__(self, file: BinaryIO, layout: Mapping[str, tuple[tuple[int, ...], Any, str]]) -> None:
        """``file``: empty, open for reading and writing. ``layout``: shape, dtype, order ("C", "F") of each array."""
        self._file = file
        self._entries: dict[str, dict[str, Any]] = {}
        end = 0
        for name, (shape, dtype, order) in layout.items():
            self._entries[name] = {"shape": list(shape), "dtype": np.dtype(dtype).str, "order": order, "offset": end}
            end += _pages(math.prod(shape) * np.dtype(dtype).itemsize)
        self._length = end
        header = len(json.dumps(self._entries)) + 8 * -(-end // BLOCK) + ABOUT
        self._body = _pages(PREFIX + header)
        file.truncate(self._body + end)
        self.arrays = _mapped(file, self._entries, self._body, "r+")

    def readable(self) -> Arrays:
        """The arrays, as read-only memory maps."""
        return _mapped(self._file, self._entries, self._body, "r")

    def finish(self, about: Mapping[str, Any]) -> None:
        """Write the header. ``about``: JSON's own types, at most 4 kB of them."""
        for array in self.arrays.values():
            if isinstance(array, np.memmap):
                array.flush()
        header = {"about": dict(about), "arrays": self._entries, "length": self._length}
        checks = "".join(f"{value:08x}" for value in _checks(self._file.fileno(), self._body, self._length))
        text = json.dumps({**header, "crc32": checks}).encode()
        if len(text) > self._body - PREFIX:
            raise ValueError(f"more than {ABOUT} bytes about the arrays")
        text = text.ljust(self._body - PREFIX)
        self._file.seek(0)
        self._file.write(MAGIC + len(text).to_bytes(8, "little") + _digest(text) + text)


def write_arrays(file: BinaryIO, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write all of it into an empty file that is open for reading and writing.

    Arrays keep the order of their values in memory, on which the last digits of products depend.
    """
    orders = {name: "C" if array.flags.c_contiguous else "F" for name, array in arrays.items()}
    draft = Draft(file, {name: (array.shape, array.dtype, orders[name]) for name, array in arrays.items()})
    for name, array in arrays.items():
        draft.arrays[name][...] = array
    draft.finish(about)


def read_arrays(path: Path) -> tuple[dict[str, Any], Arrays]:
    """What the file says about its arrays, and the arrays as read-only memory maps.

    All bytes are read and checked first, about 2 GB/s a core. Damaged: the file is cut short, longer, or changed.
    OSError: it cannot be read.
    """
    with path.open("rb") as file:
        prefix = file.read(PREFIX)
        if len(prefix) < PREFIX or not prefix.startswith(MAGIC):
            raise Damaged("no such file was written here")
        length = int.from_bytes(prefix[len(MAGIC) : len(MAGIC) + 8], "little")
        text = file.read(length) if length <= LONGEST_HEADER else b""
        if _digest(text) != prefix[len(MAGIC) + 8 :]:
            raise Damaged("its header was changed")
        header = json.loads(text)
        body, size = PREFIX + length, os.fstat(file.fileno()).st_size
        if size != body + header["length"]:
            raise Damaged(f"it has {size:,} bytes, not {body + header['length']:,}")
        written = [int(header["crc32"][i : i + 8], 16) for i in range(0, len(header["crc32"]), 8)]
        if _checks(file.fileno(), body, header["length"]) != written:
            raise Damaged("its arrays were changed")
        return header["about"], _mapped(file, header["arrays"], body, "r")


def _mapped(file: BinaryIO, entries: Mapping[str, dict[str, Any]], body: int, mode: Any) -> Arrays:
    arrays: Arrays = {}
    for name, entry in entries.items():
        shape, dtype = tuple(entry["shape"]), np.dtype(entry["dtype"])
        if math.prod(shape):
            arrays[name] = np.memmap(file, dtype, mode, body + entry["offset"], shape, entry["order"])
        else:  # there is no map of no bytes
            arrays[name] = np.empty(shape, dtype)
    return arrays


def _checks(descriptor: int, start: int, length: int) -> list[int]:
    """CRC-32 of each block, read by as many threads as torch has."""

    def check(offset: int) -> int:
        left, crc = min(BLOCK, length - offset), 0
        while left:
            data = os.pread(descriptor, left, start + offset)
            if not data:
                raise Damaged("it was cut short while it was read")
            crc, offset, left = zlib.crc32(data, crc), offset + len(data), left - len(data)
        return crc

    with ThreadPoolExecutor(torch.get_num_threads(), thread_name_prefix="crc") as pool:
        return list(pool.map(check, range(0, length, BLOCK)))


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).digest()


def _pages(n_bytes: int) -> int:
    return -(-n_bytes // PAGE) * PAGE
