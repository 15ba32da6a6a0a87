"""Checkpoints that can be trusted: written in one step, checked, and read without running what they hold.

A file is the SHA-256 of the rest (32 bytes), then what ``torch.save`` writes, which by itself would not notice a
changed weight.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

import torch

log = logging.getLogger("topfive.cnn")
DIGEST = 32  # bytes


def save(path: Path, state: dict[str, Any]) -> None:
    """Write to a temporary file beside ``path``, flush it to the disk, rename: there is never half a checkpoint.

    Raises OSError, or torch's RuntimeError, where the disk is full or cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "w+b") as file:
            file.seek(DIGEST)
            torch.save(state, file)
            file.seek(DIGEST)
            digest = hashlib.file_digest(file, "sha256").digest()
            file.seek(0)
            file.write(digest)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load(path: Path, key: str) -> dict[str, Any] | None:
    """What ``save`` wrote for the same ``key``; None, and a line that says why, for a damaged or foreign one."""
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
