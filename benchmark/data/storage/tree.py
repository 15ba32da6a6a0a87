"""The files at a path as a tree of names, whatever holds them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np

from ...errors import InputError
from .formats import HEAD, is_image, kind_of, not_read, reads
from .left_out import ARCHIVE, NOT_IMAGE, LeftOut, Tally
from .reader import Reader, Unreadable
from .split_words import TEST, TRAIN, VAL
from .stored import Stored

_MAX_TEXT = 64 * 2**20
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".zip", ".rar", ".7z", ".tar.bz2", ".tar.xz", ".gz")
_BACKUPS = ("_original", "~", ".bak", ".orig")


class Tree:
    """The files at a path under their names, a lone outer folder taken off. folders: those that hold nothing.

    outer: a lone outer folder stays.
    """

    def __init__(self, path: Path, stored: Stored, names: list[str] | None = None, *, outer: bool = False) -> None:
        self.path = path
        self.stored = stored
        full = list(stored.paths) if names is None else names
        self.names = full if outer else without_outer(full)
        cut = full[0][: len(full[0]) - len(self.names[0])] if full else ""
        self.folders = [name.removeprefix(cut) for name in stored.folders if name.startswith(cut)]
        # Everything that is not called like an image; 1.3 million image names need no dictionary.
        self._places = {name: i for i, name in enumerate(self.names) if not is_image(name)}

    @cached_property
    def _sorted(self) -> tuple[list[int], tuple[LeftOut, ...], list[str]]:
        """Positions of images, what is none, and the names of images that cannot be read."""
        reader, others, unread = Reader(self.stored), Tally(), []
        image = np.ones(len(self.names), bool)
        image[list(self._places.values())] = False
        for name, i in self._places.items():
            try:
                form = kind_of(name, reader.head(i, HEAD))
            except Unreadable:
                form = kind_of(name, b"")
            if form is None:
                archive = name.lower().endswith(_ARCHIVES) and "devkit" not in name  # which is read for its lists
                others.add(ARCHIVE if archive else NOT_IMAGE, name, told=archive)
            elif not reads(form):
                others.add(not_read(form), name)
                unread.append(name)
            elif self._is_backup(name):
                others.add("a copy that a program made before it changed the image", name)
            else:
                image[i] = True
        return np.flatnonzero(image).tolist(), others.all(), unread

    def _is_backup(self, name: str) -> bool:
        original = next((name.removesuffix(end) for end in _BACKUPS if name.endswith(end)), None)
        return original is not None and is_image(original) and original in self._image_names

    @cached_property
    def _image_names(self) -> set[str]:
        return set(filter(is_image, self.names))

    @property
    def images(self) -> list[int]:
        """Positions of what is an image by its ending or, whatever that is, by its first bytes."""
        return self._sorted[0]

    @property
    def others(self) -> tuple[LeftOut, ...]:
        """What is no image that can be read."""
        return self._sorted[1]

    @property
    def unread(self) -> list[str]:
        """The names of images in formats that are not read."""
        return self._sorted[2]

    @property
    def texts(self) -> Iterable[str]:
        """The names of all files that are not called like images."""
        return self._places

    def has(self, name: str) -> bool:
        """Whether there is a file of that name that is not called like an image."""
        return name in self._places

    def find(self, basename: str) -> str | None:
        """The full name of the outermost file so called, in whatever folder."""
        found = (name for name in self._places if name == basename or name.endswith("/" + basename))
        return min(found, key=lambda name: (name.count("/"), name), default=None)

    def where(self, name: str) -> Path:
        """The path of a file in a folder, as it is on the disk."""
        return Path(self.stored.containers[0]) / self.stored.paths[self._places[name]]

    def text(self, name: str) -> str:
        """The text of a small file."""
        return self.bytes(name).decode("utf-8-sig", "replace")

    def bytes(self, name: str, limit: int = _MAX_TEXT) -> bytes:
        """The bytes of a file of at most ``limit`` bytes."""
        place = self._places[name]
        if self.stored.length[place] > limit:
            raise InputError(f"{self.path}: {name} is larger than {limit:,} bytes: not the file it should be")
        try:
            return Reader(self.stored).read(place)
        except Unreadable as error:
            raise InputError(f"{self.path}: {name}: {error}") from None


def without_outer(names: list[str]) -> list[str]:
    """Names below the one folder that holds everything, as most archives have; splits and classes stay."""
    while names and "/" in names[0]:
        top = names[0].partition("/")[0] + "/"
        if top[:-1].lower() in TRAIN + VAL + TEST or not all(name.startswith(top) for name in names):
            break
        if not any("/" in name[len(top) :] for name in names) and any(map(is_image, names)):
            break  # the images of one class
        names = [name[len(top) :] for name in names]
    return names
