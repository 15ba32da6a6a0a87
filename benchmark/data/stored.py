"""Images as columns: where each one's bytes lie, in numpy arrays, so that 1.3 million of them stay small."""

from __future__ import annotations

import hashlib
import os
import threading
import zlib
from array import array
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .dataset import Ids
from .decode import Unreadable, decode, outline
from .images import Pixels

RAW, DEFLATED, FILE = 0, 1, 2
MAX_BYTES = 256 * 2**20  # of one image file
_EDGE = 4096


@dataclass(frozen=True)
class Stored:
    """n files. ``kind`` RAW: bytes of a container; DEFLATED: the same, compressed as in a zip; FILE: a file of its own.

    containers: paths. paths: names inside the container, or below it where it is a folder. container (n,) int32;
    offset, length (n,) int64 in bytes; packed (n,) int64: a DEFLATED member's CRC-32, or a FILE's modification time;
    kind (n,) uint8.
    """

    containers: tuple[str, ...]
    paths: Ids
    container: NDArray[np.int32]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    packed: NDArray[np.int64]
    kind: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.length)

    def take(self, chosen: NDArray[np.integer[Any]]) -> Stored:
        """The files at ``chosen``, in that order."""
        return replace(
            self,
            paths=self.paths.take(chosen),
            container=self.container[chosen],
            offset=self.offset[chosen],
            length=self.length[chosen],
            packed=self.packed[chosen],
            kind=self.kind[chosen],
        )

    def where(self, i: int) -> str:
        """Where file ``i`` is, for a message."""
        return f"{self.containers[self.container[i]]}: {self.paths[i]}"


class Listing:
    """Collects the files of one container; columns from the start, because there may be 1.3 million."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers = array("q")
        self._kinds = bytearray()

    def add(self, name: str, offset: int, length: int, packed: int, kind: int) -> None:
        """One more file."""
        self.names.append(name)
        self._numbers.extend((offset, length, packed))
        self._kinds.append(kind)

    def stored(self, container: str) -> Stored:
        """All of them, in the order in which they came."""
        offset, length, packed = np.array(self._numbers, np.int64).reshape(-1, 3).T.copy()
        kinds = np.frombuffer(bytes(self._kinds), np.uint8)
        return Stored((container,), Ids(self.names), np.zeros(len(kinds), np.int32), offset, length, packed, kinds)


def join(parts: Sequence[Stored]) -> Stored:
    """Several listings as one, in their order."""
    shifts = np.cumsum([0, *(len(part.containers) for part in parts)])
    texts = [part.paths.text for part in parts]
    starts = np.cumsum([0, *map(len, texts)])
    ends = [part.paths.ends[1:] + start for part, start in zip(parts, starts, strict=False)]
    return Stored(
        tuple(name for part in parts for name in part.containers),
        Ids.of(np.concatenate(texts), np.concatenate([[0], *ends]).astype(np.int64)),
        np.concatenate([part.container + shift for part, shift in zip(parts, shifts, strict=False)]).astype(np.int32),
        np.concatenate([part.offset for part in parts]),
        np.concatenate([part.length for part in parts]),
        np.concatenate([part.packed for part in parts]),
        np.concatenate([part.kind for part in parts]),
    )


class Reader:
    """Bytes and pixels of stored files, from any thread; containers are opened on first use, in each process anew."""

    def __init__(self, stored: Stored) -> None:
        # What cannot be read is told by name, once; OpenCV would print a line of its own for each.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
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

    def edges(self, i: int) -> tuple[bytes, bytes]:
        """The first and the last 4 KiB; of a file of at most 8 KiB, all of it and nothing. Raises Unreadable."""
        length = int(self.stored.length[i])
        if self.stored.kind[i] == DEFLATED:
            whole = self.read(i)
        elif length <= 64 * 1024:  # one read costs less than two
            whole = self._part(i, 0, length)
        else:
            return self._part(i, 0, _EDGE), self._part(i, length - _EDGE, _EDGE)
        return _edges_of(whole)

    def take(self, chosen: NDArray[np.integer[Any]]) -> Reader:
        """A reader of the files at ``chosen`` alone, in that order."""
        return Reader(self.stored.take(chosen))

    def __call__(self, i: int, side: int | None = None, max_pixels: int | None = None) -> Pixels:
        """See ``decode``; an InputError that names the file where that fails."""
        try:
            return decode(self.read(i), side, max_pixels)
        except Unreadable as error:
            raise InputError(
                f"{self.stored.where(i)}: {error}; `topfive data inspect` finds such files, later runs leave them out"
            ) from None

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


def _edges_of(whole: bytes) -> tuple[bytes, bytes]:
    if len(whole) <= 2 * _EDGE:
        return whole, b""
    return whole[:_EDGE], whole[-_EDGE:]


def digest(length: int, head: bytes, tail: bytes) -> bytes:
    """16 bytes that stand for an image: its length, first and last 4 KiB. Files of up to 8 KiB are covered whole."""
    return hashlib.blake2b(length.to_bytes(8, "little") + head + tail, digest_size=16).digest()


def examine(reader: Reader, *, whole: bool, n_jobs: int) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """(n, 16) digests of all files, and why some are unreadable: position → reason.

    whole: every image is decoded once (JPEGs at an eighth of their size, which still reads every byte of them);
    otherwise only what the first and last bytes give away is found.
    """

    def look(i: int) -> tuple[bytes, str | None]:
        try:
            if not whole:
                head, tail = reader.edges(i)
                return digest(int(reader.stored.length[i]), head, tail), outline(head, tail or head)
            data = reader.read(i)
        except Unreadable as error:
            return bytes(16), str(error)
        try:
            decode(data, side=1)
        except Unreadable as error:
            return digest(len(data), *_edges_of(data)), str(error)
        return digest(len(data), *_edges_of(data)), None

    def look_at(start: int) -> list[tuple[bytes, str | None]]:
        return [look(i) for i in range(start, min(start + 512, len(reader.stored)))]

    digests, reasons = bytearray(), {}
    with ThreadPoolExecutor(n_jobs, thread_name_prefix="examine") as pool:
        position = 0
        for answers in pool.map(look_at, range(0, len(reader.stored), 512)):
            for made, reason in answers:
                digests += made
                if reason is not None:
                    reasons[position] = reason
                position += 1
    return np.frombuffer(bytes(digests), np.uint8).reshape(-1, 16), reasons
