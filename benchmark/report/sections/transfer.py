"""What came next: contenders that have learned from other images, against the best that has not, at each size."""

from __future__ import annotations

from dataclasses import dataclass

from ...families import FLOOR, PRETRAINED
from ...scoring.paired import Difference, difference
from ..analysis.contender import Contender
from ..analysis.contest import Contest
from ..analysis.estimate import Estimate
from ..numbers import named, percent, points
from ..tables import Column, Table, Value, number
from .parts import Numbers, Part, Section, Text

PROTOCOL = (
    "A pre-trained contender is a network that learned from other images, frozen, and a linear SVM on its features; "
    "only the SVM has seen the training images counted here. Each of the two is the best of its kind at the largest "
    "size. Differences are paired over the same validation images, each with an interval of its own at 95 %. Where the "
    "network was trained on ImageNet, its error on ImageNet or a slice of it says nothing: it has seen the answers."
)


@dataclass(frozen=True)
class Step:
    """Both errors with one number of training images a class; ``gap``: the other's error minus the pre-trained's."""

    per_class: float
    seen: Estimate
    other: Estimate
    gap: Difference


class Transfer:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where nobody is pre-trained, or there is nobody to set against it on the same images."""
        ranked = [contest.ranked[i] for i in contest.paired]
        seen = next((c for c in ranked if c.family == PRETRAINED), None)
        other = next((c for c in ranked if c.family not in (PRETRAINED, FLOOR)), None)
        if seen is None or other is None:
            return None
        compared = steps(contest, seen, other)
        if not compared:
            return None
        parts: list[Part] = [Numbers(table(contest, seen, other, compared)), Text([PROTOCOL], "small")]
        return Section("transfer", "What came next", sentence(seen, other, compared), parts, "Other images")


def steps(contest: Contest, seen: Contender, other: Contender) -> list[Step]:
    """At each size that both were trained at, the smallest first."""
    assert contest.labels is not None
    found: dict[str, dict[float, Contender]] = {seen.title: {}, other.title: {}}
    for contender in [*contest.smaller, *contest.ranked]:
        if contender.title in found and contender.paired and contender.per_class is not None:
            found[contender.title][contender.per_class] = contender
    one, two = found[seen.title], found[other.title]
    return [
        Step(
            size,
            contest.error_of(one[size], contest.k),
            contest.error_of(two[size], contest.k),
            difference(one[size].hits(contest.k), two[size].hits(contest.k), contest.labels),
        )
        for size in sorted(one.keys() & two.keys())
    ]


def sentence(seen: Contender, other: Contender, compared: list[Step]) -> str:
    """How far the pre-trained one is ahead with the fewest images, and with the most."""
    said = [_lead(step) for step in (compared[:1] if len(compared) == 1 else [compared[0], compared[-1]])]
    return (
        f"{named(seen.title)}, which has seen other images, against {named(other.title)}, the best that has not: "
        f"{'; '.join(said)}."
    )


def _lead(step: Step) -> str:
    low, high = step.gap.interval()
    with_images = f"with {step.per_class:,.0f} training image{'' if step.per_class == 1 else 's'} a class"
    if step.gap.p >= 0.05:
        return f"{with_images} the two cannot be told apart ({points(low)} to {points(high)} points)"
    low, high = sorted((abs(low), abs(high)))
    word = "less" if step.gap.value > 0 else "more"
    return f"{with_images} it errs {points(abs(step.gap.value))} points {word} ({points(low)} to {points(high)})"


def table(contest: Contest, seen: Contender, other: Contender, compared: list[Step]) -> Table:
    """A row a size."""
    columns = [
        Column("images a class", True),
        Column("points less", True, "how much less the pre-trained one errs"),
        Column("95 %"),
        *(one for c in (seen, other) for one in (Column(c.title, True, f"top-{contest.k} error"), Column("95 %"))),
    ]
    rows = []
    for step in compared:
        low, high = step.gap.interval()
        row = [number(f"{step.per_class:,.0f}", step.per_class)]
        row += [number(points(step.gap.value), step.gap.value), Value(f"{points(low)} to {points(high)}", low)]
        for e in (step.seen, step.other):
            row += [number(percent(e.value), e.value), Value(f"{100 * e.low:.1f}–{100 * e.high:.1f}", e.low)]
        rows.append(row)
    return Table("transfer", "Error of the pre-trained and of the best other contender", columns, rows)
