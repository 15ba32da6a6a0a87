"""Every two contenders set against each other, and the correction for having looked at many.

The *headline pair* is what the report is about, and has an error rate of its own of 5 %. The images that compare the
two also chose them (the winner's curse), so it is corrected for the choice: where c contenders might have stood in its
two places its level is 5 % · 2 / c. For luck errs in one direction on each side: that the first looks too good has as
many chances as the first side has candidates, that the second does as many as the second, each at half the level.
Coverage: tests/benchmark/report/test_choice.py. All other pairs are by-catch and share another 5 %, by Holm's
correction. Every interval is at its pair's level: it holds 0 exactly when the two are not told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any, Protocol

from numpy.typing import NDArray

from ...families import FLOOR, PRETRAINED
from ...scoring.paired import Difference, holm_levels
from ...scoring.statistics import consistency_from, discordant, holm
from .estimate import Estimate

ALPHA = 0.05


class Compared(Protocol):
    """What the pairs need of ``contest.Contest``."""

    ranked: list[Any]
    labels: NDArray[Any] | None

    @property
    def candidates(self) -> int: ...
    @property
    def paired(self) -> list[int]: ...
    @property
    def mean_hits(self) -> NDArray[Any]: ...
    @property
    def headline_pair(self) -> tuple[int, int] | None: ...
    @property
    def both_sides(self) -> bool: ...
    def difference(self, a: int, b: int) -> Difference: ...


@dataclass(frozen=True)
class Pair:
    """Two contenders on the same images, a ranked above b. ``gap``: error of b minus error of a.

    level        what the correction leaves to this pair of 5 %; ``gap`` holds the interval at it, which has 0 in it
                 exactly when p >= level
    p_corrected  p, made larger by the correction: below 5 % exactly when p < level
    needed       images that would tell the two apart at that level; None where no number would, or where the estimate
                 is not above the images there are and they did not
    """

    a: int
    b: int
    only_a: int
    only_b: int
    gap: Estimate
    level: float
    p: float
    p_corrected: float
    kappa: float | None
    needed: int | None

    @property
    def told_apart(self) -> bool:
        return self.p < self.level


def pairs_of(contest: Compared) -> list[Pair]:
    """All pairs of the ranked contenders with predictions."""
    if len(contest.paired) < 2 or contest.labels is None:
        return []
    hits, n = contest.mean_hits, len(contest.labels)
    only, share = discordant(hits), hits.mean(axis=1, dtype="float64")
    agree = hits @ hits.T / n + (1 - hits) @ (1 - hits).T / n
    both = list(combinations(range(len(contest.paired)), 2))
    found = [contest.difference(contest.paired[a], contest.paired[b]) for a, b in both]
    headline = {*(contest.headline_pair or ())}
    first = [headline == {contest.paired[a], contest.paired[b]} for a, b in both]
    rest = [d.p for d, is_first in zip(found, first, strict=True) if not is_first]
    levels, adjusted = iter(holm_levels(rest, ALPHA).tolist()), iter(holm(rest).tolist())
    pairs = []
    for (a, b), d, is_first in zip(both, found, first, strict=True):
        level = 2 * ALPHA / contest.candidates if is_first else next(levels)
        needed = d.needed(level)
        pairs.append(
            Pair(
                a=contest.paired[a],
                b=contest.paired[b],
                only_a=int(only[a, b]),
                only_b=int(only[b, a]),
                gap=Estimate(d.value, *d.interval(level)),
                level=level,
                p=d.p,
                p_corrected=min(1.0, d.p * contest.candidates / 2) if is_first else next(adjusted),
                kappa=consistency_from(float(share[a]), float(share[b]), float(agree[a, b])),
                needed=None if needed is not None and needed <= n and d.p >= level else needed,
            )
        )
    return pairs


def rivals_of(contest: Compared) -> tuple[list[int], list[int]]:
    """Who might as well have stood for either side of the headline pair; each list begins with the one that does.

    That is whoever is not told from that one when the two are looked at alone (p >= 5 %): of its family where families
    are compared; else whoever is no floor, the pre-trained apart from the others.
    """
    pair = contest.headline_pair
    if pair is None or not {*pair} <= {*contest.paired}:
        return [], []
    sides = []
    for chosen in pair:
        family = contest.ranked[chosen].family
        pool = [i for i in contest.paired if i not in pair and contest.ranked[i].family != FLOOR]
        if contest.both_sides:
            pool = [i for i in pool if contest.ranked[i].family == family]
        pool = [i for i in pool if (contest.ranked[i].family == PRETRAINED) == (family == PRETRAINED)]
        sides.append([chosen, *(i for i in pool if contest.difference(min(i, chosen), max(i, chosen)).p >= ALPHA)])
    return sides[0], sides[1]
