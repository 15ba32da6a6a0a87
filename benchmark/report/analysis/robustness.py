"""Contenders under the same changes of the same images: errors, what each loses, and who loses more.

Intervals are percentile bootstraps over images within classes and, of several seeds, over seeds; every number is
resampled with the same images, so that differences and ratios are paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...conditions import Scalar
from ...families import FLOOR
from ...scoring.resampling import interval, resampled_errors
from ..numbers import named, points
from ..tables import Value, number
from .asked import Answer, answers, compared
from .contest import Contest
from .estimate import Estimate

ROUNDS = 1000
NOTHING = 1e-9  # a rise below this is rounding
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """One contender under all conditions. ``errors``: (1 + ROUNDS, 1 + C), columns: the plain error, then one each.

    Row 0 is what was measured, the others are resampled.
    """

    contender: int
    seeds: int
    errors: Floats

    def mean(self, columns: Sequence[int] | None = None) -> Floats:
        """(1 + ROUNDS,) the mean error over some conditions, all where None."""
        chosen = self.errors[:, 1:] if columns is None else self.errors[:, 1:][:, list(columns)]
        return np.asarray(chosen.mean(axis=1), np.float64)

    def rise(self, columns: Sequence[int] | None = None) -> Floats:
        """(1 + ROUNDS,) by how much that is above the plain error."""
        return np.asarray(self.mean(columns) - self.errors[:, 0], np.float64)


@dataclass(frozen=True)
class Robustness:
    """Every contender that answered, in the order of the ranking; all to the same conditions and images."""

    conditions: list[Mapping[str, Scalar]]
    panels: list[Panel]
    images: int

    def columns(self, **axes: Scalar) -> list[int]:
        """The places of the conditions that have these values."""
        return [i for i, c in enumerate(self.conditions) if all(c.get(axis) == value for axis, value in axes.items())]

    def values(self, axis: str) -> list[Any]:
        """The values of an axis, in the order in which they were asked."""
        return list(dict.fromkeys(c[axis] for c in self.conditions))

    def panel(self, contender: int) -> Panel | None:
        """Of a ranked contender, where it answered."""
        return next((panel for panel in self.panels if panel.contender == contender), None)

    def two(self, contest: Contest) -> tuple[Panel, Panel] | None:
        """The two that are set against each other: the report's pair where both answered, else the first two."""
        by_contender = {panel.contender: panel for panel in self.panels}
        chosen = [by_contender[i] for i in compared(contest, by_contender)]
        return (chosen[0], chosen[1]) if len(chosen) == 2 else None


def between(e: Estimate) -> Value:
    """The interval of an error, for a table: "12.0–18.5", in per cent."""
    low, high = max(e.low, 0.0), min(e.high, 1.0)
    return number(f"{100 * low:.1f}–{100 * high:.1f}", high)


def estimate(samples: Floats) -> Estimate:
    """Of (1 + ROUNDS,): what was measured, and the interval of the others."""
    return Estimate(float(samples[0]), *interval(samples[1:]))


def robustness(contest: Contest, axis: str, k: int | None = None, *, floors: bool = False) -> Robustness | None:
    """What the probe with this ``axis`` found, errors at ``k``; None where nobody answered.

    A contender that lacks more than half of what others answered is left out; of the rest, what all answered is kept.
    """
    found: dict[int, dict[tuple[Any, ...], Answer]] = {}
    asked = answers(contest, axis, k)
    images = _commonest([_images(answer) for answer in asked])
    for answer in asked:
        if _images(answer) == images and (floors or contest.ranked[answer.contender].family != FLOOR):
            found.setdefault(answer.contender, {})[tuple(answer.condition.items())] = answer
    most = max((len(mine) for mine in found.values()), default=0)
    found = {i: mine for i, mine in found.items() if 2 * len(mine) > most}
    if not found:
        return None
    first = next(iter(found.values()))
    common = [key for key in first if all(key in mine for mine in found.values())]
    if not common:
        return None
    stacked = {i: _stacked([mine[key] for key in common]) for i, mine in found.items()}
    return resampled(stacked, first[common[0]].labels, [dict(key) for key in common])


def _images(answer: Answer) -> tuple[str, ...]:
    return tuple(answer.ids.to_pylist())


def _commonest(values: Sequence[Any]) -> Any:
    return max(values, key=values.count) if values else None


def _stacked(those: Sequence[Answer]) -> NDArray[np.bool_]:
    """(S, 1 + C, n) hits: plain, then each condition, of the seeds that answered to all."""
    seeds = [seed for seed in those[0].seeds if all(seed in answer.seeds for answer in those)]
    rows = [[list(answer.seeds).index(seed) for seed in seeds] for answer in those]
    changed = [answer.by_seed[mine] for answer, mine in zip(those, rows, strict=True)]
    return np.stack([those[0].plain_by_seed[rows[0]], *changed], axis=1)


def resampled(
    stacked: Mapping[int, NDArray[np.bool_]], labels: NDArray[np.int64], conditions: list[Mapping[str, Scalar]]
) -> Robustness:
    """Of (S, 1 + C, n) hits by contender, plain first: resampled over images, the same for all, and over its seeds."""
    rows = [row[None] for hits in stacked.values() for seed in hits for row in seed]
    errors = resampled_errors(rows, labels, rounds=ROUNDS)
    rng, out, start = np.random.default_rng(1), [], 0
    for hits in stacked.values():
        n_seeds, columns, _ = hits.shape
        mine = errors[:, start : start + n_seeds * columns].reshape(ROUNDS, n_seeds, columns)
        start += n_seeds * columns
        picked = rng.integers(0, n_seeds, (ROUNDS, max(n_seeds - 1, 1)))
        measured = 1 - hits.mean(axis=(0, 2))
        out.append(np.vstack([measured, mine[np.arange(ROUNDS)[:, None], picked].mean(axis=1)]))
    panels = [Panel(i, len(hits), mine) for (i, hits), mine in zip(stacked.items(), out, strict=True)]
    return Robustness(conditions, panels, len(labels))


def mean_corruption_errors(one: Panel, alexnet: Panel, groups: Sequence[Sequence[int]]) -> tuple[Estimate, Estimate]:
    """(mCE, relative mCE) of ``one``, as fractions, by Hendrycks and Dietterich (2019): ratios to ``alexnet``.

    ``groups``: the conditions of each kind of damage, all severities. For each kind the errors are summed over
    severities and divided by AlexNet's sum; the mean over kinds is the mCE. Relative: of the rises above the plain
    error. A kind in which AlexNet makes no error, or does not rise, has no ratio: infinite.
    """

    def ratio(rise: bool) -> Estimate:
        kinds = []
        for columns in groups:
            mine, theirs = (p.rise(columns) if rise else p.mean(columns) for p in (one, alexnet))
            with np.errstate(divide="ignore", invalid="ignore"):
                kinds.append(np.where(theirs > NOTHING, mine / theirs, np.inf))
        samples = np.mean(kinds, axis=0)
        low, high = np.quantile(samples[1:], [0.025, 0.975], method="nearest")  # some may be infinite
        return Estimate(float(samples[0]), float(low), float(high))

    return ratio(rise=False), ratio(rise=True)


def contrast(contest: Contest, found: Robustness, cause: str, over: str, columns: Sequence[int] | None = None) -> str:
    """Whom ``cause`` ("Damage") costs more, by how much, and whether that is more than chance.

    ``over``: what was averaged over, as ", on average over …", or nothing.
    """
    two = found.two(contest)
    panels = found.panels[:1] if two is None else two
    names = [named(contest.ranked[panel.contender].title) for panel in panels]
    rises = [estimate(panel.rise(columns)) for panel in panels]
    told = ", ".join(_told(name, rise, i == 0) for i, (name, rise) in enumerate(zip(names, rises, strict=True)))
    if two is None:
        return f"{cause} costs something: {told}{over}."
    gap = estimate(two[0].rise(columns) - two[1].rise(columns))
    one, other = (0, 1) if gap.value >= 0 else (1, 0)
    size, bounds = abs(gap.value), sorted((abs(gap.low), abs(gap.high)))
    if gap.low <= 0 <= gap.high:
        return (
            f"{cause} costs the two alike as far as {found.images:,} images tell: {told}{over}; a "
            f"difference of {points(gap.value)} points (95 % interval {points(gap.low)} to {points(gap.high)})."
        )
    return (
        f"{cause} costs {names[one]} {points(size)} points more than {names[other]} (95 % interval {points(bounds[0])} "
        f"to {points(bounds[1])}): {told}{over}."
    )


def _told(name: str, rise: Estimate, first: bool) -> str:
    way = "rises" if rise.value >= 0 else "falls"
    return f"{'the error of ' if first else 'that of '}{name} {way} by {points(abs(rise.value))}"
