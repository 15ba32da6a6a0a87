"""Probes in a cell: further questions to a fitted contender, after its plain prediction."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .. import conditions
from ..conditions import Scalar
from ..contenders.contract import scores_of
from ..contenders.discovery import Entry
from ..data import Dataset
from ..data.images import LazyImages
from ..data.sampling import stratified_sample
from ..results.schema import ASKED_ABOUT
from ..scoring.predictions import write_predictions
from ..scoring.ranking import align, rank
from ..specs import slug

log = logging.getLogger("topfive.engine")

Answer = dict[str, Any]  # fields of a results.schema.Record; files by their names in the cell's folder


def failure(error: BaseException) -> tuple[str, str]:
    """(status, reason) of what a contender or a probe raised."""
    if isinstance(error, SystemExit):
        return "failed", f"sys.exit({error.code!r}) was called"
    if isinstance(error, MemoryError):
        return "oom", f"out of memory: {error}" if str(error) else "out of memory"
    oom = type(error).__name__ == "OutOfMemoryError"
    return "oom" if oom else "failed", f"{type(error).__name__}: {error}"


class FittedContender:
    """``probes.contract.Fitted``: scores in the data set's class order, checked as any answer is."""

    def __init__(self, method: Any, n_classes: int) -> None:
        self.method = method
        self.n_classes = n_classes

    def scores(self, images: Any) -> NDArray[np.floating[Any]]:
        """(n, n_classes) finite scores of n images: a sequence as contenders get, or arrays (H, W, 3) uint8."""
        if not hasattr(images, "batches"):
            arrays = list(images)
            images = LazyImages(arrays.__getitem__, len(arrays))
        return align(scores_of(self.method, images), np.asarray(self.method.classes_), len(images), self.n_classes)

    def hook(self, name: str) -> Callable[..., Any] | None:
        """An optional method of the contender (``contenders.contract.HOOKS``); None where it has none.

        What it calls a label is a place in the data set's order of classes, as everywhere.
        """
        found = getattr(self.method, name, None)
        return found if callable(found) else None


def ask(
    method: Any,
    dataset: Dataset,
    asked: Mapping[str, Any],
    fitted_under: Mapping[str, Scalar],
    folder: Path,
    answered: Callable[[Answer], None],
) -> None:
    """Ask one probe. ``answered`` gets each answer as soon as it is there; a probe that fails is an answer too.

    Every contender is asked about the same images: as many as the probe's ``images`` says, level over the classes,
    drawn by its ``random_state``.
    """
    name = asked["spec"]
    try:
        probe = Entry(asked["name"], asked["target"], asked["origin"]).load()(**asked["params"])
        val = dataset.val
        most = getattr(probe, "images", None)
        seed = int(getattr(probe, "random_state", 0))
        rows = stratified_sample(val.labels, len(val) if most is None else int(most), seed)
        images, labels = val.images.take(rows), val.labels[rows]
        log.info("%s: asking about %d images", name, len(rows))
        if not any(hasattr(probe, way) for way in ("views", "ask", "ask_about")):
            raise TypeError(f"{asked['target']} is no probe: it has neither views nor ask")
        fitted = FittedContender(method, len(dataset.classes))
        if hasattr(probe, "views"):
            ids = [val.ids[int(i)] for i in rows]
            for answer in _views(fitted, probe.views(images), ids, labels, fitted_under, folder, name):
                answered(answer)
        if hasattr(probe, "ask"):
            start = time.perf_counter()
            tables = probe.ask(fitted, images, labels.copy())
            answer = _answer(name, {**fitted_under}, "done", n=len(rows), seconds=time.perf_counter() - start)
            ids = [val.ids[int(i)] for i in rows]
            boxes = pa.array([dataset.boxes.get(one) for one in ids], pa.list_(pa.int64()))
            which = pa.table({"image_id": ids, "label": labels, "box": boxes})
            answered(answer | {"tables": _stored({ASKED_ABOUT: which, **tables}, folder, name)})
        if hasattr(probe, "ask_about"):
            start = time.perf_counter()
            others = {
                contender: {key: pq.read_table(file) for key, file in files.items()}
                for contender, files in asked["stored"].items()
            }
            tables = probe.ask_about(fitted, others)
            answer = _answer(name, {**fitted_under}, "done", n=0, seconds=time.perf_counter() - start)
            answered(answer | {"tables": _stored(tables, folder, name)})
    except (Exception, SystemExit) as error:  # a probe's own fault, or the contender's: it becomes a row
        answered(_failed(name, {**fitted_under}, error))


def _views(
    fitted: FittedContender,
    views: Iterable[tuple[Mapping[str, Scalar], Any]],
    ids: list[str],
    labels: NDArray[np.int64],
    fitted_under: Mapping[str, Scalar],
    folder: Path,
    name: str,
) -> Iterable[Answer]:
    """The answers to a probe's views, one after the other."""
    for number, (view, images) in enumerate(views):
        asked = conditions.of_a_view(view)
        condition = {**fitted_under, **asked}
        log.info("%s: %s", name, conditions.written(asked))
        start = time.perf_counter()
        try:
            if len(images) != len(labels):
                raise ValueError(f"the view has {len(images)} images, not {len(labels)}")
            ranking = rank(fitted.scores(images), labels)
        except (Exception, SystemExit) as error:  # this view failed; the others may not
            yield _failed(name, condition, error)
            continue
        seconds = time.perf_counter() - start
        file = f"view-{slug(name)}-{number}.parquet"
        write_predictions(folder / file, ids, ranking)
        yield _answer(name, condition, "done", n=len(labels), seconds=seconds) | {"predictions": file}


def _answer(name: str, condition: dict[str, Scalar], status: str, *, n: int, seconds: float) -> Answer:
    costs = {"predict_seconds": seconds, "images_per_second": n / max(seconds, 1e-9)}
    return {"probe": name, "condition": condition, "status": status, "costs": costs}


def _failed(name: str, condition: dict[str, Scalar], error: BaseException) -> Answer:
    log.info("%s failed: %s", name, error)
    status, reason = failure(error)
    told = {"status": status, "reason": reason, "traceback": traceback.format_exc()}
    return {"probe": name, "condition": condition, **told}


def _stored(tables: Mapping[str, Any], folder: Path, name: str) -> dict[str, str]:
    """Write a probe's own tables; their files by name."""
    files = {}
    for key, table in tables.items():
        files[key] = f"table-{slug(name)}-{slug(key)}.parquet"
        pq.write_table(table, folder / files[key], compression="zstd")
    return files
