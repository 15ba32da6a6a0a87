"""The record of 2010–2015, quoted; and in a panel of its own what this run measured: its entries run again here."""

from __future__ import annotations

from dataclasses import replace

from ...families import DEEP, FLOOR, HAND, tone_of
from ..analysis.contest import Contest
from ..history import HUMAN, RECORD, RERUN
from ..numbers import inside, named, percent
from .axes import Axis, errors
from .figure import Figure, Mark, RankingFigure, Row, Rule, Series
from .wording import error_of, intervals, source, with_interval

FEWEST = 6  # classes; with fewer nobody misses with five guesses
YEARS = [(float(year), str(year)) for year in range(2010, 2016)]


def figure() -> Figure:
    """The record alone, with a line through the best result of each year so far."""
    series = [Series(tone_of(family), _quoted(family), hollow=True) for family in (DEEP, HAND)]
    best = so_far([(float(q.year), q.top5 / 100) for q in RECORD], RECORD[-1].year + 1.0)
    first, last = RECORD[0].year, RECORD[-1].year
    return Figure(
        "history",
        f"The best error fell from {100 * best[0].y:.0f} to {100 * best[-1].y:.0f} % between {first} and {last}",
        f"Top-5 error of ImageNet entries from 2010 to 2015, quoted. Human level {HUMAN} per cent.",
        Axis("year in which it was made", 2009.5, 2016.3, YEARS),
        replace(errors("top-5 error", 0, max(q.top5 for q in RECORD) / 100), text=lambda v: f"{100 * v:.4g}\u00a0%"),
        [Series("ink", best, "best so far", line=True, points=False, listed=False), *series],
        rules=[Rule("y", HUMAN / 100, f"one trained human, {HUMAN} %", left=True)],
        tall=True,
        source="Quoted: published results on ImageNet with 1,000 classes, mostly fusions or ensembles; no intervals.",
        subtitle="Top-5 error on ImageNet, 2010–2015; the line is the best so far",
    )


def so_far(points: list[tuple[float, float]], end: float) -> list[Mark]:
    """The corners of the line through the least error up to each year, as stairs, named where it ends."""
    marks: list[Mark] = []
    for year in sorted({year for year, _ in points}):
        least = min(error for when, error in points if when <= year)
        if not marks or least < marks[-1].y:
            marks += [Mark(year, marks[-1].y, "")] if marks else []
            marks.append(Mark(year, least, ""))
    return [*marks, Mark(end, marks[-1].y, "", "best so far")] if marks else []


def reruns(contest: Contest) -> Figure | None:
    """The entries of the record that this run has run again, in the years of the originals; None of fewer than two.

    Of several set-ups of one the plain one stands for it, or else the best.
    """
    if contest.dataset.n_classes < FEWEST:
        return None
    found = []
    for method, made in RERUN.items():
        mine = [i for i, c in enumerate(contest.ranked) if c.method == method]
        if mine:
            found.append((float(made), next((i for i in mine if contest.ranked[i].spec == method), mine[0])))
    if len(found) < 2:
        return None
    shown = [(year, contest.ranked[i], contest.error(i, 5)) for year, i in found]
    title = inside(contest.dataset.title)
    chance = 1 - 5 / contest.dataset.n_classes
    series = []
    for tone in dict.fromkeys(c.tone for _, c, _ in shown):
        marks = []
        for n, (year, c, e) in enumerate(shown):
            beside = 0.13 * sum(other == year for other, _, _ in shown[:n])
            if c.tone == tone:
                tip = f"{c.title}, of {year:g}, run here: {with_interval(e)}"
                marks.append(Mark(year + beside, e.value, tip, c.title, e.low, e.high, at=f"{year:g}"))
        series.append(Series(tone, marks))
    best = min(shown, key=lambda one: one[2].value)
    line = so_far([(year, e.value) for year, _, e in shown], 2013.0)
    return Figure(
        "reruns",
        f"Run here, {named(best[1].title)} of {best[0]:g} errs least: {error_of(best[2])}",
        f"Top-5 error of entries of the record, run again on {title}. Chance level {percent(chance)}.",
        Axis("year of the original", 2009.5, 2013.3, YEARS[:4]),
        errors("top-5 error", 0, max([chance, *(e.high for _, _, e in shown)])),
        [Series("ink", line, "best so far", line=True, points=False, listed=False), *series],
        rules=[Rule("y", chance, f"chance {percent(chance)}", left=True)],
        source=source(contest, intervals(contest)),
        subtitle=f"Entries of the record run again on {title}: top-5 error, with its own chance level",
    )


def here(contest: Contest) -> RankingFigure | None:
    """The best contender of each family, with this data set's own chance level; None with five classes or fewer."""
    classes = contest.dataset.n_classes
    families = dict.fromkeys(c.family for c in contest.ranked if c.family != FLOOR)
    if classes < FEWEST or not families:
        return None
    best = [contest.best(family) or 0 for family in families]
    found = sorted(((contest.error(i, 5), contest.ranked[i]) for i in best), key=lambda pair: pair[0].value)
    rows = [Row(c.title, c.tone, e.value, e.low, e.high) for e, c in found]
    chance = 1 - 5 / classes
    title = inside(contest.dataset.title)
    return RankingFigure(
        "here",
        f"{named(rows[0].name)} errs least here: {error_of(found[0][0])}",
        f"Top-5 error measured on {title}, the best contender of each family. Chance level {percent(chance)}.",
        "top-5 error",
        rows,
        [],
        chance,
        errors("top-5 error", 0, max([chance, *(row.high for row in rows)])),
        source(contest, intervals(contest)),
        subtitle=f"Top-5 error on {title}, the best of each family",
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
