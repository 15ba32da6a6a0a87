"""Learning curves: the error of each method at each number of training images per class, and where two sides cross."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...scoring.resampling import Crossing, crossing
from ...scoring.statistics import wilson
from ..numbers import named
from .contest import Contender, Contest, Estimate


@dataclass(frozen=True)
class Line:
    """One method over the sizes it was run at, increasing."""

    name: str
    family: str
    points: list[tuple[float, Estimate]]


@dataclass(frozen=True)
class Curves:
    """``sentence`` says where the two sides cross, or that they do not."""

    lines: list[Line]
    crossing: Crossing | None
    sentence: str


def curves_of(contest: Contest) -> Curves:
    """Lines for methods with two or more sizes; the crossing is that of the two methods the report sets at odds."""
    by_name: dict[str, list[Contender]] = {}
    for contender in [*contest.ranked, *contest.smaller]:
        if contender.per_class is not None:
            by_name.setdefault(contender.name, []).append(contender)
    for members in by_name.values():
        members.sort(key=_size)
    lines = [
        Line(name, members[0].family, [(_size(c), _estimate(c, contest.k)) for c in members])
        for name, members in by_name.items()
        if len({c.per_class for c in members}) > 1
    ]
    if not lines or contest.headline_pair is None:
        return Curves(lines, None, "")
    a, b = (by_name.get(contest.ranked[i].name, []) for i in contest.headline_pair)
    return _crossing(contest, lines, a, b) if a and b else Curves(lines, None, "")


def _size(contender: Contender) -> float:
    """Training images per class; only for those of which it is known."""
    assert contender.per_class is not None
    return contender.per_class


def _estimate(contender: Contender, k: int) -> Estimate:
    value = contender.mean(f"top{k}_err") or 0.0
    n = int(contender.mean("n") or 1)
    # The mean of several seeds on n images: at least as certain as one seed on them.
    low, high = wilson(round(n * (1 - value)), n)
    return Estimate(value, 1 - high, 1 - low)


def _crossing(contest: Contest, lines: list[Line], a: list[Contender], b: list[Contender]) -> Curves:
    one, two = ({_size(c): c for c in side if c.paired} for side in (a, b))
    sizes = sorted(set(one) & set(two))
    if len(sizes) < 2 or contest.labels is None:
        return Curves(lines, None, "")
    hits = [np.stack([side[s].hits(contest.k).mean(axis=0) for s in sizes]) for side in (one, two)]
    meet = crossing(np.array(sizes), hits[0], hits[1], contest.labels)
    name_a, name_b = named(a[0].name), named(b[0].name)
    ahead = name_a if hits[0][-1].mean() >= hits[1][-1].mean() else name_b
    span = f"between {sizes[0]:g} and {sizes[-1]:g} images per class"
    if meet.at is None:
        sentence = f"{ahead} is ahead at every size measured {span}: the two curves do not cross there"
        sentence += (
            f" (in {100 * meet.share:.0f} % of resampled validation sets they do)." if meet.share >= 0.005 else "."
        )
    else:
        width = f" (95 % interval {meet.low:.0f} to {meet.high:.0f})" if meet.low and meet.high else ""
        sentence = (
            f"{name_a} and {name_b} cross at about {meet.at:.0f} images per class{width}; above that {ahead} leads. "
            f"They cross in {100 * meet.share:.0f} % of resampled validation sets."
        )
    return Curves(lines, meet, sentence)
