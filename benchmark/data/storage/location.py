"""What lies at a path, looked at only as far as a layout asks."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from .containers import GZIPPED, TARS, ZIPS, listing
from .formats import is_image
from .stored import Stored
from .tree import Tree


class Location:
    """A folder, an archive or another file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_folder = path.is_dir()
        self.suffix = "" if self.is_folder else path.suffix.lower()
        self.is_archive = not self.is_folder and path.name.lower().endswith((*TARS, *GZIPPED, *ZIPS))

    @cached_property
    def stored(self) -> Stored:
        """Every file in the folder or archive. Raises InputError where it is neither."""
        return listing(self.path)

    @cached_property
    def tree(self) -> Tree:
        """The same as a tree of names, a lone outer folder taken off. Raises InputError."""
        return Tree(self.path, self.stored)

    def files(self, *suffixes: str) -> list[Path]:
        """The files below a folder whose names end so, as no image's does."""
        return [self.path / name for name in self._texts if name.lower().endswith(suffixes)]

    @cached_property
    def _texts(self) -> list[str]:
        return [name for name in self.stored.paths if not is_image(name)]
