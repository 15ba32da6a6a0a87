"""Deletion and insertion curves of the two sides; and how alike the maps of all contenders are."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.asked import compared
from ..analysis.contest import Contest
from ..analysis.occluded import Occluded, correlations, mean
from ..numbers import decimal, named, percent
from .axes import Axis, linear
from .figure import Figure, Mark, MatrixFigure, lines
from .wording import source

TITLES = {"deletion": "Deletion: cells are hidden", "insertion": "Insertion: cells of the blurred image are uncovered"}
ORDERS = {"map": "its map", "random": "random", "centre": "from the middle"}


def curves(contest: Contest, found: Occluded, shown: Sequence[int]) -> list[Figure]:
    """Share of answers kept against the share of cells changed, in the order of the map and of the controls."""
    out = []
    for curve, title in TITLES.items():
        drawn = []
        for i in shown:
            contender = contest.ranked[i]
            for order, said in ORDERS.items():
                shares, kept = found.curves[i, curve, order]
                name = f"{contender.title}: {said}"
                marks = [
                    Mark(float(s), float(k), f"{name}, {percent(float(s), 0)} changed: {percent(float(k), 0)} kept")
                    for s, k in zip(shares, kept.mean(axis=0), strict=True)
                ]
                drawn.append((name, contender.tone, marks))
        out.append(
            Figure(
                f"occlusion-{curve}",
                _title(contest, found, curve, shown),
                f"Share of images whose answer is kept. {title}, in the order of the map and of two controls.",
                linear("share of the image changed", 0, 1, lambda v: percent(v, 0)),
                Axis("answers kept", 0, 1, [(v / 4, f"{25 * v} %") for v in range(5)], text=percent),
                lines(drawn, named=len(drawn[0][2]) // 3),
                small=True,
                source=source(contest, f"Means over {len(found.ids):,} images."),
                subtitle=f"{title} in an order: answers kept",
            )
        )
    return out


def alike(contest: Contest, found: Occluded) -> MatrixFigure | None:
    """Rank correlation of maps, the mean over images; None of fewer than two contenders."""
    shown = list(found.maps)[:12]
    if len(shown) < 2:
        return None
    names = [contest.ranked[i].title for i in shown]
    values = [[None if i == j else mean(correlations(found.maps[i], found.maps[j])[0]) for j in shown] for i in shown]
    return MatrixFigure(
        "looks-alike",
        _alike(contest, found),
        f"Mean rank correlation of the occlusion maps of {len(names)} contenders on {len(found.ids):,} images.",
        names,
        [[None if e is None or e.value != e.value else e.value for e in row] for row in values],
        texts=[["" if e is None or e.value != e.value else decimal(e.value) for e in row] for row in values],
        tips=[
            [
                ""
                if e is None
                else f"{names[a]} and {names[b]}: {decimal(e.value)} ({decimal(e.low)} to {decimal(e.high)})"
                for b, e in enumerate(row)
            ]
            for a, row in enumerate(values)
        ],
        rows_are="",
        columns_are="",
        values_are="rank correlation",
        tone="ink",
        source=source(contest, "1: the same places matter, in the same order; 0: no relation."),
        subtitle="Do they look at the same place? Rank correlation of their maps",
    )


def _title(contest: Contest, found: Occluded, curve: str, shown: Sequence[int]) -> str:
    """How much of the image each loses its answer by, or has it back by."""
    areas = [float(found.areas[i, curve, "map"].mean()) for i in shown]
    shares = [percent(area if curve == "deletion" else 1 - area, 0) for area in areas]
    names = [named(contest.ranked[i].title) for i in shown]
    verb = "loses its answer with {} hidden" if curve == "deletion" else "has its answer with {} uncovered"
    first = f"{names[0]} {verb.format(shares[0])}"
    return first + "".join(f", {name} with {share}" for name, share in zip(names[1:], shares[1:], strict=True))


def _alike(contest: Contest, found: Occluded) -> str:
    """Of the two that are set against each other."""
    two = compared(contest, found.maps)
    e = mean(correlations(found.maps[two[0]], found.maps[two[1]])[0]) if len(two) == 2 else None
    if e is None or e.value != e.value:
        return "Do they look at the same place?"
    one, other = (named(contest.ranked[i].title) for i in two)
    return f"{one} and {other} look at the same place with a rank correlation of {decimal(e.value)}"
