"""What a run says while it works: live lines on a terminal, plain lines elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

import threading
import time
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

PLAIN_EVERY_SECONDS = 10.0


class Display:
    """A context manager that runners on several threads report to."""

    def __init__(self, n_cells: int, *, quiet: bool = False) -> None:
        self.console = Console(quiet=quiet, highlight=False, soft_wrap=not Console().is_terminal)
        self._n_cells = n_cells
        self._finished = 0
        self._running: dict[str, tuple[float, str]] = {}
        self._said: dict[str, float] = {}
        self._lock = threading.Lock()
        live = self.console.is_terminal and not quiet
        self._live = Live(console=self.console, get_renderable=self._lines, refresh_per_second=5) if live else None

    def __enter__(self) -> Display:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def say(self, message: str) -> None:
        self.console.print(escape(message))

    def kept(self, n: int) -> None:
        """Count cells that an earlier run finished."""
        self._finished += n
        self.say(f"{n} of {self._n_cells} cells are finished already and kept")

    def started(self, name: str) -> None:
        with self._lock:
            self._running[name] = (time.monotonic(), "starting")
        if self._live is None:
            self.say(f"{name}: started")

    def progress(self, name: str, message: str) -> None:
        """The newest line of a running cell; elsewhere than on a terminal not more often than every ten seconds."""
        with self._lock:
            started = self._running.get(name, (time.monotonic(), ""))[0]
            self._running[name] = (started, message)
            due = time.monotonic() - self._said.get(name, started) >= PLAIN_EVERY_SECONDS
            if due:
                self._said[name] = time.monotonic()
        if due and self._live is None:
            self.say(f"{name}: {message}")

    def finished(self, name: str, record: dict[str, Any]) -> None:
        with self._lock:
            self._running.pop(name, None)
            self._finished += 1
        mark = {"done": "[green]✓[/]", "skipped": "[yellow]–[/]"}.get(record["status"], "[red]✗[/]")
        self.console.print(
            f"{mark} [{self._finished}/{self._n_cells}] [bold]{escape(name)}[/]  {escape(outcome(record))}"
        )

    def _lines(self) -> RenderableType:
        with self._lock:
            running = dict(self._running)
        rows = []
        for name, (started, message) in running.items():
            text = Text.assemble((f" {name} ", "bold"), (f"{clock(time.monotonic() - started)}  ", "dim"), message)
            text.truncate(max(20, self.console.width - 4), overflow="ellipsis")
            rows.append(Spinner("dots", text=text))
        return Group(*rows)


def outcome(record: dict[str, Any]) -> str:
    """One cell's end in a line."""
    if record["status"] != "done":
        return f"{record['status']}: {record['reason']}"
    seconds = (record["fit_seconds"] or 0) + (record["predict_seconds"] or 0)
    return f"top-5 error {percent(record['top5_err'])}, top-1 {percent(record['top1_err'])}, in {clock(seconds)}"


def ranking(cells: list[dict[str, Any]], console: Console) -> None:
    """The result of a run as a table for each data set, best first; then those that did not finish."""
    for dataset in dict.fromkeys(cell["dataset"] for cell in cells):
        rows = [cell for cell in cells if cell["dataset"] == dataset and cell["status"] == "done"]
        if not rows:
            continue
        rows.sort(key=lambda cell: (cell["top5_err"], cell["top1_err"], cell["method"]))
        extra = [key for key in ("per_class", "seed") if len({cell[key] for cell in rows}) > 1]
        chance = percent(rows[0]["chance_top5"])
        title = f"{dataset}: {rows[0]['n']:,} validation images, {rows[0]['n_classes']} classes; chance {chance}"
        table = Table(box=SIMPLE_HEAD, pad_edge=False, title=escape(title), title_justify="left")
        table.add_column("contender", overflow="fold")
        for key in extra:
            table.add_column({"per_class": "images", "seed": "seed"}[key], justify="right")
        for name in ("top-5 error, 95 %", "top-1", "fit", "images/s"):
            table.add_column(name, justify="right", no_wrap=True)
        for cell in rows:
            interval = f"({100 * cell['top5_err_low']:.1f}–{100 * cell['top5_err_high']:.1f})"
            table.add_row(
                *[escape(cell["method"]), *("all" if cell[key] is None else str(cell[key]) for key in extra)],
                *[f"{percent(cell['top5_err'])} {interval}", percent(cell["top1_err"])],
                "–" if cell["fit_seconds"] is None else clock(cell["fit_seconds"]),
                "–" if cell["images_per_second"] is None else f"{cell['images_per_second']:,.0f}",
            )
        console.print(table)
    for cell in cells:
        if cell["status"] != "done":
            console.print(f"[red]{cell['status']}[/]: {escape(cell['method'])} on {escape(cell['dataset'])}: ", end="")
            console.print(escape(str(cell["reason"])))


def percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def clock(seconds: float) -> str:
    """4.2 s, 3:07, 2:05:00."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
