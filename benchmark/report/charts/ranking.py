"""All contenders, best first, with intervals, chance level and tie groups."""

from __future__ import annotations

from ...families import tone_of
from ..numbers import inside, percent
from ..study import Study
from .axes import errors
from .figure import RankingFigure, Row
from .wording import intervals, source


def figure(study: Study) -> RankingFigure | None:
    """None where no contender finished."""
    if not study.ranked:
        return None
    rows = [
        Row(c.name, tone_of(c.family), e.value, e.low, e.high) for c, e in zip(study.ranked, study.errors, strict=True)
    ]
    top = max([*(row.high for row in rows), study.chance])
    listed = "; ".join(
        f"{row.name} {percent(row.value)}, 95 % interval {100 * row.low:.1f} to {100 * row.high:.1f}" for row in rows
    )
    return RankingFigure(
        "ranking",
        f"Top-{study.k} error on {inside(study.dataset.title)}",
        f"Top-{study.k} error, best first: {listed}. Chance level {percent(study.chance)}.",
        f"top-{study.k} error",
        rows,
        study.groups,
        study.chance,
        errors(f"top-{study.k} error", 0, top),
        source(
            study,
            intervals(study),
            "Bars on the left join contenders that cannot be told apart." if study.groups else "",
        ),
    )
