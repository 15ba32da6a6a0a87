"""A run's progress as one line that is written over again: for Python and notebooks."""

from __future__ import annotations

import sys

from ..results.schema import Record
from .display import Display

WIDTH = 100


class OneLine(Display):
    """``3 of 8 cells finished; photos · hog: fitting on 80 images``; gone when the run ends."""

    def __init__(self, n_cells: int, *, quiet: bool = False) -> None:
        super().__init__(n_cells, quiet=True)
        self._silent = quiet
        self._wide = 0

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._write("")
        self._write("")

    def started(self, name: str) -> None:
        super().started(name)
        self._tell()

    def progress(self, name: str, message: str) -> None:
        super().progress(name, message)
        self._tell()

    def finished(self, name: str, record: Record) -> None:
        super().finished(name, record)
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            line = f"{self._finished} of {self._n_cells} cells finished"
            for name, (_, message) in self._running.items():
                line += f"; {name}: {message}"
            self._write(line if len(line) <= WIDTH else line[: WIDTH - 1] + "…")

    def _write(self, line: str) -> None:
        """In the place of the line before; what that was longer is blanked."""
        if not self._silent:
            sys.stdout.write("\r" + line.ljust(self._wide))
            sys.stdout.flush()
            self._wide = len(line)


def is_watched() -> bool:
    """Whether somebody sees the standard output as it comes: on a terminal, in a notebook."""
    return sys.stdout.isatty() or "ipykernel" in sys.modules
