"""Power laws through learning curves: what they say of larger training sets, and whether they are to be believed.

A fit is judged by what it predicts of the largest sizes when these are left out. Intervals are bootstraps over images
and over trainings, each of which is of another subset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ...families import FLOOR
from ...scoring.powerlaw import LEAST, Laws, fit, meeting
from ...scoring.resampling import interval, resampled_errors
from ..numbers import counted, listed, named, percent
from .contender import Contender
from .contest import Contest
from .curves import Curves, by_size
from .estimate import Estimate

FAR = 100.0  # times the largest size: further out nothing is said
ROUNDS = 400
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Foretold:
    """What sizes up to ``up_to`` images per class foretell of ``size``, and what was measured there.

    agrees: whether the difference of the two has 0 in its 95 % interval.
    """

    up_to: float
    size: float
    predicted: Estimate
    measured: float
    agrees: bool


@dataclass(frozen=True)
class Fit:
    """A contender's law: of the measured errors, and of each resample. ``sizes``: images per class that it rests on."""

    name: str
    family: str
    sizes: list[float]
    law: Laws
    resampled: Laws
    foretold: list[Foretold]

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it: it foretold the largest size each time that this was asked."""
        return all(told.agrees for told in self.foretold)

    def parameter(self, which: str) -> Estimate:
        """Of "a" (in single images per class), "b" or "c", with its 95 % interval."""
        one, many = ((laws.scale if which == "a" else getattr(laws, which)) for laws in (self.law, self.resampled))
        return Estimate(float(one[0]), *interval(many))


@dataclass(frozen=True)
class Beyond:
    """Where two laws meet beyond what was measured, images per class; infinity: not within ``FAR`` times that."""

    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Scaling:
    """``left_out``: why a contender has no fit, in a sentence each. ``beyond``: only where the curves do not meet, and
    both laws hold."""

    fits: list[Fit]
    left_out: list[str]
    beyond: Beyond | None
    sentence: str


def scaling_of(contest: Contest, curves: Curves) -> Scaling:
    """Fits of all contenders with four or more sizes that are no floor."""
    fits, left_out = [], []
    if contest.labels is not None:
        for name, members in by_size(contest).items():
            paired = [c for c in members if c.paired and c.family != FLOOR]
            if len(paired) < LEAST:
                continue
            found = _fit(contest, name, paired)
            if isinstance(found, str):
                left_out.append(found)
            else:
                fits.append(found)
    beyond, sentence = _beyond(curves, fits)
    return Scaling(fits, left_out, beyond, sentence)


def _fit(contest: Contest, name: str, members: list[Contender]) -> Fit | str:
    assert contest.labels is not None
    sizes = np.array([c.per_class for c in members], dtype=np.float64)
    hits = [c.hits(contest.k) for c in members]
    measured = np.array([1 - h.mean() for h in hits])
    samples = resampled_errors(hits, contest.labels, rounds=ROUNDS, seed=1)
    rising = risen(measured, samples)
    if rising is not None:
        return (
            f"{named(name)} has no fit: from {sizes[rising]:g} to {sizes[rising + 1]:g} images per class its error "
            "rises by more than noise, which no power law does."
        )
    spread = samples.std(axis=0)
    # Where a contender only begins to tell classes apart no power law holds yet (Hestness's small-data region).
    begun = np.flatnonzero(measured + 1.96 * spread < contest.chance)
    first = int(begun[0]) if len(begun) else len(sizes)
    if len(sizes) - first < LEAST:
        return f"{named(name)} has no fit: it is better than chance at fewer than four of the sizes."
    sizes, measured, samples = sizes[first:], measured[first:], samples[:, first:]
    # An error of nothing at all has no spread to go by: as of one image more.
    weights = 1 / np.maximum(spread[first:], 0.5 / len(contest.labels)) ** 2
    law, resampled = fit(sizes, measured, weights), fit(sizes, samples, weights)
    lefts = [left for left in (1, 2) if len(sizes) - left >= LEAST]
    foretold = [_foretell(sizes, measured, samples, weights, left) for left in lefts]
    return Fit(name, members[0].family, sizes.tolist(), law, resampled, foretold)


def risen(measured: Floats, samples: Floats) -> int | None:
    """After which size the error rises by more than noise, at 5 % for all steps together; None where it never does."""
    steps = np.diff(measured)
    noise = np.diff(samples, axis=1).std(axis=0)
    limit = -float(ndtri(0.05 / max(len(steps), 1)))
    found = np.flatnonzero(steps > limit * np.maximum(noise, 1e-12))
    return int(found[0]) if len(found) else None


def _foretell(sizes: Floats, measured: Floats, samples: Floats, weights: Floats, left: int) -> Foretold:
    """The largest size, from all but the ``left`` largest."""
    kept = slice(0, len(sizes) - left)
    largest = float(sizes[-1])
    predicted = fit(sizes[kept], measured[kept], weights[kept]).errors(largest)[0, 0]
    many = fit(sizes[kept], samples[:, kept], weights[kept]).errors(largest)[:, 0]
    low, high = interval(samples[:, -1] - many)
    truth = float(measured[-1])
    return Foretold(
        float(sizes[kept][-1]), largest, Estimate(float(predicted), *interval(many)), truth, low <= 0 <= high
    )


def _beyond(curves: Curves, fits: list[Fit]) -> tuple[Beyond | None, str]:
    names = curves.pair
    if names is None or (curves.crossing is not None and curves.crossing.at is not None):
        return None, ""
    by_name = {one.name: one for one in fits}
    if not all(name in by_name for name in names):
        return None, ""
    one, other = (by_name[name] for name in names)
    if failed := [_failed(fit) for fit in (one, other) if not fit.holds]:
        why = f"no law that failed its own test is extrapolated: {'; '.join(failed)}"
        return None, f"Where they would cross is not said, as {why}."
    largest = max(one.sizes[-1], other.sizes[-1])
    at = float(meeting(one.law, other.law, largest, FAR)[0])
    low, high = np.quantile(meeting(one.resampled, other.resampled, largest, FAR), [0.025, 0.975], method="nearest")
    found = Beyond(at, float(low), float(high))
    a, b = map(named, names)
    far = f"{FAR * largest:,.0f} images per class, {FAR:g} times the largest size measured"
    span = f"95 % interval {_reach(found.low)} to {_reach(found.high)}"
    if np.isinf(at):
        said = f"Extrapolated, not measured: by their power laws {a} and {b} do not cross before {far}"
        said += f" ({span})." if np.isfinite(low) else "."
    else:
        said = f"Extrapolated, not measured: by their power laws {a} and {b} cross at about {at:,.0f} images per class"
        said += f", {at / largest:.1f} times the largest size measured ({span})."
    if not (one.foretold and other.foretold):
        said += " There are too few sizes to see whether the fits foretell the largest."
    return found, said


def _failed(one: Fit) -> str:
    told = next(told for told in one.foretold if not told.agrees)
    foretold = f"from up to {told.up_to:g} images per class foretold {percent(told.predicted.value)} error"
    return f"that of {named(one.name)} {foretold} at {told.size:g}, where {percent(told.measured)} were measured"


def _reach(n: float) -> str:
    return f"{n:,.0f}" if np.isfinite(n) else f"beyond {FAR:g} times that size"


def still_learning(contest: Contest) -> str:
    """At which sizes a contender's training had not stopped improving, in a sentence; empty where all had."""
    said = []
    for name, members in by_size(contest).items():
        unfinished = [f"{c.per_class:g}" for c in members if any(r.record.converged is False for r in c.results)]
        if unfinished and len(members) > 1:
            said.append(f"{named(name)} at {listed(unfinished)} of {counted(len(members), 'size')}")
    if not said:
        return ""
    return f"Not trained to convergence, by its own record: {'; '.join(said)}. More steps could lower those points."
