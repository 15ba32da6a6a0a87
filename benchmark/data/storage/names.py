"""Names of files: what systems and other programs leave in folders, and what a member of an archive may be called."""

from __future__ import annotations

import re

from .left_out import HIDDEN, STUB

_FOLDERS = {"__macosx", "$recycle.bin", "lost+found", "system volume information", "#recycle", "#snapshot"}
_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
_STUB = re.compile(r"\.(?:icloud|nextcloud|owncloud|cloudf?)$", re.IGNORECASE)


def hidden_folder(part: str) -> bool:
    """Whether a folder of that name, without its path, holds nothing of the data: dot folders, trash, thumbnails.

    A name that begins with @ is one that a network storage made (``@eaDir``, ``@Recycle``).
    """
    return part[:1] in (".", "@") or part.lower() in _FOLDERS


def hidden_file(part: str) -> bool:
    """The same for a file; a stub of a file that is in the cloud is one too."""
    return part[:1] == "." or part.lower() in _FILES or (part[-1:] in "dfDF" and _STUB.search(part) is not None)


def hidden(name: str) -> bool:
    """Whether a path is hidden, or lies in a folder that is."""
    *folders, last = name.split("/")
    return hidden_file(last) or any(map(hidden_folder, folders))


def why_hidden(name: str) -> tuple[str, bool]:
    """The reason for a hidden path, and whether a run must say so."""
    stub = _STUB.search(name) is not None
    return (STUB, True) if stub else (HIDDEN, False)


def clean(name: str) -> str | None:
    """A member's name with ``./`` taken off; None where it would leave the folder."""
    if "/" not in name and "\\" not in name and name not in ("", ".", ".."):
        return name
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    return None if not parts or ".." in parts else "/".join(parts)
