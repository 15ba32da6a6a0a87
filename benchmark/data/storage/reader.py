"""The bytes of stored files."""

from __future__ import annotations

import hashlib
import os
import threading
import zlib
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .stored import DEFLATED, FILE, Stored

MAX_BYTES = 256 * 2**20  # of one image file
_EDGE = 4096


class Unreadable(ValueError):
    """The bytes are not there, or not an image that can be used; the message says why."""


class Reader:
    """Bytes of stored files, from any thread; containers are opened on first use, in each process anew."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self._open: dict[tuple[int, int], int] = {}
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"stored": self.stored}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["stored"])  # type: ignore[misc]

    def __del__(self) -> None:
        for (process, _), descriptor in self._open.items():
            if process == os.getpid():
                os.close(descriptor)

    def read(self, i: int) -> bytes:
        """All bytes of file ``i``. Raises Unreadable."""
        stored = self.stored
        if stored.length[i] > MAX_BYTES:
            raise Unreadable(f"{stored.length[i]:,} bytes are more than {MAX_BYTES:,}")
        if stored.kind[i] == DEFLATED:
            return self._inflate(i)
        return self._part(i, 0, int(stored.length[i]))

    def head(self, i: int, size: int) -> bytes:
        """The first ``size`` bytes of file ``i``, or all where it has fewer. Raises Unreadable."""
        size = min(size, int(self.stored.length[i]))
        if self.stored.kind[i] != DEFLATED:
            return self._part(i, 0, size)
        packed = os.pread(self._descriptor(int(self.stored.container[i])), 4096 + size, int(self.stored.offset[i]))
        try:
            return zlib.decompressobj(-15).decompress(packed, size)
        except zlib.error as error:
            raise Unreadable(f"damaged in the archive ({error})") from None

    def edges(self, i: int) -> tuple[bytes, bytes]:
        """The first and the last 4 KiB; of a file of at most 8 KiB, all of it and nothing. Raises Unreadable."""
        length = int(self.stored.length[i])
        if self.stored.kind[i] == DEFLATED:
            whole = self.read(i)
        elif length <= 64 * 1024:  # one read costs less than two
            whole = self._part(i, 0, length)
        else:
            return self._part(i, 0, _EDGE), self._part(i, length - _EDGE, _EDGE)
        return edges_of(whole)

    def take(self, chosen: NDArray[np.integer[Any]]) -> Self:
        """A reader of the files at ``chosen`` alone, in that order."""
        return type(self)(self.stored.take(chosen))

    def _part(self, i: int, start: int, size: int) -> bytes:
        stored = self.stored
        try:
            if stored.kind[i] == FILE:
                path = os.path.join(stored.containers[stored.container[i]], stored.paths[i])
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # half the time of open()
                try:
                    data = os.pread(descriptor, size, start)
                finally:
                    os.close(descriptor)
            else:
                data = os.pread(self._descriptor(int(stored.container[i])), size, int(stored.offset[i]) + start)
        except OSError as error:
            raise Unreadable(f"cannot be read: {error.strerror}") from None
        if len(data) != size:
            raise Unreadable(f"only {len(data)} of {size} bytes are there")
        return data

    def _inflate(self, i: int) -> bytes:
        stored = self.stored
        length = int(stored.length[i])
        most = min(
            length + length // 1000 + 1024, MAX_BYTES
        )  # no encoder makes a member longer; what follows is ignored
        packed = os.pread(self._descriptor(int(stored.container[i])), most, int(stored.offset[i]))
        try:
            data = zlib.decompressobj(-15).decompress(packed, int(stored.length[i]) + 1)
        except zlib.error as error:
            raise Unreadable(f"damaged in the archive ({error})") from None
        if len(data) != stored.length[i]:
            raise Unreadable("damaged in the archive (its length is not the promised one)")
        if zlib.crc32(data) != stored.packed[i]:
            raise Unreadable("damaged in the archive (its CRC-32 is not the promised one)")
        return data

    def _descriptor(self, container: int) -> int:
        place = os.getpid(), container
        with self._lock:
            if place not in self._open:
                self._open[place] = os.open(self.stored.containers[container], os.O_RDONLY)
            return self._open[place]


def edges_of(whole: bytes) -> tuple[bytes, bytes]:
    """As ``Reader.edges``, of a file in memory."""
    if len(whole) <= 2 * _EDGE:
        return whole, b""
    return whole[:_EDGE], whole[-_EDGE:]


def digest(length: int, head: bytes, tail: bytes) -> bytes:
    """16 bytes that stand for an image: its length, first and last 4 KiB. Files of up to 8 KiB are covered whole."""
    return hashlib.blake2b(length.to_bytes(8, "little") + head + tail, digest_size=16).digest()
