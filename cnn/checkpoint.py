"""Checkpoints that can be trusted: written in one step, read without running what they hold."""

from __future__ import annotations

import logging
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

import torch

log = logging.getLogger("topfive.cnn")


def save(path: Path, state: dict[str, Any]) -> None:
    """Write to a temporary file beside ``path``, flush it to the disk, rename: there is never half a checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load(path: Path, key: str) -> dict[str, Any] | None:
    """What ``save`` wrote for the same ``key``; None, and a line that says why, for a damaged or foreign one."""
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        log.warning("checkpoint %s cannot be read (%s): starts anew", path.name, type(error).__name__)
        return None
    if not isinstance(state, dict) or state.get("key") != key:
        log.warning("checkpoint %s belongs to another training: starts anew", path.name)
        return None
    return state
