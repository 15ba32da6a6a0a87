"""The record of 2010–2015, quoted; and in a panel of its own the best of each family measured here."""

from __future__ import annotations

from dataclasses import replace

from ...families import DEEP, FLOOR, HAND, tone_of
from ..analysis.contest import Contest
from ..history import HUMAN, RECORD
from ..numbers import inside, percent
from .axes import Axis, errors
from .figure import Figure, Mark, RankingFigure, Row, Rule, Series
from .wording import intervals, source

FEWEST = 6  # classes; with fewer nobody misses with five guesses


def figure() -> Figure:
    """The record alone."""
    series = [Series(tone_of(family), _quoted(family), hollow=True) for family in (DEEP, HAND)]
    years = [(float(y), str(y)) for y in range(2010, 2016)]
    return Figure(
        "history",
        "Top-5 error on ImageNet, 2010–2015",
        f"Top-5 error of ImageNet entries from 2010 to 2015, quoted. Human level {HUMAN} per cent.",
        Axis("year in which it was made", 2009.5, 2016.3, years),
        replace(errors("top-5 error", 0, max(q.top5 for q in RECORD) / 100), text=lambda v: f"{100 * v:.4g}\u00a0%"),
        series,
        rules=[Rule("y", HUMAN / 100, f"one trained human, {HUMAN} %", left=True)],
        tall=True,
        source="Quoted: published results on ImageNet with 1,000 classes, mostly fusions or ensembles.",
    )


def here(contest: Contest) -> RankingFigure | None:
    """The best contender of each family, with this data set's own chance level; None with five classes or fewer."""
    classes = contest.dataset.n_classes
    families = dict.fromkeys(c.family for c in contest.ranked if c.family != FLOOR)
    if classes < FEWEST or not families:
        return None
    best = [contest.best(family) or 0 for family in families]
    found = sorted(((contest.error(i, 5), contest.ranked[i]) for i in best), key=lambda pair: pair[0].value)
    rows = [Row(c.name, tone_of(c.family), e.value, e.low, e.high) for e, c in found]
    chance = 1 - 5 / classes
    title = inside(contest.dataset.title)
    return RankingFigure(
        "here",
        f"Top-5 error on {title}, the best of each family",
        f"Top-5 error measured on {title}, the best contender of each family. Chance level {percent(chance)}.",
        "top-5 error",
        rows,
        [],
        chance,
        errors("top-5 error", 0, max([chance, *(row.high for row in rows)])),
        source(contest, intervals(contest)),
    )


def _quoted(family: str) -> list[Mark]:
    """The record's marks, winners first so that they get their names; near neighbours of a year stand side by side."""
    marks, seen = [], list[tuple[int, float]]()
    for q in sorted((q for q in RECORD if q.family == family), key=lambda q: ("winner" not in q.entry, q.top5)):
        near = sum(year == q.year and abs(top5 - q.top5) < 2 for year, top5 in seen)
        seen.append((q.year, q.top5))
        tip = f"{q.entry}, {q.year}, quoted: {q.top5:g} % top-5 error on {q.data}, {q.rule}"
        marks.append(Mark(q.year + 0.13 * near, q.top5 / 100, tip, q.entry.split(" (")[0], at=str(q.year)))
    return marks
