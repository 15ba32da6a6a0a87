"""All contenders, best first, with intervals, chance level and tie groups."""

from __future__ import annotations

from ...families import tone_of
from ..analysis.contest import Contest
from ..numbers import inside, percent
from .axes import errors
from .figure import RankingFigure, Row
from .wording import intervals, source


def figure(contest: Contest) -> RankingFigure | None:
    """None where no contender finished."""
    if not contest.ranked:
        return None
    rows = [
        Row(c.name, tone_of(c.family), e.value, e.low, e.high)
        for c, e in zip(contest.ranked, contest.errors, strict=True)
    ]
    top = max([*(row.high for row in rows), contest.chance])
    listed = "; ".join(
        f"{row.name} {percent(row.value)}, 95 % interval {100 * row.low:.1f} to {100 * row.high:.1f}" for row in rows
    )
    return RankingFigure(
        "ranking",
        f"Top-{contest.k} error on {inside(contest.dataset.title)}",
        f"Top-{contest.k} error, best first: {listed}. Chance level {percent(contest.chance)}.",
        f"top-{contest.k} error",
        rows,
        contest.groups,
        contest.chance,
        errors(f"top-{contest.k} error", 0, top),
        source(
            contest,
            intervals(contest),
            "Bars on the left join contenders that cannot be told apart." if contest.groups else "",
        ),
    )
