"""A run: data sets × contenders × seeds, each cell in its own process, every result kept as soon as it exists."""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from topfive.common.files import write_atomic
from topfive.common.machine import cores

from ..config import RunConfig
from ..contenders.discovery import check_params, discover, resolve
from ..errors import InputError
from ..results.folder import MANIFEST, SCRATCH, check_ours, claim, clear, write_json
from ..results.record import Results
from ..results.summaries import summarise
from ..results.thumbnails import write_thumbnails
from ..scoring.metrics import costs_of, metrics
from ..scoring.predictions import read_predictions
from ..specs import slug
from . import provenance
from .cluster import Execute, connect
from .display import Display, clock, ranking
from .isolation import Outcome, run_isolated
from .pilot import estimate
from .plan import Cell, Opened, distinct, is_finished, open_all, plan
from .stages import stages


def run(config: RunConfig) -> int:
    """Do what ``config`` says. Returns the exit status: 0 all cells done (or skipped by their contender), else 1."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(
            "topfive run is one process and was started as several: give it the GPUs of this machine with "
            "--device cuda:0,1; a network on several machines is trained by a script under torchrun (docs/cnn.md)"
        )
    entries = discover(config.plugin)
    contenders = [(spec, resolve(spec, entries)) for spec in distinct(config.method)]
    if config.output is not None:
        check_ours(Path(config.output))
    datasets = open_all(config)
    folder = Path(config.output) if config.output is not None else Path("reports", "-".join(map(slug, datasets)))
    check_ours(folder)
    cells = list(plan(config, datasets, contenders))
    stored = Results() if config.fresh else Results.load(folder)
    _check_same_data(stored, datasets, folder)
    pending = [cell for cell in cells if not is_finished(stored, cell, folder)]
    for cell in pending:
        _check_params(cell)
    if config.dry_run:
        _foresee(config, datasets, cells, pending)
        return 0
    with claim(folder):
        if config.fresh:
            clear(folder)
        results = Results() if config.fresh else Results.load(folder)
        if pending or not (folder / "report.html").is_file():
            _work(config, folder, datasets, results, cells, pending)
    mine = [results.cells[cell.id] for cell in cells]
    if not config.quiet:
        display = Display(0)
        ranking(mine, display.console, _checked(cells))
        told = {(record["dataset"], record["method"]) for record in mine}
        earlier = dict.fromkeys((record["dataset"], record["method"]) for record in results.cells.values())
        others = [
            method + f" on {name}" * (name not in datasets) for name, method in earlier if (name, method) not in told
        ]
        if others:
            display.say(f"the report also holds {', '.join(others)} from earlier runs")
        display.say(f"report: {folder / 'report.html'}")
    return 0 if all(record["status"] in ("done", "skipped") for record in mine) else 1


def _work(
    config: RunConfig,
    folder: Path,
    datasets: Opened,
    results: Results,
    cells: list[Cell],
    pending: list[Cell],
) -> None:
    """Run the pending cells, then write the report; called with the folder claimed."""
    from ..report.page import render  # matplotlib takes a second to import

    manifest = {"started": _now(), "finished": None, **provenance.collect(config.model_dump())}
    write_json(folder / MANIFEST, manifest)
    for name, (dataset, _) in datasets.items():
        results.datasets[name] = provenance.describe(name, dataset, limited=config.limit is not None)
        write_thumbnails(folder / "thumbnails" / f"{slug(name)}.parquet", dataset)
    for cell in pending:  # until a cell has ended it stands as interrupted
        results.put(_row(cell, {"status": "interrupted", "reason": "not run"}, config))
    results.save(folder)
    (folder / "predictions").mkdir(exist_ok=True)

    costs = {name: costs_of(dataset.classes) for name, (dataset, _) in datasets.items()}
    saving = threading.Lock()
    with (
        _executor(config, folder) as (execute, jobs),
        Display(len(cells), quiet=config.quiet) as display,
        _interruptible() as stop,
        stages(fresh=config.fresh) as cache,
        ThreadPoolExecutor(jobs) as pool,
    ):
        if jobs < config.jobs and config.scheduler is None:
            display.say(f"-j {config.jobs}: {jobs} at a time, as a GPU serves one cell at a time")
        if len(pending) < len(cells):
            display.kept(len(cells) - len(pending))

        def work(cell: Cell) -> bool:
            if stop.is_set():
                return False
            display.started(cell.name)
            task = _task(cell, config, max(1, cores() // jobs), cache)
            found = execute(task, config.timeout, stop, lambda message: display.progress(cell.name, message))
            record = found.record
            if found.predictions is not None:
                write_atomic(folder / "predictions" / f"{cell.id}.parquet", found.predictions)
                _, ranked = read_predictions(folder / "predictions" / f"{cell.id}.parquet")
                record |= metrics(ranked, costs[cell.dataset]) | {"predictions": f"predictions/{cell.id}.parquet"}
            with saving:
                results.put(_row(cell, record, config))
                results.save(folder)
            display.finished(cell.name, results.cells[cell.id])
            return bool(record["status"] in ("done", "skipped"))

        try:
            for future in as_completed([pool.submit(work, cell) for cell in pending]):
                if not future.result() and config.fail_fast:
                    stop.set()
        except BaseException:  # a full disk, say: end what is running, keep what is stored, and say so
            stop.set()
            raise
    results.summaries = summarise(results, folder)
    results.save(folder)
    write_json(folder / MANIFEST, manifest | {"finished": _now()})
    render([folder], folder)


def _task(cell: Cell, config: RunConfig, n_jobs: int, cache: Path) -> dict[str, Any]:
    """What a cell's process is told; see ``engine``."""
    return {
        "dataset": cell.data_args,
        "method": cell.spec.name,
        "target": cell.entry.target,
        "origin": cell.entry.origin,
        "params": dict(cell.spec.params),
        "seed": cell.seed,
        "per_class": cell.per_class,
        "device": config.device,
        "n_jobs": n_jobs,
        "cache_dir": str(cache),
        "fresh": config.fresh,
    }


def _foresee(config: RunConfig, datasets: Opened, cells: list[Cell], pending: list[Cell]) -> None:
    """Print the cells and what each would take, from pilots; nothing is written."""
    total = 0.0
    for cell in cells:
        if cell not in pending:
            print(f"{cell.name}: finished, kept")
            continue
        dataset = datasets[cell.dataset][0]
        n_train = len(dataset.train)
        if cell.per_class is not None:
            n_train = int(np.minimum(np.bincount(dataset.train.labels), cell.per_class).sum())
        task = _task(cell, config, max(1, cores() // config.jobs), Path())
        found = estimate(task, n_train, lambda message: None)
        total += found.seconds
        print(f"{cell.name}: {found}", flush=True)
    print(
        f"about {clock(total / config.jobs)} in all, by lines through two small pilots, often too high for long cells; "
        "not counted: the start of each cell and opening its data, several seconds"
    )


@contextmanager
def _executor(config: RunConfig, folder: Path) -> Iterator[tuple[Execute, int]]:
    """What runs a cell, here or on a cluster, and how many at once."""
    if config.scheduler is not None:
        with connect(config.scheduler) as found:
            yield found
        return

    def here(task: dict[str, Any], timeout: float | None, stop: threading.Event, say: Callable[[str], None]) -> Outcome:
        gpu = places.get()
        try:
            return run_isolated(task, folder / SCRATCH, timeout=timeout, stop=stop, on_progress=say, gpu=gpu)
        finally:
            places.put(gpu)

    # A GPU serves one cell at a time. A cell alone sees them all, and so does one whose devices are named.
    gpus = provenance.visible_gpus() if config.device in ("auto", "cuda") else []
    jobs = 1 if config.device.startswith("cuda:") else min(config.jobs, len(gpus) or config.jobs)
    places: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    for place in gpus if gpus and jobs > 1 else [None] * jobs:
        places.put(place)
    yield here, jobs


def _check_same_data(results: Results, datasets: Opened, folder: Path) -> None:
    for name, (dataset, _) in datasets.items():
        before = results.datasets.get(name)
        if before is not None and before["fingerprint"] != dataset.fingerprint:
            raise InputError(
                f"{folder} holds results on other images called {name!r} (or another --limit or --seed split); "
                "give another -o, or --fresh to start over"
            )


def _checked(cells: list[Cell]) -> dict[str, str]:
    """What `topfive check` takes for those contenders that come from a plugin's file."""
    files = {str(cell.spec): cell.entry.target.rpartition(":")[0] for cell in cells}
    return {method: os.path.relpath(file) for method, file in files.items() if file.endswith(".py")}


def _check_params(cell: Cell) -> None:
    """Unknown parameters are bad usage; a contender that cannot be imported becomes a row instead."""
    if cell.spec.params:
        try:
            factory = cell.entry.load()
        except Exception:  # its own process will meet the same error and report it
            return
        check_params(cell.spec, factory)


def _row(cell: Cell, record: dict[str, Any], config: RunConfig) -> dict[str, Any]:
    identity = {"cell": cell.id, "key": cell.key, "dataset": cell.dataset, "method": str(cell.spec)}
    family = record.get("family") or cell.entry.describe()[1] or "other"
    limited = config.limit is not None
    return {
        **record,
        **identity,
        "params": dict(cell.spec.params),
        "seed": cell.seed,
        "per_class": cell.per_class,
        "family": family,
        "limited": limited,
    }


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM end the running cells and keep what is finished; a second Ctrl-C ends at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(signum: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
