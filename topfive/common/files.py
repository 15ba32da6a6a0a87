"""Files that appear whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PART = ".part"  # ends the name of a file that is being written


@contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """To be written to and read: a hidden file beside ``path`` (``.NAME.….part``), synced to the disk, then renamed.

    A reader sees the old file or the new one, never a part; where the block raises, nothing is left.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PART)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_atomic(path: Path, data: bytes) -> None:
    """All of ``data`` at ``path``."""
    with atomic(path) as file:
        file.write(data)
