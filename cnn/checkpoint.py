"""Checkpoints: written atomically, verified by a digest, and read without running code that they may hold.

A file is the SHA-256 of the rest (32 bytes), then what ``torch.save`` writes, which by itself would not notice a
changed weight.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import pickle
from pathlib import Path
from typing import Any

import torch
from topfive.common.files import atomic
from topfive.common.sources import source_digest

log = logging.getLogger("topfive.cnn")
DIGEST = 32  # bytes


def save(path: Path, state: dict[str, Any]) -> None:
    """Write ``state``; a reader finds the old checkpoint or the new one, never a part.

    Raises OSError, or torch's RuntimeError, where the disk is full or cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as file:
        file.seek(DIGEST)
        torch.save(state, file)
        file.seek(DIGEST)
        digest = hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]
        file.seek(0)
        file.write(digest)


def load(path: Path, key: str) -> dict[str, Any] | None:
    """What ``save`` wrote for the same ``key``; None, and a warning that says why, for a damaged or foreign file."""
    try:
        with path.open("rb") as file:
            digest = file.read(DIGEST)
            if hashlib.file_digest(file, "sha256").digest() != digest:
                raise ValueError("its digest is another")
            file.seek(DIGEST)
            state = torch.load(file, map_location="cpu", weights_only=True)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, LookupError, ValueError) as error:
        log.warning("checkpoint %s cannot be read (%s): starts anew", path.name, type(error).__name__)
        return None
    if not isinstance(state, dict) or state.get("key") != key:
        log.warning("checkpoint %s belongs to another training: starts anew", path.name)
        return None
    return state


def source_of(thing: Any) -> str:
    """A digest of the file that defines this object's class or function, so that an edit is another training; where
    there is no such file, as for what was typed into an interpreter, the object's representation."""
    try:
        file = inspect.getsourcefile(thing if inspect.isroutine(thing) or inspect.isclass(thing) else type(thing))
    except TypeError:
        file = None
    return source_digest(Path(file)) if file and Path(file).is_file() else repr(thing)
