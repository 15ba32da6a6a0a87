"""Images as columns: where each one's bytes lie, in numpy arrays, so that 1.3 million of them stay small."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .ids import Ids

RAW, DEFLATED, FILE = 0, 1, 2


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
