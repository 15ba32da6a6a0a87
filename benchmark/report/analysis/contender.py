"""One method's results: its records, its answers on the images that all contenders share, its name and its colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...families import Tone, tone_of
from ...results.run import Run
from ...results.schema import Record
from ...scoring.ranking import Ranking, as_probability
from ...scoring.statistics import hits_at


@dataclass(frozen=True)
class Result:
    """A record, and the run that it lies in."""

    run: Run
    record: Record

    def predictions(self) -> tuple[pa.Array, Ranking] | None:
        """(image ids, ranking); None where none is stored."""
        return self.run.predictions(self.record)


@dataclass
class Contender:
    """One method at one training size. ``above`` and ``tied``: (S, n) int16, one row a seed; None: none stored.

    name, title: what tells it apart in this contest, and how a person calls that: see ``naming`` and ``titles``.
    per_class: training images per class; None where nothing is known of its training, as of a predictions file.
    rival: the second of the two that the report compares, where both are of one family: drawn in a hue of its own.
    """

    spec: str
    family: str
    per_class: float | None
    results: list[Result]
    name: str = ""
    above: NDArray[np.int16] | None = None
    tied: NDArray[np.int16] | None = None
    first: NDArray[np.int16] | None = None  # (n,) the best guess, of the first seed
    confidence: NDArray[np.float32] | None = None  # (n,) its probability, of the first seed; None where it is none
    rival: bool = False
    title: str = ""

    def __post_init__(self) -> None:
        self.name = self.name or self.spec
        self.title = self.title or self.name

    def mean(self, name: str) -> float | None:
        """A numeric field, the mean over seeds."""
        values = [v for v in (result.record.number(name) for result in self.results) if v is not None]
        return float(np.mean(values)) if values else None

    def hits(self, k: int) -> NDArray[np.bool_]:
        """(S, n) hits at k; only for contenders with predictions."""
        assert self.above is not None
        assert self.tied is not None
        return hits_at(self.above, self.tied, k)

    @property
    def tone(self) -> Tone:
        """The colour it has in tables and charts."""
        return "rival" if self.rival else tone_of(self.family)

    @property
    def record(self) -> Record:
        """Of the first seed."""
        return self.results[0].record

    @property
    def run(self) -> Run:
        """Where the first seed lies."""
        return self.results[0].run

    @property
    def method(self) -> str:
        """The name without parameters: "hog[cell=6]" is a variant of "hog"."""
        return self.spec.split("[", 1)[0]

    @property
    def paired(self) -> bool:
        return self.above is not None

    @property
    def seeds(self) -> int:
        return len(self.results)


def read_predictions(contenders: list[Contender], notes: list[str]) -> tuple[pa.Array | None, NDArray[np.int64] | None]:
    """Fill in what the contenders answered, on the images of the first of them and in their order."""
    ids: pa.Array | None = None
    labels: NDArray[np.int64] | None = None
    for contender in contenders:
        above, tied = [], []
        for result in contender.results:
            stored = result.predictions()
            if stored is None:
                notes.append(f"{contender.name}: no predictions are stored, so it takes no part in paired tests.")
                break
            own_ids, got = stored
            if ids is None or labels is None:
                ids, labels = own_ids, got.label.astype(np.int64)
            rows = order(ids, own_ids)
            if rows is None or not np.array_equal(got.label[rows], labels):
                notes.append(f"{contender.name}: answered for other images, so it takes no part in paired tests.")
                break
            above.append(got.above[rows].astype(np.int16))
            tied.append(got.tied[rows].astype(np.int16))
            if result is contender.results[0]:
                contender.first = got.top_classes[rows, 0].astype(np.int16)
                contender.confidence = _confidence(result.record, got, rows)
        else:
            contender.above, contender.tied = np.stack(above), np.stack(tied)
    return ids, labels


def _confidence(record: Record, ranking: Ranking, rows: NDArray[np.int64] | slice) -> NDArray[np.float32] | None:
    """(n,) probabilities of the first guesses, whichever way the contender gives them; None where it gives none."""
    if ranking.confidence is not None:
        return ranking.confidence[rows]
    if record.confidence is None:
        return None
    return as_probability(ranking.top_scores[rows, 0], record.confidence)  # of an older run


def order(ids: pa.Array, other: pa.Array) -> NDArray[np.int64] | slice | None:
    """How to bring ``other`` into the order of ``ids``; None where they are not the same images."""
    if ids.equals(other):
        return slice(None)
    found = pc.index_in(ids, value_set=other)
    return None if len(ids) != len(other) or found.null_count else found.to_numpy().astype(np.int64)
