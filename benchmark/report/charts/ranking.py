"""All contenders, best first, with intervals, chance level and tie groups."""

from __future__ import annotations

from ...families import FLOOR
from ..analysis.contest import Contest
from ..numbers import inside, percent
from .axes import Axis, errors
from .figure import RankingFigure, Row
from .wording import intervals, leader, source


def figure(contest: Contest) -> RankingFigure | None:
    """None where no contender finished."""
    if not contest.ranked:
        return None
    rows = [
        Row(c.name, c.tone, e.value, e.low, e.high, title)
        for c, e, title in zip(contest.ranked, contest.errors, contest.titles, strict=True)
    ]
    listed = "; ".join(
        f"{row.title} {percent(row.value)}, 95 % interval {100 * row.low:.1f} to {100 * row.high:.1f}" for row in rows
    )
    claim, drawn = leader(contest), f"Top-{contest.k} error on {inside(contest.dataset.title)}, best first"
    return RankingFigure(
        "ranking",
        claim or drawn,
        f"Top-{contest.k} error, best first: {listed}. Chance level {percent(contest.chance)}.",
        f"top-{contest.k} error",
        rows,
        contest.groups,
        contest.chance,
        _axis(contest, rows),
        source(
            contest,
            intervals(contest),
            "Brackets on the left join contenders that cannot be told apart." if contest.groups else "",
        ),
        subtitle=drawn if claim else "",
    )


WIDEST = 1.25  # times the span of the contenders that the axis may have, to show the chance level too


def _axis(contest: Contest, rows: list[Row]) -> Axis:
    """Fits the contenders and their intervals; floors and the chance level are on it only where they are near."""
    shown = [row for row, c in zip(rows, contest.ranked, strict=True) if c.family != FLOOR] or rows
    low, high = min(row.low for row in shown), max(row.high for row in shown)
    span = max(high - low, 0.05)
    far = max([*(row.high for row in rows), contest.chance])
    if far - low <= WIDEST * span:
        high = max(high, far)
    if low <= span / 2:
        low = 0.0
    return errors(f"top-{contest.k} error", low, high)
