"""One way to version code: a digest of Python source files. Results of other code are never taken for its own."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path


@cache
def source_digest(*paths: Path) -> str:
    """Hex over the text of these Python files, and of every ``*.py`` below these folders, with their names.

    Read once in a process: the code that runs is the code that was imported.
    """
    digest = hashlib.blake2b(digest_size=8)
    for path in paths:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            name = file.relative_to(path) if path.is_dir() else file.name
            digest.update(str(name).encode("utf-8", "surrogateescape") + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
