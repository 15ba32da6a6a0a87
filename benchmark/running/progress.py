"""A run's progress as one line that is written over again: for Python and notebooks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from ..results.schema import Record
from .display import Display
from .remaining import Ahead

WIDTH = 100


class OneLine(Display):
    """``3 of 8 cells finished, about 2 min left; photos · hog: fitting on 80 images``; gone when the run ends."""

    def __init__(self, n_cells: int, *, quiet: bool = False, ahead: Sequence[Ahead] = (), at_once: int = 1) -> None:
        super().__init__(n_cells, quiet=True, ahead=ahead, at_once=at_once)
        self._write = _nowhere if quiet else _into_notebook() if in_notebook() else _over_the_last()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
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
            left = self._left() if self._finished < self._n_cells else ""
            line = f"{self._finished} of {self._n_cells} cells finished" + (f", {left}" if left else "")
            for name, (_, message) in self._running.items():
                line += f"; {name}: {message}"
            self._write(line if len(line) <= WIDTH else line[: WIDTH - 1] + "…")


def in_notebook() -> bool:
    """Whether this process is a notebook's."""
    return "ipykernel" in sys.modules


def is_watched() -> bool:
    """Whether somebody sees what is written as it comes: on a terminal, in a notebook."""
    return in_notebook() or sys.stdout.isatty()


def _nowhere(line: str) -> None:
    pass


def _over_the_last() -> Callable[[str], None]:
    """Each line in the place of the one before; what that was longer is blanked."""
    wide = 0

    def write(line: str) -> None:
        nonlocal wide
        sys.stdout.write("\r" + line.ljust(wide) + ("" if line else "\r"))
        sys.stdout.flush()
        wide = len(line)

    return write


def _into_notebook() -> Callable[[str], None]:
    """One output of the cell that changes its text: a notebook that is saved keeps no heap of old lines."""
    from IPython.display import display

    shown = display({"text/plain": ""}, raw=True, display_id=True)
    return lambda line: shown.update({"text/plain": line}, raw=True)
