"""Images as columns: where each one's bytes lie, in numpy arrays, so that 1.3 million of them stay small."""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .ids import Ids
from .left_out import LeftOut, Tally
from .links import NOWHERE, Link, settle
from .names import hidden, hidden_file, why_hidden

RAW, DEFLATED, FILE = 0, 1, 2


@dataclass(frozen=True)
class Stored:
    """n files. ``kind`` RAW: bytes of a container; DEFLATED: the same, compressed as in a zip; FILE: a file of its own.

    containers: paths. paths: names inside the container, or below it where it is a folder. container (n,) int32;
    offset, length (n,) int64 in bytes; packed (n,) int64: a DEFLATED member's CRC-32, or a FILE's modification time;
    kind (n,) uint8. folders: those that hold nothing. left_out: what is there besides, and is not among the n.
    """

    containers: tuple[str, ...]
    paths: Ids
    container: NDArray[np.int32]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    packed: NDArray[np.int64]
    kind: NDArray[np.uint8]
    folders: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.length)

    def take(self, chosen: NDArray[np.integer[Any]], *, whole: bool = False) -> Stored:
        """The files at ``chosen``, in that order. whole: they are all there are, so what is besides stays."""
        return replace(
            self,
            paths=self.paths.take(chosen),
            container=self.container[chosen],
            offset=self.offset[chosen],
            length=self.length[chosen],
            packed=self.packed[chosen],
            kind=self.kind[chosen],
            folders=self.folders if whole else (),
            left_out=self.left_out if whole else (),
        )

    def where(self, i: int) -> str:
        """Where file ``i`` is, for a message."""
        return f"{self.containers[self.container[i]]}: {self.paths[i]}"


class Listing:
    """Collects the files of one container; columns from the start, because there may be 1.3 million.

    folders, links: others of its members, to be appended to. left_out: what is there and not among the files.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.folders: list[str] = []
        self.links: list[Link] = []
        self.left_out = Tally()
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
        where = np.zeros(len(kinds), np.int32)
        folders = tuple(dict.fromkeys(self.folders))
        place = os.path.abspath(container) if container else ""  # the index is opened from anywhere
        return Stored((place,), Ids(self.names), where, offset, length, packed, kinds, folders, self.left_out.all())

    def extracted(self, container: str) -> Stored:
        """The files that an archive leaves when it is extracted, hidden ones left out.

        Of members with one name the last counts; links stand for what they lead to. Raises InputError where links lead
        to too much.
        """
        names, stored = self.names, self.stored(container)
        if self.links or len(set(names)) != len(names):
            members = settle(names, self.links)
            names = [name for name, _ in members]
            stored = self._at(stored, names, np.array([place for _, place in members], np.int64))
        seen = _hidden_ones(names)
        if seen:
            for i in seen:
                reason, told = why_hidden(names[i])
                self.left_out.add(reason, names[i], told=told)
            stored = stored.take(np.setdiff1d(np.arange(len(names)), seen))
        folders = tuple(dict.fromkeys(name for name in self.folders if not hidden(name + "/x")))
        return replace(stored, folders=folders, left_out=self.left_out.all())

    def _at(self, stored: Stored, names: list[str], places: NDArray[np.int64]) -> Stored:
        """The files at ``places`` under other names; a link to nowhere is a file of no bytes."""
        if len(stored):
            taken = stored.take(np.maximum(places, 0))
        else:  # links alone
            empty = Listing()
            for name in names:
                empty.add(name, 0, 0, 0, RAW)
            taken = replace(empty.stored(""), containers=stored.containers)
        there = places != NOWHERE
        kind = np.where(there, taken.kind, RAW).astype(np.uint8)
        return replace(taken, paths=Ids(names), length=np.where(there, taken.length, 0), kind=kind)


def _hidden_ones(names: list[str]) -> list[int]:
    """Positions of hidden files; whether a folder is hidden is asked once for each."""
    folders: dict[str, bool] = {"": False}
    found = []
    for i, name in enumerate(names):
        folder, _, last = name.rpartition("/")
        known = folders.get(folder)
        if known is None:
            known = folders[folder] = hidden(folder + "/x")
        if known or hidden_file(last):
            found.append(i)
    return found


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
        tuple(name for part in parts for name in part.folders),
        Tally(*(part.left_out for part in parts)).all(),
    )
