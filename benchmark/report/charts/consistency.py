"""Whether contenders miss the same images: the error consistency κ of each pair."""

from __future__ import annotations

from ...families import FLOOR
from ..analysis.contest import Contest
from ..numbers import decimal, named
from .figure import MatrixFigure
from .wording import source


def figure(contest: Contest) -> MatrixFigure | None:
    """At most sixteen contenders; None where fewer than two have predictions."""
    shown = [i for i in contest.paired if contest.ranked[i].family != FLOOR][:16]
    if len(shown) < 2:
        return None
    pairs = [[contest.pair(a, b) for b in shown] for a in shown]
    values = [[None if pair is None else pair.kappa for pair in row] for row in pairs]
    names = [contest.ranked[i].title for i in shown]
    known = [
        (v, f"{names[i]} and {names[j]}")
        for i, row in enumerate(values)
        for j, v in enumerate(row)
        if j > i and v is not None
    ]
    summary = f"Error consistency κ of {len(names)} contenders."
    if known:
        (low, least), (high, most) = min(known), max(known)
        summary += f" The least alike are {least} ({decimal(low)}), the most alike {most} ({decimal(high)})."
    return MatrixFigure(
        "consistency",
        _title(contest),
        summary,
        names,
        values,
        texts=[["" if v is None else decimal(v) for v in row] for row in values],
        tips=[
            ["" if v is None else f"{names[i]} and {names[j]}: κ = {decimal(v)}" for j, v in enumerate(row)]
            for i, row in enumerate(values)
        ],
        rows_are="",
        columns_are="",
        values_are="κ",
        tone="ink",
        source=source(contest, "κ is 1 where two miss exactly the same images, 0 where they overlap only by chance."),
        subtitle="Do they miss the same images? Error consistency κ of each two",
    )


def _title(contest: Contest) -> str:
    """Of the two that are set against each other."""
    a, b = contest.headline_pair or (0, 1)
    pair = contest.pair(a, b)
    if pair is None or pair.kappa is None:
        return "Do they miss the same images?"
    one, other = (named(contest.ranked[i].title) for i in (a, b))
    return f"{one} and {other} agree on what they miss with κ = {decimal(pair.kappa)}"
