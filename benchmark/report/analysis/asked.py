"""What contenders answered to a probe's views: their errors under each condition, on the same images as each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...conditions import Scalar, of_asking
from ...families import FLOOR
from ...results.schema import ASKED_ABOUT
from ...scoring.resampling import interval, resampled_errors
from ...scoring.statistics import hits_at
from ..numbers import listed, named
from .contender import Result
from .contest import Contest
from .estimate import Estimate

Asked = tuple[tuple[str, Scalar], ...]


@dataclass(frozen=True)
class Answer:
    """One contender under one condition of a probe.

    by_seed and plain_by_seed: (S, n) whether each seed has the truth among its best k, of the same n images as they
    were changed and as they are; labels: (n,); ids: which images these are.
    """

    contender: int
    condition: Mapping[str, Scalar]
    seeds: Sequence[int]
    by_seed: NDArray[np.bool_]
    plain_by_seed: NDArray[np.bool_]
    labels: NDArray[np.int64]
    ids: pa.Array

    @property
    def hits(self) -> NDArray[np.float32]:
        """(n,) shares of seeds that have the truth among their best k."""
        return _mean(self.by_seed)

    @property
    def plain(self) -> NDArray[np.float32]:
        """(n,) the same of the images as they are."""
        return _mean(self.plain_by_seed)


def answers(contest: Contest, axis: str, k: int | None = None) -> list[Answer]:
    """Every answer of the ranked contenders under a condition that has ``axis``, in the order of the ranking.

    ``k``: the contest's own where None.

    Where a condition was asked by several set-ups of a probe, of other numbers of images, say, it is that of the one
    that most contenders answered, or else of the one that asked about most images.
    """
    found: dict[Asked, dict[str, dict[int, list[tuple[Result, Result]]]]] = {}
    for i, contender in enumerate(contest.ranked):
        for plain in contender.results:
            for record in plain.run.records:
                asked = of_asking(record.condition)
                same = record.cell == plain.record.cell and record.probe is not None and axis in asked
                if same and record.status == "done":
                    by_probe = found.setdefault(tuple(asked.items()), {})
                    by_contender = by_probe.setdefault(str(record.probe), {})
                    by_contender.setdefault(i, []).append((plain, Result(plain.run, record)))
    chosen = {condition: max(by_probe.values(), key=_weight) for condition, by_probe in found.items()}
    out = []
    for i in range(len(contest.ranked)):
        for condition, by_contender in chosen.items():
            answer = (
                _answer(contest.k if k is None else k, i, dict(condition), by_contender[i])
                if i in by_contender
                else None
            )
            out += [] if answer is None else [answer]
    return out


def _weight(by_contender: Mapping[int, Sequence[tuple[Result, Result]]]) -> tuple[int, float]:
    images = [asked.record.number("n") or 0.0 for pairs in by_contender.values() for _, asked in pairs]
    return len(by_contender), min(images)


def _answer(
    k: int, place: int, condition: Mapping[str, Scalar], pairs: Sequence[tuple[Result, Result]]
) -> Answer | None:
    """None where a file is gone, or the images are not those of the plain answer."""
    changed, plain, seeds, labels, ids = [], [], [], None, None
    for before, after in pairs:
        told, asked = before.predictions(), after.predictions()
        if told is None or asked is None:
            return None
        found = pc.index_in(asked[0], value_set=told[0])
        if found.null_count:
            return None
        rows = found.to_numpy().astype(np.int64)
        labels = asked[1].label.astype(np.int64) if labels is None else labels
        if not np.array_equal(asked[1].label, labels) or not np.array_equal(told[1].label[rows], labels):
            return None
        ids = asked[0] if ids is None else ids
        seeds.append(before.record.seed)
        changed.append(hits_at(asked[1].above, asked[1].tied, k))
        plain.append(hits_at(told[1].above[rows], told[1].tied[rows], k))
    if labels is None:
        return None
    return Answer(place, condition, seeds, np.stack(changed), np.stack(plain), labels, ids)


def _mean(hits: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(np.mean(hits, axis=0), np.float32)


def error(hits: NDArray[Any], labels: NDArray[np.int64]) -> Estimate:
    """The mean error of (n,) shares of hits, with a 95 % interval over images, resampled within classes."""
    samples = resampled_errors([hits[None]], labels, rounds=1000)[:, 0]
    return Estimate(1 - float(hits.mean()), *interval(samples))


def compared(contest: Contest, answered: Collection[int]) -> list[int]:
    """The two, or fewer, that are set against each other: the report's pair where it answered, else the first two."""
    pair = [i for i in contest.headline_pair or () if i in answered]
    rest = [i for i in answered if i not in pair and contest.ranked[i].family != FLOOR]
    return [*pair, *rest][:2]


@dataclass(frozen=True)
class Told:
    """What one seed of a contender answered to a probe of its own questions. ``asked``: its images, id and label."""

    contender: int
    seed: int
    spec: str
    tables: Mapping[str, pa.Table]

    @property
    def ids(self) -> list[str]:
        """Of the images asked about, in the order of the places that the tables name; empty where none are named."""
        asked = self.tables.get(ASKED_ABOUT)
        return [] if asked is None else list(asked["image_id"].to_pylist())

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Of one table; none where it is not there."""
        return list(self.tables[name].to_pylist()) if name in self.tables else []


def told(contest: Contest, probe: str) -> list[Told]:
    """What the ranked contenders answered to a probe's own questions: contender by contender, seed by seed."""
    out = []
    for i, contender in enumerate(contest.ranked):
        for result in contender.results:
            own = [r for r in result.run.records if r.cell == result.record.cell and r.status == "done" and r.tables]
            mine = next((r for r in own if (r.probe or "").partition("[")[0] == probe), None)
            if mine is not None:
                read = {name: table for name in mine.tables if (table := result.run.table(mine, name)) is not None}
                out.append(Told(i, result.record.seed, result.record.method, read))
    return out


def unasked(contest: Contest, answered: Collection[int]) -> list[str]:
    """A sentence for those that are ranked and did not answer, with why where that is known; none if all did."""
    silent = [c for i, c in enumerate(contest.ranked) if i not in answered and c.family != FLOOR]
    from_files = [named(c.title) for c in silent if c.record.n_train is None]
    others = [named(c.title) for c in silent if c.record.n_train is not None]
    out = [f"{listed(from_files)}: a file of predictions, which can be asked nothing further."] if from_files else []
    return [*out, f"Without an answer: {listed(others)}."] if others else out
