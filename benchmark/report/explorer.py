"""The disagreement explorer: images that one side gets and the other misses, with the five guesses of each."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..families import FLOOR, tone_of
from .runs import Run
from .study import Study

PER_KIND = {"a": 120, "b": 120, "neither": 60, "both": 30}  # images kept, by who gets them
CONTENDERS = 12
BYTES = 5_000_000  # of pictures, all data sets together


def explorer(study: Study, thumbnails: dict[str, bytes], budget: int = BYTES) -> dict[str, Any] | None:
    """What the page's script needs, or None where there is nothing to explore.

    {"k", "classes": {index: name}, "contenders": [{name, tone}], "images": [{id, label, jpeg, guesses, hits}]} with
    guesses[c] the best five classes of contender c and hits[c] whether the truth is among its best k. The first two
    contenders are the ones the report sets against each other.
    """
    duel, labels = study.duel, study.labels
    if duel is None or labels is None or study.ids is None or not {*duel} <= {*study.paired}:
        return None
    chosen = list(dict.fromkeys([*duel, *(i for i in study.paired if study.ranked[i].family != FLOOR)]))[:CONTENDERS]
    rows = _choose(study, duel, thumbnails)
    if not len(rows):
        return None
    ids = study.ids.take(rows).to_pylist()
    pictures = []
    for name in ids:
        jpeg = thumbnails.get(name, b"")
        budget -= len(jpeg)
        pictures.append(base64.b64encode(jpeg).decode() if jpeg and budget > 0 else "")
    hits = [study.ranked[i].hits(study.k)[0][rows] for i in chosen]
    guesses = [_guesses(study, i, rows) for i in chosen]
    used = sorted({int(labels[r]) for r in rows} | {int(g) for block in guesses for g in block.flat if g >= 0})
    names = study.dataset.class_names
    return {
        "k": study.k,
        "classes": {c: names[c] for c in used},
        "contenders": [{"name": study.ranked[i].name, "tone": tone_of(study.ranked[i].family)} for i in chosen],
        "images": [
            {
                "id": ids[j],
                "label": int(labels[row]),
                "jpeg": pictures[j],
                "guesses": [block[j].tolist() for block in guesses],
                "hits": [int(h[j]) for h in hits],
            }
            for j, row in enumerate(rows)
        ],
    }


def _choose(study: Study, duel: tuple[int, int], thumbnails: dict[str, bytes]) -> NDArray[np.int64]:
    """Rows of every kind, spread over the classes; only images with a picture where the run saved any."""
    assert study.ids is not None
    a, b = (study.ranked[i].hits(study.k)[0] for i in duel)
    usable = np.ones(len(a), dtype=bool)
    if thumbnails:
        usable = np.array([name in thumbnails for name in study.ids.to_pylist()])
    shuffled = np.random.default_rng(0).permutation(np.flatnonzero(usable))
    kinds = {"a": a & ~b, "b": b & ~a, "neither": ~a & ~b, "both": a & b}
    return np.concatenate([shuffled[mask[shuffled]][: PER_KIND[kind]] for kind, mask in kinds.items()])


def _guesses(study: Study, i: int, rows: NDArray[np.int64]) -> NDArray[np.int32]:
    """(len(rows), 5) of the first seed; the stored order may differ from the study's, so the ids are matched."""
    assert study.ids is not None
    cell = study.ranked[i].cells[0]
    path = cell.predictions_path
    assert path is not None
    stored = pq.read_table(path, columns=["image_id"])["image_id"].combine_chunks()
    wanted = study.ids.take(rows)
    return cell.guesses(path, pc.index_in(wanted, value_set=stored.cast(wanted.type)).to_numpy().astype(np.int64))


def thumbnails_of(runs: list[Run], name: str) -> dict[str, bytes]:
    """The pictures that any of the runs saved of a data set."""
    out: dict[str, bytes] = {}
    for run in runs:
        for dataset in run.datasets:
            if dataset.split("[")[0] == name.split("[")[0]:
                out |= run.thumbnails(dataset)
    return out
