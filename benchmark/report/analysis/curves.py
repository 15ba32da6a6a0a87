"""Learning curves: the error of each method at each number of training images per class, and where two sides cross."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...scoring.resampling import Crossing, crossing
from ..numbers import named
from .contender import Contender
from .contest import Contest
from .estimate import Estimate


@dataclass(frozen=True)
class Line:
    """One method over the sizes it was run at, increasing."""

    name: str
    family: str
    points: list[tuple[float, Estimate]]


@dataclass(frozen=True)
class Curves:
    """``sentence`` says where the two of ``pair`` cross, or that they do not.

    ``pair``: their titles, who is better at the largest size first.
    """

    lines: list[Line]
    pair: tuple[str, str] | None = None
    crossing: Crossing | None = None
    sentence: str = ""


def by_size(contest: Contest) -> dict[str, list[Contender]]:
    """By title, the contenders whose training is known, the fewest images first."""
    by_name: dict[str, list[Contender]] = {}
    for contender in [*contest.ranked, *contest.smaller]:
        if contender.per_class is not None:
            by_name.setdefault(contender.title, []).append(contender)
    for members in by_name.values():
        members.sort(key=_size)
    return by_name


def curves_of(contest: Contest) -> Curves:
    """Lines for methods with two or more sizes; the crossing is that of ``_pair``."""
    by_name = by_size(contest)
    lines = [
        Line(name, members[0].family, [(_size(c), contest.error_of(c, contest.k)) for c in members])
        for name, members in by_name.items()
        if len({c.per_class for c in members}) > 1
    ]
    pair = _pair(contest, {line.name for line in lines})
    if pair is None:
        return Curves(lines)
    return _crossing(contest, lines, pair, by_name)


def _pair(contest: Contest, with_curves: set[str]) -> tuple[str, str] | None:
    """The two that the report sets at odds; in place of one without a curve the best of its family that has one."""
    if contest.headline_pair is None:
        return None
    pair: list[str] = []
    for place in contest.headline_pair:
        one = contest.ranked[place]
        of_family = [c.title for c in contest.ranked if c.family == one.family and c.title not in pair]
        titles = [title for title in [one.title, *of_family] if title in with_curves]
        if not titles:
            return None
        pair.append(titles[0])
    return (pair[0], pair[1]) if pair[0] != pair[1] else None


def _size(contender: Contender) -> float:
    """Training images per class; only for those of which it is known."""
    assert contender.per_class is not None
    return contender.per_class


def _crossing(
    contest: Contest, lines: list[Line], pair: tuple[str, str], by_name: dict[str, list[Contender]]
) -> Curves:
    one, two = ({_size(c): c for c in by_name[title] if c.paired} for title in pair)
    sizes = sorted(set(one) & set(two))
    if len(sizes) < 2 or contest.labels is None:
        return Curves(lines, pair)
    hits = [[side[size].hits(contest.k) for size in sizes] for side in (one, two)]
    meet = crossing(np.array(sizes), hits[0], hits[1], contest.labels)
    name_a, name_b = map(named, pair)
    if hits[0][-1].mean() < hits[1][-1].mean():
        pair = (pair[1], pair[0])
    ahead = named(pair[0])
    span = f"between {sizes[0]:g} and {sizes[-1]:g} images per class"
    several = min(c.seeds for side in (one, two) for c in side.values()) > 1
    resamples = "resamples of images and seeds" if several else "resampled validation sets"
    if meet.at is None:
        sentence = f"{ahead} is ahead at every size measured {span}: the two curves do not cross there"
        sentence += f" (in {100 * meet.share:.0f} % of {resamples} they do)." if meet.share >= 0.005 else "."
    else:
        sentence = (
            f"{name_a} and {name_b} cross at about {meet.at:.0f} images per class ({width(meet)}); above that "
            f"{ahead} leads. "
        )
        sentence += (
            f"In {100 * (1 - meet.share):.0f} % of {resamples} they do not cross at any size measured."
            if meet.share < 0.995
            else f"They cross in practically all {resamples}."
        )
        if not several:
            sentence += " One training each: other trainings, and other training images, may move it further."
    return Curves(lines, pair, meet, sentence)


def width(meet: Crossing) -> str:
    """The interval of a crossing in words."""
    low = "from below the sizes measured" if meet.low == 0 else f"{meet.low:.0f}"
    high = "beyond the sizes measured" if np.isinf(meet.high) else f"{meet.high:.0f}"
    return f"95 % interval {low} to {high}"
