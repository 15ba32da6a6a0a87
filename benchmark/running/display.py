"""What a run says while it works: live lines on a terminal, plain lines elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from ..conditions import Scalar
from ..results.schema import Record
from ..scoring.metrics import FEW_IMAGES, decisive_k
from .remaining import Ahead, Remaining, roughly

PLAIN_EVERY_SECONDS = 10.0
SIZE = "train_per_class"  # the axis of training of which there is a table
_FRAME = re.compile(r'^  File "(.+)", line (\d+)', re.MULTILINE)
_LIBRARIES = re.compile(r"[/\\](site-packages|dist-packages|lib[/\\]python[\d.]+)[/\\]")
_HARNESS = Path(__file__).resolve().parents[1]


class Display:
    """A context manager that runners on several threads report to.

    ahead: the cells to come, ``at_once`` of them side by side, from which follows how long the run will take.
    """

    def __init__(self, n_cells: int, *, quiet: bool = False, ahead: Sequence[Ahead] = (), at_once: int = 1) -> None:
        self.console = Console(quiet=quiet, highlight=False, soft_wrap=not Console().is_terminal)
        self._n_cells = n_cells
        self._finished = 0
        self._running: dict[str, tuple[float, str]] = {}
        self._said: dict[str, float] = {}
        self._remaining = Remaining(ahead, at_once)
        self._began = time.monotonic()
        self._lock = threading.Lock()
        live = self.console.is_terminal and not quiet
        shown = Live(console=self.console, get_renderable=self._lines, refresh_per_second=5, transient=True)
        self._live = shown if live else None

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
            self._remaining.started(name, time.monotonic())
        if self._live is None:
            self.say(f"{name}: started")

    def progress(self, name: str, message: str) -> None:
        """The newest line of a running cell; elsewhere than on a terminal not more often than every ten seconds."""
        with self._lock:
            started = self._running.get(name, (time.monotonic(), ""))[0]
            self._running[name] = (started, message)
            self._remaining.said(name, message, time.monotonic())
            due = time.monotonic() - self._said.get(name, started) >= PLAIN_EVERY_SECONDS
            if due:
                self._said[name] = time.monotonic()
        if due and self._live is None:
            self.say(f"{name}: {message}")

    def finished(self, name: str, record: Record) -> None:
        with self._lock:
            self._running.pop(name, None)
            self._finished += 1
            self._remaining.ended(name, time.monotonic(), _spent(record))
            left = self._left() if self._live is None and self._finished < self._n_cells else ""
        mark = "[green]✓[/]" if record.status == "done" else "[yellow]–[/]" if record.settled else "[red]✗[/]"
        self.console.print(
            f"{mark} [{self._finished}/{self._n_cells}] [bold]{escape(name)}[/]  {escape(outcome(record))}"
            + (f"; {left} for the rest" if left else "")
        )

    def _left(self) -> str:
        """ "about 3 min left"; empty where that is not known yet."""
        seconds = self._remaining.seconds(time.monotonic())
        return "" if seconds is None else f"{roughly(seconds)} left"

    def _lines(self) -> RenderableType:
        with self._lock:
            running, finished, left = dict(self._running), self._finished, self._left()
        rows: list[RenderableType] = []
        for name, (started, message) in running.items():
            text = Text.assemble((f" {name} ", "bold"), (f"{clock(time.monotonic() - started)}  ", "dim"), message)
            text.truncate(max(20, self.console.width - 4), overflow="ellipsis")
            rows.append(Spinner("dots", text=text))
        whole = f"{finished} of {self._n_cells} cells, {clock(time.monotonic() - self._began, 0)} so far"
        line = Table.grid(padding=(0, 1))
        line.add_row(ProgressBar(self._n_cells, finished, width=20), whole + (f", {left}" if left else ""))
        return Group(*rows, line)


def outcome(record: Record) -> str:
    """One cell's end in a line."""
    if record.status != "done":
        return f"{record.status}: {_reason(record)}"
    seconds = _spent(record) + (record.costs.predict_seconds or 0)
    errors = [f"top-{k} error {percent(_metric(record, f'top{k}_err'))}" for k in _shown(_classes(record))]
    return f"{', '.join(errors)}, in {clock(seconds)}"


def _spent(record: Record) -> float:
    """Seconds of fitting in this run: without what came from the cache."""
    return (record.costs.fit_seconds or 0) - (record.costs.cached_seconds or 0)


def _metric(record: Record, name: str) -> float:
    return record.number(name) or 0.0


def _classes(record: Record) -> int:
    return int(_metric(record, "n_classes"))


def _shown(n_classes: int) -> list[int]:
    """The k whose errors are worth showing, the one that decides first."""
    return list(dict.fromkeys([decisive_k(n_classes), 1]))


def _reason(record: Record) -> str:
    place = _place(record.traceback or "")
    return f"{record.reason} ({place})" if place else str(record.reason)


def _place(traceback: str) -> str:
    """Where in the contender's own file a traceback ends, as ``mine.py:41``; empty where it never was there.

    Its own: neither the harness's nor, unless nothing else is left, an installed library's.
    """
    newest = traceback.rpartition("Traceback (most recent call last)")[2]
    frames = [(file, line) for file, line in _FRAME.findall(newest) if _HARNESS not in Path(file).parents]
    frames = [(file, line) for file, line in frames if not file.startswith("<")]
    own = [frame for frame in frames if not _LIBRARIES.search(frame[0])]
    if not own:  # an installed package: the first file that the harness called
        own = [frame for frame in frames if frame[0] == frames[0][0]]
    return f"{Path(own[-1][0]).name}:{own[-1][1]}" if own else ""


def ranking(
    records: Sequence[Record],
    console: Console,
    checked: Mapping[str, str] | None = None,
    failed_answers: Sequence[Record] = (),
) -> None:
    """The result of a run as a table for each data set, best first; then what did not finish.

    checked: what `topfive check` takes for a contender that is not checked by its name. failed_answers: of probes.
    """
    for dataset in dict.fromkeys(record.dataset for record in records):
        done = [record for record in records if record.dataset == dataset and record.status == "done"]
        sizes = {size for record in done if (size := record.condition.get(SIZE)) is not None}
        if len(sizes) > 1:
            _by_size(dataset, done, sorted(sizes), console)
        elif done:
            _table(dataset, done, console)
    for record in [*records, *failed_answers]:
        if record.status != "done":
            what = f"{record.method} on {record.dataset}{record.under}"
            console.print(f"[red]{record.status}[/]: {escape(what)}: {escape(_reason(record))}")
    known = checked or {}
    failed = dict.fromkeys(known.get(record.method, record.method) for record in records if record.traceback)
    if failed:
        commands = ", ".join(
            f"`topfive check {name!r}`" if "[" in name else f"`topfive check {name}`" for name in failed
        )
        console.print(escape(f"the report has the traceback; {commands} looks for the cause"))


def _heading(dataset: str, records: Sequence[Record]) -> str:
    first = records[0]
    n, n_classes = int(_metric(first, "n")), _classes(first)
    chance = percent(_metric(first, f"chance_top{_shown(n_classes)[0]}"))
    return f"{dataset}: {n:,} validation images, {n_classes} classes; chance {chance}"


def _by_size(dataset: str, records: Sequence[Record], sizes: Sequence[Scalar], console: Console) -> None:
    """A row a contender, a column a size of the training set; the best at the largest size first."""
    k = _shown(_classes(records[0]))[0]
    cells: dict[str, dict[Scalar, list[Record]]] = {}
    for record in records:
        cells.setdefault(record.method, {}).setdefault(record.condition[SIZE], []).append(record)
    errors = {
        method: {size: sum(_metric(r, f"top{k}_err") for r in found) / len(found) for size, found in row.items()}
        for method, row in cells.items()
    }
    seeds = len({record.seed for record in records})
    mean = f", mean of {seeds} seeds" if seeds > 1 else ""
    # Above the table, which may be narrower.
    console.print(f"[italic]{escape(_heading(dataset, records))}[/]")
    console.print(f"[italic]top-{k} error by training images per class{mean}[/]")
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("contender", overflow="fold")
    for size in sizes:
        table.add_column(f"{size}", justify="right", no_wrap=True)
    for method in sorted(errors, key=lambda one: (*[errors[one].get(size, 1.0) for size in reversed(sizes)], one)):
        row = errors[method]
        table.add_row(escape(method), *(percent(row[size]) if size in row else "–" for size in sizes))
    console.print(table)
    _limits([record for record in records if record.condition[SIZE] == sizes[-1]], k, console)


def _table(dataset: str, records: Sequence[Record], console: Console) -> None:
    shown = _shown(_classes(records[0]))
    k = shown[0]
    rows = sorted(records, key=lambda record: (*[_metric(record, f"top{each}_err") for each in shown], record.method))
    many_seeds = len({record.seed for record in rows}) > 1
    title = escape(_heading(dataset, rows))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.add_column("contender", overflow="fold")
    if many_seeds:
        table.add_column("seed", justify="right")
    for name in (f"top-{k} error, 95 %", *(f"top-{other}" for other in shown[1:]), "fit", "images/s"):
        table.add_column(name, justify="right", no_wrap=True)
    for record in rows:
        low, high = (100 * _metric(record, f"top{k}_err_{end}") for end in ("low", "high"))
        fit, rate = record.costs.fit_seconds, record.costs.images_per_second
        table.add_row(
            escape(record.method),
            *([str(record.seed)] if many_seeds else []),
            f"{percent(_metric(record, f'top{k}_err'))} ({low:.1f}–{high:.1f})",
            *(percent(_metric(record, f"top{other}_err")) for other in shown[1:]),
            "–" if fit is None else clock(fit),
            "–" if rate is None else f"{rate:,.0f}",
        )
    console.print(table)
    _limits(rows, k, console)


def _limits(records: Sequence[Record], k: int, console: Console) -> None:
    """What to know before one believes the numbers: who was still learning, and how little few images tell."""
    methods = dict.fromkeys(record.method for record in records)
    of_each = ([record for record in records if record.method == method] for method in methods)
    learning = [said for trainings in of_each if (said := _learning(trainings))]
    if learning:
        console.print(escape(f"still learning when their budget ended: {'; '.join(learning)}"))
    n = int(_metric(records[0], "n"))
    if n < FEW_IMAGES:
        width = max(_metric(r, f"top{k}_err_high") - _metric(r, f"top{k}_err_low") for r in records)
        console.print(
            f"{n:,} validation images are few: a single error is known to within "
            f"{50 * width:.1f} points or so on either side"
        )


def _learning(trainings: Sequence[Record]) -> str:
    """That this contender could do better, and how it is known; empty where it could not."""
    learning = [record for record in trainings if record.converged is False]
    if not learning:
        return ""
    record = learning[0]
    if len(trainings) > 1:
        return f"{record.method} in {len(learning)} of {len(trainings)} trainings"
    epochs = record.budget.get("epochs")
    given = [f"{epochs} epochs"] if epochs else []
    given += [f"width {width:g}"] if (width := record.budget.get("width", 1)) != 1 else []
    given += [f"on {record.device}"] if record.device else []
    why = f": {record.convergence}" if record.convergence else ""
    return f"{record.method} ({', '.join(given)}){why}" if given else f"{record.method}{why}"


def percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def clock(seconds: float, digits: int = 1) -> str:
    """4.2 s, with so many ``digits`` below a minute; 3:07, 2:05:00."""
    if seconds < 60:
        return f"{seconds:.{digits}f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
