"""One cell, data set × contender × seed × training condition, in a process of its own: open, fit, predict, ask, store.

Started by ``isolation`` as ``python -m topfive.benchmark.running.engine FOLDER``; reads ``FOLDER/cell.json``, writes
``FOLDER/outcome.json`` and the files of answers that it names. The plain answer is stored before any probe asks. The
metrics are computed by the runner from the stored predictions, so they can be computed again without fitting.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import logging
import math
import os
import resource
import signal
import sys
import threading
import time
import traceback
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from topfive.common import energy
from topfive.common.machine import give_back_memory

from ..conditions import training_split
from ..contenders.contract import scores_of
from ..contenders.discovery import Entry, parameters
from ..data import Dataset, open_dataset
from ..results.environment import environment
from ..results.run import write_json
from ..scoring.predictions import write_predictions
from ..scoring.ranking import Ranking, align, as_probability, confidence_of, rank
from .asking import ask, failure

PROGRESS = "\x1f"  # begins a line that is progress, not noise
OUTCOME, PREDICTIONS = "outcome.json", "predictions.parquet"
FITTED, PREDICTED = "fitted", "predicted"  # files that are there as soon as fitting and the plain prediction have ended

PILOT_PREDICTS, PILOT_EPOCHS = 1000, 3  # a pilot predicts at most so many images, and trains a network so long

log = logging.getLogger("topfive.engine")


def main(folder: Path) -> None:
    """Run the cell described in ``folder``; whatever happens inside ends as ``outcome.json``."""
    faulthandler.enable()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _show_progress()
    cell = json.loads((folder / "cell.json").read_text(encoding="utf-8"))
    try:
        record = _run(cell, folder)
    except (Exception, SystemExit) as error:  # the one place where a contender's errors become a row
        record = _failure(*failure(error))
    if record is not None:
        stage = "predict" if (folder / FITTED).exists() else "fit"
        record.setdefault("costs", {}).setdefault(f"{stage}_peak_rss_bytes", _peak_rss())
        write_json(folder / OUTCOME, {"record": record, "answers": [], "asking": None})


def _run(cell: dict[str, Any], folder: Path) -> dict[str, Any] | None:
    """The record of a cell that did not come to an answer; None where all is written."""
    _limit_threads(cell["n_jobs"])
    entry = Entry(cell["method"], cell["target"], cell["origin"])
    try:
        factory = entry.load()
    except Exception as error:  # a plugin's import may raise anything
        return _failure("unavailable", f"cannot import {entry.target}: {type(error).__name__}: {error}")
    if no_gpu := _no_gpu(str(cell["params"].get("device", ""))):
        return {"status": "unavailable", "reason": no_gpu, "family": _family(factory)}
    method = _construct(entry, factory, cell)
    missing = getattr(method, "missing", None)
    lacks = missing() if callable(missing) else None
    if lacks:
        return {"status": "unavailable", "reason": str(lacks), "family": _family(method)}
    dataset: Dataset = open_dataset(**cell["dataset"], n_jobs=cell["n_jobs"])
    train = training_split(dataset.train, cell["condition"], cell["seed"])
    skip = getattr(method, "skip", None)
    reason = skip(train.images, len(dataset.classes)) if callable(skip) else None
    if reason:
        return {"status": "skipped", "reason": str(reason), "family": _family(method)}
    passes: dict[str, Any] = {}
    if cell.get("pilot_of"):
        dataset = replace(dataset, val=dataset.val.stratified(PILOT_PREDICTS, 0))
        method, passes = _shortened(method, entry, factory, cell, len(train))

    log.info("fitting on %d images", len(train.images))
    with _parallel(cell.get("scheduler")):
        joules = energy.read()
        start, start_cpu = time.perf_counter(), _cpu_seconds()
        method.fit(train.images, train.labels.copy())
        fit_seconds, fit_cpu = time.perf_counter() - start, _cpu_seconds() - start_cpu
        joules_after = energy.read()
        log.info("fitted in %.1f s; predicting %d images", fit_seconds, len(dataset.val.images))
        fit_peak = _peak_rss()
        _begin_predicting(folder)
        start, start_cpu = time.perf_counter(), _cpu_seconds()
        answer = scores_of(method, dataset.val.images)
        predict_seconds, predict_cpu = time.perf_counter() - start, _cpu_seconds() - start_cpu
        predict_peak = _peak_rss()
        scores = align(answer, np.asarray(method.classes_), len(dataset.val.images), len(dataset.classes))
        (folder / PREDICTED).touch()
        ranking = rank(scores, dataset.val.labels)
        if ranking.confidence is None:
            ranking = replace(ranking, confidence=_confidence(method, dataset, ranking))
        write_predictions(folder / PREDICTIONS, dataset.val.ids, ranking)
        device, peak_gpu = _device(method)
        told = _told(method)
        cached = sum(told.pop("cached_timings").values())
        cached_cpu = told.pop("cached_cpu_seconds") or 0.0
        if told["costs"]["energy_joules"] is None and not cached:
            first = str(getattr(method, "device", "cpu")).partition(",")[0]
            told["costs"]["energy_joules"] = energy.spent(joules, joules_after, energy.counter(first))
        record = {
            "status": "done",
            "family": _family(method),
            "n_train": len(train.images),
            "n_train_per_class": len(train.images) / len(dataset.classes),
            **({"passes": passes} if passes else {}),
            "predictions": PREDICTIONS,
            "confidence": ranking.scale,
            "device": device,
            "environment": environment().model_dump(),
            "costs": {
                "fit_seconds": fit_seconds + cached,
                "cached_seconds": cached,
                "predict_seconds": predict_seconds,
                "images_per_second": len(dataset.val.images) / max(predict_seconds, 1e-9),
                "cpu_seconds": fit_cpu + cached_cpu + predict_cpu,
                "fit_cpu_seconds": fit_cpu + cached_cpu,
                "predict_cpu_seconds": predict_cpu,
                "fit_peak_rss_bytes": fit_peak,
                "predict_peak_rss_bytes": predict_peak,
                "peak_gpu_bytes": peak_gpu,
                **told.pop("costs"),
            },
            **told,
        }
        del scores, answer, ranking
        _ask_all(method, dataset, cell, folder, record)
    return None


def _ask_all(method: Any, dataset: Dataset, cell: dict[str, Any], folder: Path, record: dict[str, Any]) -> None:
    """Ask the cell's probes; what is answered is on the disk at once, so that no later failure takes it along."""
    outcome: dict[str, Any] = {"record": record, "answers": [], "asking": None}
    write_json(folder / OUTCOME, outcome)
    for asked in cell["probes"]:
        outcome["asking"] = asked["spec"]
        write_json(folder / OUTCOME, outcome)

        def answered(answer: dict[str, Any]) -> None:
            outcome["answers"].append(answer)
            write_json(folder / OUTCOME, outcome)

        ask(method, dataset, asked, cell["condition"], folder, answered)
        mine = [answer["status"] for answer in outcome["answers"] if answer["probe"] == asked["spec"]]
        if all(status == "done" for status in mine):  # failures are asked again
            record["probes"] = {**record.get("probes", {}), asked["spec"]: asked["key"]}
    outcome["asking"] = None
    write_json(folder / OUTCOME, outcome)


def _parallel(scheduler: str | None) -> AbstractContextManager[None]:
    """Where joblib's calls run: on the cluster that the cell is run on, else here."""
    if scheduler is None:
        return nullcontext()
    from .spread import spread

    return spread(scheduler)


def _begin_predicting(folder: Path) -> None:
    """Tell ``isolation``, which watches the memory, that what follows is no longer fitting; forget the peak so far."""
    gc.collect()
    give_back_memory()  # what fitting freed is not predicting's
    with suppress(OSError):  # Linux only
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    (folder / FITTED).touch()


def _construct(entry: Entry, factory: Any, cell: dict[str, Any]) -> Any:
    """The contender with the user's parameters, and with what the harness fills in where it is asked for."""
    try:
        known = parameters(factory)
    except (TypeError, ValueError):
        known = set()
    given = {"random_state": cell["seed"], "n_jobs": cell["n_jobs"], "cache_dir": cell["cache_dir"]}
    filled = {key: value for key, value in given.items() if known and key in known}
    if known and "device" in known and "device" not in cell["params"]:
        several = getattr(factory, "several_devices", False)
        filled["device"] = _resolve(cell["device"] if several else cell["device"].partition(",")[0])
    return factory(**{**filled, **cell["params"]}) if callable(factory) else factory


def _no_gpu(device: str) -> str:
    """Why a ``device`` that a contender's own parameters name cannot be had; empty where it can."""
    torch = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda") or torch.cuda.is_available():
        return ""
    return f"device={device}: torch finds no GPU here that it can use"


def _shortened(
    method: Any, entry: Entry, factory: Any, cell: dict[str, Any], n_train: int
) -> tuple[Any, dict[str, Any]]:
    """(the contender of a pilot, how often it goes over its images "here" and would in the "whole")."""
    passes = getattr(method, "passes", None)
    if not callable(passes):
        return method, {"here": 1, "whole": 1}
    whole = passes(cell["pilot_of"])
    if "epochs" in (parameters(factory) or set()):
        few = {"epochs": min(PILOT_EPOCHS, whole)}
        method = _construct(entry, factory, {**cell, "params": {**cell["params"], **few}})
    return method, {"here": method.passes(n_train), "whole": whole}


def _resolve(device: str) -> str:
    """``auto`` is the GPU where there is one and the contender's module uses torch, else the CPU."""
    torch = sys.modules.get("torch")
    there = torch is not None and torch.cuda.is_available()
    if device == "auto":
        return "cuda" if there else "cpu"
    if torch is not None and device.startswith("cuda") and not there:
        raise ValueError(f"--device {device}: torch finds no GPU that it can use; take --device cpu, or auto")
    return device


def _confidence(method: Any, dataset: Dataset, ranking: Ranking) -> NDArray[np.float32] | None:
    """(n,) how probable a contender takes its first guesses to be that says so beside its scores; None where none does.

    It has answered already, so nothing that goes wrong here costs it its result.
    """
    probable = getattr(method, "predict_proba", None)
    if probable is None or not hasattr(method, "decision_function"):
        return None
    n, n_classes = len(dataset.val), len(dataset.classes)
    try:
        given = align(probable(dataset.val.images), np.asarray(method.classes_), n, n_classes)
    except Exception as error:  # whatever a contender raises; its log says so
        log.info("no calibration: predict_proba: %s: %s", type(error).__name__, error)
        return None
    if confidence_of(given) != "probability":
        log.info("no calibration: what predict_proba answers does not sum to one")
        return None
    return as_probability(given[np.arange(n), ranking.top_classes[:, 0]], "probability")


def _told(method: Any) -> dict[str, Any]:
    """What a fitted contender says of itself (``contenders.contract``), as plain JSON values."""
    converged = getattr(method, "converged_", None) or {}
    return {
        "timings": _seconds(method, "timings_"),
        "cached_timings": _seconds(method, "cached_timings_"),
        "cached_cpu_seconds": _optional(float, getattr(method, "cached_cpu_seconds_", None)),
        "history": _plain(list(getattr(method, "history_", None) or [])),
        "budget": _plain(dict(getattr(method, "budget_", None) or {})),
        "converged": _optional(bool, converged.get("converged")),
        "convergence": _optional(str, converged.get("why")),
        "costs": {
            "n_parameters": _optional(int, getattr(method, "n_parameters_", None)),
            "flops_per_image": _optional(float, getattr(method, "flops_per_image_", None)),
            "energy_joules": _optional(float, getattr(method, "energy_joules_", None)),
        },
    }


def _seconds(method: Any, name: str) -> dict[str, float]:
    told = {str(k): float(v) for k, v in dict(getattr(method, name, None) or {}).items()}
    return {k: v for k, v in told.items() if math.isfinite(v)}


def _plain(value: Any) -> Any:
    """JSON's own types only; a number that is not finite becomes null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool | None) else str(value)


def _optional(kind: type, value: Any) -> Any:
    return None if value is None or (isinstance(value, float) and not math.isfinite(value)) else kind(value)


def _family(method: Any) -> str:
    return str(getattr(method, "family", "") or "other")


def _failure(status: str, reason: str) -> dict[str, Any]:
    return {"status": status, "reason": reason, "traceback": traceback.format_exc()}


def _device(method: Any) -> tuple[str, int | None]:
    """(where the work was done, peak bytes on a GPU), asked of torch only when the contender imported it."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        peak = max(torch.cuda.max_memory_allocated(i) for i in range(torch.cuda.device_count()))
        if peak:
            n = str(getattr(method, "device", "")).count(",") + 1
            if n > 1:  # trained in processes of their own
                peak = max(peak, getattr(method, "peak_bytes_", 0))
            return f"{n} × " * (n > 1) + torch.cuda.get_device_name(), int(peak)
    return "cpu", None


def _cpu_seconds() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _peak_rss() -> int:
    """Bytes of memory of this process's own at its peak; files mapped now are not counted, as in ``isolation``.

    From the kernel's status, as getrusage counts the process too from which this one was forked, which may be larger.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        said = {
            name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines) if "kB" in value
        }
        return 1024 * (said["VmHWM"] - said["RssFile"] - said["RssShmem"])
    except (OSError, KeyError):  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _limit_threads(n: int) -> None:
    import cv2

    cv2.setNumThreads(n)


def _show_progress() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(PROGRESS + "%(message)s"))
    logger = logging.getLogger("topfive")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _die_with_parent() -> None:
    """Standard input is a pipe that the runner holds open; its end means that the runner is gone."""
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
