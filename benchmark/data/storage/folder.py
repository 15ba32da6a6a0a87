"""The files below a folder of the disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np

from ...errors import InputError
from .links import MOST_LINKED
from .names import hidden_file, hidden_folder, why_hidden
from .stored import FILE, Listing, Stored


def list_folder(root: Path) -> Stored:
    """All files below ``root``, sorted by name; symbolic links are followed, but not back to a folder they lie in."""
    found = Listing()
    linked = 0
    waiting: list[tuple[str, tuple[tuple[int, int], ...]]] = [("", ())]  # a folder, and those that it is in
    while waiting:
        below, above = waiting.pop()
        empty = True
        try:
            here = os.stat(root / below)
            own = here.st_dev, here.st_ino
            if own in above:
                continue
            with os.scandir(root / below) as entries:
                for entry in entries:
                    name = below + entry.name
                    try:
                        status = entry.stat()
                    except FileNotFoundError:  # a link to nowhere: an unreadable file, told so when it is read
                        if hidden_file(entry.name):
                            found.left_out.add(why_hidden(name)[0], name, told=why_hidden(name)[1])
                        else:
                            found.add(name, 0, 0, 0, FILE)
                            empty = False
                        continue
                    if stat.S_ISDIR(status.st_mode):
                        if hidden_folder(entry.name):
                            _count_hidden(root, name, found)
                            continue
                        linked += entry.is_symlink()
                        if linked > MOST_LINKED:
                            raise InputError(f"{root}: links lead to more than {MOST_LINKED:,} folders; leave some out")
                        waiting.append((name + "/", (*above, own)))
                        empty = False
                    elif hidden_file(entry.name):
                        found.left_out.add(why_hidden(name)[0], name, told=why_hidden(name)[1])
                    elif stat.S_ISREG(status.st_mode):
                        found.add(name, 0, status.st_size, status.st_mtime_ns, FILE)
                        empty = False
                    else:
                        found.left_out.add("no regular file", name, told=False)
        except OSError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"cannot read the folder {root / below}: {error.strerror}") from None
        if empty and below:
            found.folders.append(below[:-1])
    stored = found.stored(str(root))
    return stored.take(np.array(sorted(range(len(found.names)), key=found.names.__getitem__), np.int64), whole=True)


def _count_hidden(root: Path, folder: str, found: Listing) -> None:
    """The files in a hidden folder; what cannot be entered is passed by."""
    for place, _, files in os.walk(root / folder):
        for file in files:
            found.left_out.add(why_hidden("x")[0], os.path.relpath(os.path.join(place, file), root), told=False)
