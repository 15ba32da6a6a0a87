"""One data set's results as the report needs them: contenders ranked, compared pair by pair, and checked.

A *contender* is one method with one set-up at one number of training images, with one or more seeds: ``contender``. A
*contest* is all the contenders that answered for the same validation images: the largest training size makes the
ranking, the smaller ones the learning curves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...families import DEEP, FLOOR, HAND, PRETRAINED
from ...results.run import Run
from ...results.schema import DatasetRecord, Record
from ...scoring.metrics import decisive_k
from ...scoring.paired import Difference, difference
from ...scoring.seeds import interval_over_seeds
from ...scoring.statistics import tie_groups
from .contender import Contender, Result, read_predictions
from .estimate import Estimate
from .naming import name_all, set_up
from .pairs import Pair, pairs_of, rivals_of
from .titles import titles

ALIKE = 0.98  # of the largest training set: contenders that learned from so many images are ranked together


@dataclass
class Contest:
    """See the module. ``ranked``: best first; ``smaller``: the same methods with fewer training images."""

    dataset: DatasetRecord
    ranked: list[Contender]
    smaller: list[Contender]
    undone: list[Record]
    ids: pa.Array | None
    labels: NDArray[np.int64] | None
    notes: list[str] = field(default_factory=list)
    runs: Sequence[Run] = ()
    number: int = 1  # on the page, of ``of`` data sets
    of: int = 1
    called: Mapping[str, str] = field(default_factory=dict)  # titles, by name; of what did not finish by its method

    @property
    def anchor(self) -> str:
        """Begins the anchors of this data set on the page."""
        return f"s{self.number}"

    @property
    def share_of_page(self) -> float:
        """What each of the data sets may fill of what a page may hold."""
        return 1 / self.of

    def pictures(self) -> dict[str, bytes]:
        """image_id → JPEG bytes: what any of the runs saved of these images."""
        out: dict[str, bytes] = {}
        for run in self.runs:
            for dataset in run.datasets:
                if dataset.split("[")[0] == self.dataset.name.split("[")[0]:
                    out |= run.thumbnails(dataset)
        return out

    @property
    def k(self) -> int:
        """Ten classes or fewer make top-5 too easy to tell anything; top-1 takes its place."""
        return decisive_k(self.dataset.n_classes)

    @property
    def chance(self) -> float:
        return 1 - self.k / self.dataset.n_classes

    @property
    def per_class(self) -> float | None:
        """Training images per class of the ranked contenders; None where it is not known."""
        return max((c.per_class for c in self.ranked if c.per_class is not None), default=None)

    @property
    def titles(self) -> list[str]:
        """What a person calls each of the ranked: "ResNet-18 (28 epochs)"."""
        return [c.title for c in self.ranked]

    @cached_property
    def paired(self) -> list[int]:
        """Which of the ranked have predictions on the common images."""
        return [i for i, c in enumerate(self.ranked) if c.paired]

    @cached_property
    def errors(self) -> list[Estimate]:
        """Error at k of each ranked contender."""
        return [self.error(i, self.k) for i in range(len(self.ranked))]

    def error(self, i: int, k: int) -> Estimate:
        """Of a ranked contender; see ``error_of``."""
        return self.error_of(self.ranked[i], k)

    def error_of(self, contender: Contender, k: int) -> Estimate:
        """Error at k of any contender: Wilson's interval, or one over seeds × images where there are more seeds."""
        value = contender.mean(f"top{k}_err")
        assert value is not None
        if contender.seeds > 1 and contender.paired and self.labels is not None:
            right = interval_over_seeds(contender.hits(k), self.labels)
            return Estimate(value, 1 - right[1], 1 - right[0])
        low, high = (contender.mean(f"top{k}_err_{end}") for end in ("low", "high"))
        return Estimate(value, value if low is None else low, value if high is None else high)

    @cached_property
    def mean_hits(self) -> NDArray[np.float32]:
        """(paired, n) hits at k, means over seeds."""
        return np.stack([self.ranked[i].hits(self.k).mean(axis=0, dtype=np.float32) for i in self.paired])

    @cached_property
    def pairs(self) -> list[Pair]:
        """All pairs of contenders with predictions, each tested; see ``pairs``."""
        return pairs_of(self)

    @property
    def both_sides(self) -> bool:
        """Whether the headline pair is one hand-engineered contender and one deep network."""
        return {self.ranked[i].family for i in self.headline_pair or ()} == {HAND, DEEP}

    @cached_property
    def rivals(self) -> tuple[list[int], list[int]]:
        """Who might as well have stood for either side of the headline pair, first the one that does."""
        return rivals_of(self)

    @property
    def candidates(self) -> int:
        """How many contenders might have stood in the two places of the headline pair: two, if none but those."""
        return max(len(self.rivals[0]) + len(self.rivals[1]), 2)

    def difference(self, a: int, b: int) -> Difference:
        """Of two ranked contenders with predictions: their test, and their interval at any level."""
        assert self.labels is not None
        return difference(self.ranked[a].hits(self.k), self.ranked[b].hits(self.k), self.labels)

    def pair(self, a: int, b: int) -> Pair | None:
        """The pair of two ranked contenders, in ranking order."""
        return self._pair_of.get((min(a, b), max(a, b)))

    @cached_property
    def _pair_of(self) -> dict[tuple[int, int], Pair]:
        return {(pair.a, pair.b): pair for pair in self.pairs}

    @cached_property
    def groups(self) -> list[tuple[int, int]]:
        """Runs of the ranking, first and last, no two of which can be told apart. Only over paired contenders."""
        m = len(self.ranked)
        apart = np.ones((m, m), dtype=bool)
        for pair in self.pairs:
            apart[pair.a, pair.b] = apart[pair.b, pair.a] = pair.told_apart
        return tie_groups(apart)

    def best(self, family: str) -> int | None:
        """The best of a family in the ranking."""
        return next((i for i, c in enumerate(self.ranked) if c.family == family), None)

    @property
    def headline_pair(self) -> tuple[int, int] | None:
        """The two set against each other: the best of both families, or else the best that is no floor and its rival.

        A rival is the best of the other methods, before a variant of the same one (``hog`` and ``hog[cell=6]``), and
        before a floor. Whoever has learned from other images stands here only where nobody else but a floor is left.
        """
        hand, deep = self.best(HAND), self.best(DEEP)
        if hand is not None and deep is not None:
            return hand, deep
        if len(self.ranked) < 2:
            return None
        last = [(PRETRAINED, FLOOR).index(c.family) if c.family in (PRETRAINED, FLOOR) else -1 for c in self.ranked]
        first = min(range(len(self.ranked)), key=lambda i: last[i])
        rivals = (i for i in range(len(self.ranked)) if i != first)
        second = min(rivals, key=lambda i: (last[i], self.ranked[i].method == self.ranked[first].method))
        return min(first, second), max(first, second)

    def class_errors(self, i: int) -> NDArray[np.float64]:
        """(n_classes,) error at k of one contender in each class; NaN for a class without validation images."""
        assert self.labels is not None
        count = np.bincount(self.labels, minlength=self.dataset.n_classes)
        missed = np.bincount(self.labels, 1 - self.mean_hits[self.paired.index(i)], self.dataset.n_classes)
        with np.errstate(invalid="ignore"):
            return np.asarray(missed / count, dtype=np.float64)


def contests_of(runs: Sequence[Run]) -> list[Contest]:
    """Group the results of one or more runs by the validation images they answered for."""
    groups: dict[tuple[object, ...], list[tuple[Run, DatasetRecord]]] = {}
    for run in runs:
        for dataset in run.datasets.values():
            # "tiny[per_class=5]" and "tiny[per_class=50]" share their validation images: one contest.
            key = (dataset.name.split("[")[0], tuple(dataset.classes), dataset.n_val, dataset.limited)
            groups.setdefault(key, []).append((run, dataset))
    return [_contest(members, runs, i + 1, len(groups)) for i, members in enumerate(groups.values())]


def _contest(members: list[tuple[Run, DatasetRecord]], runs: Sequence[Run], number: int, of: int) -> Contest:
    dataset = max((d for _, d in members), key=lambda d: d.n_train)
    notes: list[str] = []
    # Later runs win over earlier ones where the same was run again: method, images, seed, device and budget.
    found: dict[tuple[Any, ...], Result] = {}
    undone: dict[tuple[Any, ...], Record] = {}
    answered: set[tuple[Any, ...]] = set()
    # The seeds of one run are of one contender, though each may choose another learning rate or stop at another epoch.
    setups: dict[tuple[Any, ...], tuple[str, str]] = {}
    for run, described in members:
        for record in run.records:
            if record.dataset != described.name:
                continue
            if record.probe is not None:
                if record.status == "done":
                    answered.add(record.identity[1:])
                else:
                    undone[record.identity] = record
                continue
            size = record.n_train_per_class
            made = (record.method, None if size is None else round(size, 3), described.fingerprint)
            if record.status != "done" or record.number("top1_err") is None:
                undone[record.identity] = record
                continue
            setup = setups.setdefault((run.path, made, record.device), set_up(record))
            key = (made, setup, record.seed)
            if key in found:
                notes.append(f"{record.method} was run more than once; the result of {run.path.name} is shown.")
            found[key] = Result(run, record)
    by_contender: dict[tuple[Any, ...], list[Result]] = {}
    for (made, setup, _), result in found.items():
        by_contender.setdefault((made, setup), []).append(result)
    contenders = [
        Contender(made[0], results[0].record.family, made[1], sorted(results, key=lambda r: r.record.seed))
        for (made, _), results in by_contender.items()
    ]
    name_all(contenders, ALIKE)
    called = titles([*(c.name for c in contenders), *(record.method for record in undone.values())])
    for contender in contenders:
        contender.title = called[contender.name]
    ids, labels = read_predictions(contenders, notes)
    ranked = _full_size(contenders)
    done = answered | {result.record.identity[1:] for result in found.values()}
    contest = Contest(
        dataset=dataset,
        ranked=ranked,
        smaller=[c for c in contenders if not any(c is other for other in ranked)],
        undone=[record for key, record in undone.items() if key[1:] not in done],
        ids=ids,
        labels=labels,
        notes=notes,
        runs=runs,
        number=number,
        of=of,
        called=called,
    )
    contest.ranked.sort(key=lambda c: (c.mean(f"top{contest.k}_err") or 0, c.mean("top1_err") or 0, c.name))
    _tell_apart(contest)
    return contest


def _tell_apart(contest: Contest) -> None:
    """Two of one family that are set against each other get two hues, at every size."""
    if contest.headline_pair is None:
        return
    a, b = (contest.ranked[i] for i in contest.headline_pair)
    if a.tone == b.tone:
        for contender in [*contest.ranked, *contest.smaller]:
            contender.rival = contender.name == b.name


def _full_size(contenders: list[Contender]) -> list[Contender]:
    """Those that learned from as many images as any, within 2 %: an image that cannot be read drops nobody out.

    A contender of which no training is known, as a predictions file, is among them; of one that is there at two such
    sizes, the larger.
    """
    largest = max((c.per_class for c in contenders if c.per_class is not None), default=0.0)
    full: dict[str, Contender] = {}
    for contender in sorted(contenders, key=lambda c: -1.0 if c.per_class is None else c.per_class):
        if contender.per_class is None or contender.per_class >= ALIKE * largest:
            full[contender.name] = contender
    return list(full.values())
