"""Deletion and insertion curves of the two sides; and how alike the maps of all contenders are."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.contest import Contest
from ..analysis.occluded import Occluded, correlations, mean
from ..numbers import decimal, percent
from .axes import Axis, linear
from .figure import Figure, Mark, MatrixFigure, lines
from .wording import source

TITLES = {"deletion": "Deletion: cells are hidden", "insertion": "Insertion: cells are uncovered"}
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
                name = f"{contender.name}: {said}"
                marks = [
                    Mark(float(s), float(k), f"{name}, {percent(float(s), 0)} changed: {percent(float(k), 0)} kept")
                    for s, k in zip(shares, kept.mean(axis=0), strict=True)
                ]
                drawn.append((name, contender.family, marks))
        out.append(
            Figure(
                f"occlusion-{curve}",
                title,
                f"Share of images whose answer is kept. {title}, in the order of the map and of two controls.",
                linear("share of the image changed", 0, 1, percent),
                Axis("answers kept", 0, 1, [(v / 4, f"{25 * v} %") for v in range(5)], text=percent),
                lines(drawn, named=len(drawn[0][2]) // 3),
                small=True,
                source=source(contest, f"{len(found.ids):,} images."),
            )
        )
    return out


def alike(contest: Contest, found: Occluded) -> MatrixFigure | None:
    """Rank correlation of maps, the mean over images; None of fewer than two contenders."""
    shown = list(found.maps)[:12]
    if len(shown) < 2:
        return None
    names = [contest.ranked[i].name for i in shown]
    values = [[None if i == j else mean(correlations(found.maps[i], found.maps[j])[0]) for j in shown] for i in shown]
    return MatrixFigure(
        "looks-alike",
        "Do they look at the same place? (rank correlation of their maps)",
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
    )
