"""A run: data sets × contenders × seeds, each cell in its own process, every result kept as soon as it exists."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from topfive.common.files import write_atomic
from topfive.common.machine import cores

from .. import conditions
from ..conditions import training_split
from ..config import RunConfig
from ..contenders.discovery import PROBE, Entry, check_params, discover, resolve
from ..errors import InputError
from ..results.describe import describe, tree_of
from ..results.environment import environment, visible_gpus
from ..results.folder import SCRATCH, check_ours, claim, clear
from ..results.run import Run, load_run
from ..results.schema import Environment, Manifest, Record
from ..results.thumbnails import write_thumbnails
from ..scoring.metrics import metrics
from ..scoring.predictions import read_predictions
from ..specs import Spec, slug
from .cluster import Execute, connect
from .display import Display
from .done import Done
from .isolation import Outcome, run_isolated
from .pilot import Forecast, estimate, span
from .plan import Cell, Opened, distinct, has_plain_result, is_finished, open_all, plan
from .reading import can_follow, read_by, rounds
from .remaining import Ahead
from .stage_cache import stages

BUILT_IN = "built in"  # the layout of the photographs


def run(config: RunConfig) -> int:
    """Do what ``config`` says, and say what came of it. Returns the exit status, see ``Done``."""
    done = perform(config)
    if done is None:
        return 0
    if not config.quiet:
        done.tell()
    return done.status


def perform(config: RunConfig, *, command: list[str] | None = None, display: type[Display] = Display) -> Done | None:
    """Do what ``config`` says; None after a dry run.

    command: that the report is to show, this process's own where None. display: that the work is told to. Raises
    InputError.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(
            "topfive run is one process and was started as several: give it the GPUs of this machine with "
            "--device cuda:0,1; a network on several machines is trained by a script under torchrun (docs/cnn.md)"
        )
    entries = discover(config.plugin)
    contenders = [(spec, resolve(spec, entries)) for spec in distinct(config.method)]
    probes = _probes(config)
    if config.output is not None:
        check_ours(Path(config.output))
    datasets = open_all(config)
    folder = Path(config.output) if config.output is not None else _default_folder(config, datasets)
    check_ours(folder)
    cells = list(plan(config, datasets, contenders, probes))
    stored = Run(folder) if config.fresh else load_run(folder)
    _check_same_data(stored, datasets)
    pending = [cell for cell in cells if not is_finished(stored, cell)]
    for cell in pending:
        _check_params(cell)
    if config.dry_run:
        _foresee(config, datasets, cells, pending)
        return None
    with claim(folder):
        if config.fresh:
            clear(folder)
        run = load_run(folder)
        if pending or not (folder / "report.html").is_file():
            _work(config, run, datasets, cells, pending, command or ["topfive", *sys.argv[1:]], display)
    return Done(run, datasets, cells)


def _default_folder(config: RunConfig, datasets: Opened) -> Path:
    """``reports/<data>``; of a study ``reports/<study>-<data>``."""
    study = [] if config.study is None else [config.study]
    return Path("reports", "-".join([*study, *map(slug, datasets)]))


def _probes(config: RunConfig) -> list[tuple[Spec, Entry]]:
    """The probes that are asked for. Raises InputError for unknown ones, or parameters that one does not take."""
    known = discover(config.plugin, PROBE)
    probes = [(spec, resolve(spec, known, PROBE)) for spec in distinct(config.probe)]
    for spec, entry in probes:
        try:
            factory = entry.load()
        except Exception as error:  # a plugin's import may raise anything; unlike a contender it concerns every cell
            raise InputError(
                f"--probe {spec.name}: cannot import {entry.target}: {type(error).__name__}: {error}"
            ) from None
        check_params(spec, factory)
        try:
            factory(**spec.params)
        except Exception as error:  # the probe's own refusal
            what = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            raise InputError(f"--probe {spec}: {what}{error}") from None
        reads = getattr(factory, "reads", None)
        if reads is not None and reads not in [other.name for other, _ in probes]:
            raise InputError(f"--probe {spec} asks about what {reads} answers: add --probe {reads}")
    return probes


def _work(
    config: RunConfig,
    run: Run,
    datasets: Opened,
    cells: list[Cell],
    pending: list[Cell],
    command: list[str],
    shown: type[Display],
) -> None:
    """Run the pending cells, then write the report; called with the folder claimed."""
    from ..report.render import render  # matplotlib takes a second to import

    here = environment()
    run.manifest = Manifest(command=command, config=config.model_dump(), started=_now(), environment=here)
    run.save_manifest()
    for name, (dataset, _) in datasets.items():
        run.datasets[name] = describe(name, dataset, limited=config.limit is not None)
        write_thumbnails(run.path, name, dataset)
    for cell in pending:  # until a cell has ended it stands as interrupted
        if not has_plain_result(run, cell):
            run.forget_answers(cell.id)
            run.put(_record(cell, {"status": "interrupted", "reason": "not run"}, config, here))
    run.save()
    (run.path / "predictions").mkdir(exist_ok=True)

    trees = {name: tree_of(dataset.classes) for name, (dataset, _) in datasets.items()}
    saving = threading.Lock()
    alone, reading = rounds(pending)
    with (
        _executor(config, run.path) as (execute, jobs),
        shown(
            len(cells) + len(reading), quiet=config.quiet, ahead=_ahead([*alone, *reading], datasets), at_once=jobs
        ) as display,
        _interruptible() as stop,
        stages(fresh=config.fresh) as cache,
        ThreadPoolExecutor(jobs) as pool,
    ):
        if jobs < config.jobs and config.scheduler is None:
            display.say(f"-j {config.jobs}: {jobs} at a time, as a GPU serves one cell at a time")
        if len(pending) < len(cells):
            display.kept(len(cells) - len(pending))
        for name, (dataset, _) in datasets.items():
            of_its_own = 1 if dataset.layout == BUILT_IN else 0  # what the photographs are, which the report explains
            for note in dataset.notes[of_its_own:]:  # what was left out, drawn, found twice, or means two things
                display.say(f"{name}: {note}")

        def work(cell: Cell) -> bool:
            if stop.is_set():
                return False
            display.started(cell.name)
            task = _task(cell, config, max(1, cores() // jobs), cache, run)
            outcome = execute(task, config.timeout, stop, lambda message: display.progress(cell.name, message))
            record = _stored(cell, outcome.record, outcome, run.path, trees[cell.dataset])
            answers = [_stored(cell, answer, outcome, run.path, trees[cell.dataset]) for answer in outcome.answers]
            found = _record(cell, record, config, here)
            with saving:
                _put(run, cell, found, answers)
                run.save()
            display.finished(cell.name, found)
            return found.settled

        try:
            for cells_now in (alone, reading):
                waiting = [cell for cell in cells_now if not is_finished(run, cell) and can_follow(run, cell)]
                for future in as_completed([pool.submit(work, cell) for cell in waiting]):
                    if not future.result() and config.fail_fast:
                        stop.set()
        except BaseException:  # a full disk, say: end what is running, keep what is stored, and say so
            stop.set()
            raise
    run.save()
    run.manifest = run.manifest.model_copy(update={"finished": _now()})
    run.save_manifest()
    render([run.path], run.path, plugins=config.plugin)


def _ahead(cells: Sequence[Cell], datasets: Opened) -> list[Ahead]:
    """The cells as the display needs them to say how long they will take."""
    found = []
    for cell in cells:
        dataset = datasets[cell.dataset][0]
        size = int(cell.condition.get("train_per_class", 0)) * len(dataset.classes)
        n = min(size, len(dataset.train)) if size else len(dataset.train)
        found.append(Ahead(cell.name, f"{cell.dataset} {cell.spec}", n))
    return found


def _put(run: Run, cell: Cell, found: Record, answers: list[dict[str, Any]]) -> None:
    """Put a cell's record, and its probes' answers, in the place of earlier ones.

    Where the same cell was done before and only more probes were to be asked, what others answered stays; and so does
    the plain result where it did not come to an end this time, which is then the failure of what was asked.
    """
    asked = {str(one.spec): one.key for one in cell.probes}
    before = run.plain(cell.id) if has_plain_result(run, cell) else None
    if found.status == "done":
        told = found.probes.keys() | {answer["probe"] for answer in answers}
        lost = {"status": "interrupted", "reason": "not asked: the cell ended while an earlier probe was asking"}
        answers = [*answers, *({"probe": spec, **lost} for spec in asked if spec not in told)]
        others = {} if before is None else {spec: key for spec, key in before.probes.items() if spec not in asked}
        found = found.model_copy(update={"probes": others | found.probes})
        run.forget_answers(cell.id, asked)
    elif before is not None:
        failed = {"status": found.status, "reason": found.reason, "traceback": found.traceback, "log": found.log}
        answers = [{"probe": spec, **failed} for spec, key in asked.items() if before.probes.get(spec) != key]
        found = before
        run.forget_answers(cell.id, [str(answer["probe"]) for answer in answers])
    run.put(found)
    for answer in answers:
        run.put(_answer(found, answer))


def _stored(cell: Cell, fields: dict[str, Any], outcome: Outcome, folder: Path, tree: Any) -> dict[str, Any]:
    """Move the files of an answer into the run's folder, and compute its metrics; the fields then name them."""
    fields = dict(fields)
    name = fields.get("predictions")
    if name:
        axes = {} if fields.get("probe") is None else fields["condition"]
        some = conditions.in_file_name(conditions.of_asking(axes))
        asked = f".{slug(fields['probe'])}.{slug(some)}" if some else ""
        file = f"predictions/{cell.id}{asked}.parquet"
        write_atomic(folder / file, outcome.files[name])
        _, ranked = read_predictions(folder / file)
        fields |= {"predictions": file, "metrics": metrics(ranked, tree)}
    tables = {}
    for key, name in fields.get("tables", {}).items():
        tables[key] = f"probes/{cell.id}.{slug(fields['probe'])}.{slug(key)}.parquet"
        (folder / "probes").mkdir(exist_ok=True)
        write_atomic(folder / tables[key], outcome.files[name])
    return fields | ({"tables": tables} if tables else {})


def _task(cell: Cell, config: RunConfig, n_jobs: int, cache: Path, run: Run | None = None) -> dict[str, Any]:
    """What a cell's process is told; see ``engine``."""
    return {
        "dataset": cell.data_args,
        "method": cell.spec.name,
        "target": cell.entry.target,
        "origin": cell.entry.origin,
        "params": dict(cell.spec.params),
        "seed": cell.seed,
        "condition": cell.condition,
        "probes": [
            {
                "spec": str(one.spec),
                "name": one.spec.name,
                "target": one.entry.target,
                "origin": one.entry.origin,
                "params": dict(one.spec.params),
                "key": one.key,
                "stored": {} if run is None else read_by(run, cell, one.reads),
            }
            for one in cell.probes
        ],
        "device": config.device,
        "n_jobs": n_jobs,
        "cache_dir": str(cache),
        "fresh": config.fresh,
    }


def _foresee(config: RunConfig, datasets: Opened, cells: list[Cell], pending: list[Cell]) -> None:
    """Print the cells and what each would take, from pilots; nothing is written."""
    low = high = 0.0
    for cell in cells:
        if cell not in pending:
            print(f"{cell.name}: finished, kept")
            continue
        dataset = datasets[cell.dataset][0]
        n_train = len(training_split(dataset.train, cell.condition, cell.seed))
        task = _task(cell, config, max(1, cores() // config.jobs), Path())
        found = estimate(task, n_train, len(dataset.val), len(dataset.classes), lambda message: None)
        low, high = low + found.low, high + found.high
        print(f"{cell.name}: {found}", flush=True)
    print(
        f"{span(Forecast(low / config.jobs, high / config.jobs))} in all, from short pilots; not counted: the start of "
        "each cell and opening its data, several seconds"
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
    gpus = visible_gpus() if config.device in ("auto", "cuda") else []
    jobs = 1 if config.device.startswith("cuda:") else min(config.jobs, len(gpus) or config.jobs)
    places: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    for place in gpus if gpus and jobs > 1 else [None] * jobs:
        places.put(place)
    yield here, jobs


def _check_same_data(run: Run, datasets: Opened) -> None:
    for name, (dataset, _) in datasets.items():
        before = run.datasets.get(name)
        if before is not None and before.fingerprint != dataset.fingerprint:
            raise InputError(
                f"{run.path} holds results on other images called {name!r} (or another --limit or --seed split); "
                "give another -o, or --fresh to start over"
            )


def _check_params(cell: Cell) -> None:
    """Unknown parameters are bad usage; a contender that cannot be imported becomes a row instead."""
    if cell.spec.params:
        try:
            factory = cell.entry.load()
        except Exception:  # its own process will meet the same error and report it
            return
        check_params(cell.spec, factory)


def _record(cell: Cell, fields: dict[str, Any], config: RunConfig, here: Environment) -> Record:
    """The plain record of a cell; ``here``: where it was made, unless its process says so itself."""
    family = fields.get("family") or cell.entry.describe()[1] or "other"
    identity = {"cell": cell.id, "key": cell.key, "dataset": cell.dataset, "method": str(cell.spec), "seed": cell.seed}
    known = {name: value for name, value in fields.items() if value is not None}
    return Record.model_validate(
        {"environment": here, "finished": _now()}
        | known
        | identity
        | {"condition": cell.condition, "params": dict(cell.spec.params)}
        | {"family": family, "limited": config.limit is not None}
    )


def _answer(plain: Record, fields: dict[str, Any]) -> Record:
    """The record of a probe's answer: of the same cell as ``plain``, fitted as it was."""
    same = ("cell", "key", "dataset", "method", "params", "family", "seed", "condition", "n_train", "n_train_per_class")
    shared = {name: getattr(plain, name) for name in (*same, "device", "limited", "finished", "environment")}
    return Record.model_validate(shared | {name: value for name, value in fields.items() if value is not None})


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
