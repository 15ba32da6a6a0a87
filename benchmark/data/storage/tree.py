"""The files at a path as a tree of names, whatever holds them."""

from __future__ import annotations

from pathlib import Path

from ...errors import InputError
from .reader import Reader, Unreadable
from .split_words import TEST, TRAIN, VAL
from .stored import Stored

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_MAX_TEXT = 64 * 2**20


class Tree:
    """The files at a path under their names, a lone outer folder taken off."""

    def __init__(self, path: Path, stored: Stored, names: list[str] | None = None) -> None:
        self.path = path
        self.stored = stored
        self.names = _without_outer(list(stored.paths) if names is None else names)
        # Lists and tables only: 1.3 million image names need no dictionary.
        self._places = {name: i for i, name in enumerate(self.names) if not is_image(name)}

    def has(self, name: str) -> bool:
        """Whether there is a file of that name that is not an image."""
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


def is_image(name: str) -> bool:
    """Whether the name ends like one of an image."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def _without_outer(names: list[str]) -> list[str]:
    """Names below the one folder that holds everything, as most archives have; splits and classes stay."""
    while names and "/" in names[0]:
        top = names[0].partition("/")[0] + "/"
        if top[:-1].lower() in TRAIN + VAL + TEST or not all(name.startswith(top) for name in names):
            break
        if not any("/" in name[len(top) :] for name in names) and any(map(is_image, names)):
            break  # the images of one class
        names = [name[len(top) :] for name in names]
    return names
