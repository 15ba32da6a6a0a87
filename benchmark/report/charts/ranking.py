"""All contenders, best first, with intervals, chance level and tie groups."""

from __future__ import annotations

from ..analysis.contest import Contest
from ..numbers import inside, percent
from .axes import errors
from .figure import RankingFigure, Row
from .wording import intervals, leader, source


def figure(contest: Contest) -> RankingFigure | None:
    """None where no contender finished."""
    if not contest.ranked:
        return None
    rows = [Row(c.name, c.tone, e.value, e.low, e.high) for c, e in zip(contest.ranked, contest.errors, strict=True)]
    top = max([*(row.high for row in rows), contest.chance])
    listed = "; ".join(
        f"{row.name} {percent(row.value)}, 95 % interval {100 * row.low:.1f} to {100 * row.high:.1f}" for row in rows
    )
    drawn = f"Top-{contest.k} error on {inside(contest.dataset.title)}, best first"
    return RankingFigure(
        "ranking",
        leader(contest) or drawn,
        f"Top-{contest.k} error, best first: {listed}. Chance level {percent(contest.chance)}.",
        f"top-{contest.k} error",
        rows,
        contest.groups,
        contest.chance,
        errors(f"top-{contest.k} error", 0, top),
        source(
            contest,
            intervals(contest),
            "Brackets on the left join contenders that cannot be told apart." if contest.groups else "",
        ),
        subtitle=drawn if leader(contest) else "",
    )
