"""A run's folder on the disk: whose it is, claimed by one runner at a time, and emptied."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError

MANIFEST, RESULTS = "manifest.json", "results.json"
SCRATCH = ".work"  # cells in flight; what a killed runner left there is removed by the next


def check_ours(folder: Path) -> None:
    """Raise InputError unless ``folder`` is new, empty, or an earlier run's."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; give -o a folder")
    inside = [item.name for item in folder.iterdir() if item.name not in (".lock", SCRATCH)]
    # A runner that is at its first file, or was killed there, has not written the manifest yet.
    inside = [name for name in inside if not (name.startswith(f".{MANIFEST}.") and name.endswith(".part"))]
    if inside and not {MANIFEST, RESULTS} & set(inside):
        raise InputError(f"{folder} holds something else ({inside[0]}, …); nothing was written; give -o another folder")


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process; a second runner is refused. Raises InputError where it cannot be written."""
    check_ours(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / ".lock", "w", encoding="utf-8")  # noqa: SIM115 (held until the run ends)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}; give -o a folder you can write to") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"another topfive run is writing to {folder}; wait for it, or give -o another") from None
        for part in folder.rglob(".*.part"):  # what a killed runner left half-written
            part.unlink(missing_ok=True)
        shutil.rmtree(folder / SCRATCH, ignore_errors=True)
        (folder / SCRATCH).mkdir()
        try:
            yield
        finally:
            shutil.rmtree(folder / SCRATCH, ignore_errors=True)


def clear(folder: Path) -> None:
    """Delete an earlier run's files, and only those."""
    for name in (RESULTS, MANIFEST, "results.csv", "report.html"):
        (folder / name).unlink(missing_ok=True)
    for name in ("predictions", "probes", "figures", "thumbnails"):
        shutil.rmtree(folder / name, ignore_errors=True)
