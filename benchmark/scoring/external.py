"""Contenders that are not Python: a file of predictions, read strictly and ranked like any other.

Accepted, by the ending of the name:

``.csv``      header ``image_id,1,2,3,…``: classes best first; or ``image_id,<class>,<class>,…``: one score per class
``.jsonl``    ``{"image_id": …, "ranked": [class, …]}`` or ``{"image_id": …, "scores": {class: score, …}}``
``.parquet``  a run's own ``predictions/*.parquet``, or the columns of the CSV
``.txt``      ILSVRC's submission: one line an image in the order of the validation set, five class numbers (1…C) each

Classes are the data set's ids. Every validation image is there once; five classes at least are ranked (all, where
there are fewer).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..errors import InputError
from .predictions import SCHEMA, read_predictions
from .ranking import Ranking, rank


@dataclass(frozen=True)
class Truth:
    """What the answers are for: a data set's title, classes in order, and its n validation images' ids and labels."""

    title: str
    classes: Sequence[str]
    ids: Sequence[str]
    labels: NDArray[np.int64]


Row = tuple[str, str, list[Any] | dict[str, Any]]  # where it stands, image id, ranked classes or scores by class


def read_external(path: Path, truth: Truth) -> Ranking:
    """The ranking that ``path`` holds for the validation images of ``truth``, in their order. Raises InputError."""
    if not path.is_file():
        raise InputError(f"there is no predictions file {path}")
    readers = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet, ".txt": _submission}
    if path.suffix not in readers:
        raise InputError(f"{path}: the ending must be one of {', '.join(readers)}")
    if path.suffix == ".parquet" and set(SCHEMA.names) <= set(_schema(path).names):
        return _own(path, truth)
    places = {image: i for i, image in enumerate(truth.ids)}
    classes = {name: i for i, name in enumerate(truth.classes)}
    answers: list[NDArray[Any] | None] = [None] * len(places)
    kind = ""
    for where, image, answer in readers[path.suffix](path, truth):
        if image not in places:
            raise InputError(f"{where}: unknown image id {image!r}; ids look like {truth.ids[0]!r}")
        if answers[places[image]] is not None:
            raise InputError(f"{where}: image {image!r} is there twice")
        this = "scores" if isinstance(answer, dict) else "ranked"
        if kind not in ("", this):
            raise InputError(f"{where}: has {this}, the lines before have {kind}; use one of them throughout")
        kind = this
        read = _scores if isinstance(answer, dict) else _ranked
        answers[places[image]] = read(where, answer, classes)
    missing = [i for i, answer in enumerate(answers) if answer is None]
    if missing:
        first = truth.ids[missing[0]]
        raise InputError(f"{path}: {len(missing)} of {len(answers)} validation images are missing, first {first!r}")
    found = [answer for answer in answers if answer is not None]
    if kind == "scores":
        return rank(np.stack(found), truth.labels)
    return _rank_lists(found, truth.labels, len(classes))


def _scores(where: str, answer: Any, classes: dict[str, int]) -> NDArray[np.float64]:
    values = np.full(len(classes), np.nan)
    for name, value in answer.items():
        if str(name) not in classes:
            raise InputError(_unknown_class(where, name, classes))
        try:
            values[classes[str(name)]] = np.nan if value is None else float(value)
        except (TypeError, ValueError):
            raise InputError(f"{where}: the score of {name!r} is {value!r}, not a number") from None
    if not np.isfinite(values).all():
        name = list(classes)[int(np.argmin(np.isfinite(values)))]
        given = answer.get(name) is not None
        raise InputError(f"{where}: the score of {name!r} is {'not finite' if given else 'missing'}")
    return values


def _ranked(where: str, answer: Any, classes: dict[str, int]) -> NDArray[np.int64]:
    for name in answer:
        if str(name) not in classes:
            raise InputError(_unknown_class(where, name, classes))
    order = [classes[str(name)] for name in answer]
    if len(set(order)) < len(order):
        raise InputError(f"{where}: a class is ranked twice")
    if len(order) < min(5, len(classes)):
        raise InputError(f"{where}: only {len(order)} classes are ranked; rank {min(5, len(classes))} or more")
    return np.array(order)


def _unknown_class(where: str, name: object, classes: dict[str, int]) -> str:
    few = len(classes) <= 20
    known = f"the classes are {', '.join(classes)}" if few else f"classes look like {next(iter(classes))!r}"
    return f"{where}: unknown class {name!r}; {known}"


def _rank_lists(ranked: Sequence[NDArray[np.int64]], labels: NDArray[np.int64], n_classes: int) -> Ranking:
    """Lists of classes, best first. What is not ranked ties below: counted against, as ties are."""
    shortest = min(len(order) for order in ranked)
    top = np.stack([order[:shortest] for order in ranked])[:, :20]
    hit = top == labels[:, None]
    found = hit.any(axis=1)
    above = np.where(found, hit.argmax(axis=1), top.shape[1])
    tied = np.where(found, 1, n_classes - top.shape[1])
    scores = np.broadcast_to(-np.arange(top.shape[1], dtype=np.float32), top.shape)
    label, above_, tied_ = (np.asarray(column, dtype=np.int32) for column in (labels, above, tied))
    return Ranking(n_classes, label, above_, tied_, top.astype(np.int32), np.ascontiguousarray(scores))


def _own(path: Path, truth: Truth) -> Ranking:
    """A run's own file; the first row that does not belong to ``truth``, or contradicts itself, is named."""
    try:
        with np.errstate(invalid="raise"):
            ids, ranking = read_predictions(path)
    except (ArithmeticError, KeyError, TypeError, ValueError, pa.ArrowException):  # no metadata, nulls, ragged lists
        raise InputError(f"{path}: has the columns of a run's predictions, but not as a run writes them") from None
    if ranking.n_classes != len(truth.classes):
        raise InputError(f"{path}: ranks {ranking.n_classes} classes; {truth.title} has {len(truth.classes)}")
    for row, (given, expected) in enumerate(zip(ids.to_pylist(), truth.ids, strict=False), start=1):
        if given != expected:
            raise InputError(f"{path}, row {row}: image {given!r}, expected {expected!r}: of a run on other images?")
    if len(ids) != len(truth.ids):
        raise InputError(f"{path}: {len(ids)} rows for {len(truth.ids)} validation images")
    faults = {
        "the label is another": ranking.label != truth.labels,
        "a score is not finite": ~np.isfinite(ranking.top_scores).all(axis=1),
        "the confidence is no probability": ~_probable(ranking.confidence, len(ids)),
        "the rank contradicts the classes listed": ~_consistent(ranking),
    }
    for fault, rows in faults.items():
        if rows.any():
            raise InputError(f"{path}, row {int(rows.argmax()) + 1}: {fault}")
    return ranking


def _probable(confidence: NDArray[np.float32] | None, n: int) -> NDArray[np.bool_]:
    """(n,): whether the confidences, where there are any, are from 0 to 1."""
    return np.ones(n, bool) if confidence is None else (confidence >= 0) & (confidence <= 1)


def _consistent(ranking: Ranking) -> NDArray[np.bool_]:
    """(n,): whether the truth stands among the listed classes where ``above`` and ``tied`` say."""
    place = np.where(ranking.top_classes == ranking.label[:, None], np.arange(ranking.top_classes.shape[1]), -1).max(1)
    end = ranking.above + ranking.tied
    inside = (ranking.above <= place) & (place < end)
    sensible = (ranking.above >= 0) & (ranking.tied >= 1) & (end <= ranking.n_classes)
    return np.asarray(sensible & np.where(place >= 0, inside, end > ranking.top_classes.shape[1]))


def _csv(path: Path, truth: Truth) -> Iterator[Row]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            rows = csv.reader(file)
            yield from _table(path, next(rows, []), rows)
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{path} is not readable as CSV: {error}") from None


def _parquet(path: Path, truth: Truth) -> Iterator[Row]:
    _schema(path)
    table = pq.read_table(path)
    table = table.select([name for name in table.column_names if not name.startswith("__index_level_")])  # pandas'
    columns = [column.to_pylist() for column in table.columns]
    yield from _table(path, table.column_names, zip(*columns, strict=True))


def _table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[Row]:
    if not header or header[0] != "image_id" or len(header) < 2:
        raise InputError(f"{path}: the first line must be image_id,1,2,3,… or image_id,<class>,<class>,…")
    ranked = [str(name) for name in header[1:]] == [str(i + 1) for i in range(len(header) - 1)]
    for number, row in enumerate(rows, start=2):
        where = f"{path}, line {number}"
        if len(row) != len(header):
            raise InputError(f"{where}: {len(row)} values under {len(header)} columns")
        image, *answer = row
        values = [value for value in answer if value not in (None, "")] if ranked else answer
        yield where, str(image), values if ranked else dict(zip(header[1:], answer, strict=True))


def _jsonl(path: Path, truth: Truth) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            where = f"{path}, line {number}"
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{where}: not valid JSON: {error.msg}") from None
            kinds = {"ranked": list, "scores": dict}
            named = [kind for kind in kinds if isinstance(row, dict) and isinstance(row.get(kind), kinds[kind])]
            if len(named) != 1 or "image_id" not in row:
                raise InputError(
                    f'{where}: must be {{"image_id": …, "ranked": […]}} or {{…, "scores": {{class: score}}}}'
                )
            yield where, str(row["image_id"]), row[named[0]]


def _submission(path: Path, truth: Truth) -> Iterator[Row]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if len(lines) != len(truth.ids):
        raise InputError(f"{path}: {len(lines)} lines for {len(truth.ids)} validation images")
    for number, (line, image) in enumerate(zip(lines, truth.ids, strict=True), start=1):
        where = f"{path}, line {number}"
        guesses = []
        for word in line.split():
            if not word.isdecimal() or not 1 <= int(word) <= len(truth.classes):
                raise InputError(f"{where}: {word!r} is not a class number from 1 to {len(truth.classes)}")
            guesses.append(truth.classes[int(word) - 1])
        yield where, image, guesses


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is not a Parquet file: {error}") from None
