"""What contenders answered to a probe's views: their errors under each condition, on the same images as each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...conditions import Scalar, of_asking
from ...scoring.resampling import interval, resampled_errors
from ...scoring.statistics import hits_at
from .contest import Contest, Result
from .estimate import Estimate

Asked = tuple[tuple[str, Scalar], ...]


@dataclass(frozen=True)
class Answer:
    """One contender under one condition of a probe.

    hits and plain: (n,) float32, shares of seeds that have the truth among their best k, of the same n images as they
    were changed and as they are; labels: (n,).
    """

    contender: int
    condition: Mapping[str, Scalar]
    hits: NDArray[np.float32]
    plain: NDArray[np.float32]
    labels: NDArray[np.int64]


def answers(contest: Contest, axis: str) -> list[Answer]:
    """Every answer of the ranked contenders under a condition that has ``axis``, in the order of the ranking.

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
            answer = _answer(contest.k, i, dict(condition), by_contender[i]) if i in by_contender else None
            out += [] if answer is None else [answer]
    return out


def _weight(by_contender: Mapping[int, Sequence[tuple[Result, Result]]]) -> tuple[int, float]:
    images = [asked.record.number("n") or 0.0 for pairs in by_contender.values() for _, asked in pairs]
    return len(by_contender), min(images)


def _answer(
    k: int, place: int, condition: Mapping[str, Scalar], pairs: Sequence[tuple[Result, Result]]
) -> Answer | None:
    """None where a file is gone, or the images are not those of the plain answer."""
    changed, plain, labels = [], [], None
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
        changed.append(hits_at(asked[1].above, asked[1].tied, k))
        plain.append(hits_at(told[1].above[rows], told[1].tied[rows], k))
    if labels is None:
        return None
    return Answer(place, condition, _mean(changed), _mean(plain), labels)


def _mean(hits: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    return np.asarray(np.mean(hits, axis=0), np.float32)


def error(hits: NDArray[np.float32], labels: NDArray[np.int64]) -> Estimate:
    """The mean error of (n,) shares of hits, with a 95 % interval over images, resampled within classes."""
    samples = resampled_errors([hits[None]], labels, rounds=1000)[:, 0]
    return Estimate(1 - float(hits.mean()), *interval(samples))


def rise(those: Sequence[Answer]) -> NDArray[np.float32]:
    """(n,) how many more of the answers are wrong when the images are changed, by image: means over ``those``."""
    return _mean([answer.plain - answer.hits for answer in those])
