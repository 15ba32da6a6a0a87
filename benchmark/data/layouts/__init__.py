"""Which layout lies at a path: from the names of the files, the same for a folder, a tar and a zip.

A layout is a module, or anything else with these two functions, and a line in ``LAYOUTS``.
"""

from __future__ import annotations

from typing import Protocol

from ..storage.found import Found
from ..storage.location import Location
from . import (
    cifar,
    cifar_binary,
    croissant,
    folder_per_class,
    food101,
    idx,
    image_tables,
    imagenet,
    imagenet_hub,
    manifest,
    metadata,
    npz,
    pack,
    stl10,
    tiny_imagenet,
    webdataset,
)


class Layout(Protocol):
    """One way in which data sets lie on the disk.

    ``LISTS_FILES = True``, where it is there: a file that names images elsewhere. They may change without it, so it is
    read at every opening.
    """

    def matches(self, location: Location) -> bool:
        """Whether it is this layout. Must be quick, must not raise where it is another."""
        ...

    def read(self, location: Location) -> Found:
        """The data set. Raises InputError with one line."""
        ...


# The first that matches is taken.
LAYOUTS: list[Layout] = [
    pack,
    npz,
    image_tables,
    manifest,
    webdataset,
    imagenet,
    imagenet_hub,
    tiny_imagenet,
    cifar,
    cifar_binary,
    stl10,
    idx,
    food101,
    croissant,
    metadata,
    folder_per_class,
]


def recognise(location: Location) -> Found:
    """The data set at ``location``. Raises InputError with one line."""
    return next(layout for layout in LAYOUTS if layout.matches(location)).read(location)


def layout_of_a_list(location: Location) -> Layout | None:
    """The layout of a file that names images elsewhere; None for everything else."""
    lists = (layout for layout in LAYOUTS if getattr(layout, "LISTS_FILES", False))
    return next((layout for layout in lists if layout.matches(location)), None)
