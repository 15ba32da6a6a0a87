"""The record of 2010–2015, quoted, with the best of each family measured here beside it."""

from __future__ import annotations

from dataclasses import replace

from ...families import DEEP, FLOOR, HAND, tone_of
from ..analysis.contest import Contest
from ..history import HUMAN, RECORD
from .axes import Axis, errors
from .figure import Figure, Mark, Rule, Series
from .wording import intervals, source, with_interval

HERE = 2016.4  # where "here" stands on the axis of years


def figure(contest: Contest) -> Figure:
    """With five classes or fewer nobody misses with five guesses, and nothing stands beside the record."""
    series = [Series(tone_of(family), _quoted(family), hollow=True) for family in (DEEP, HAND)]
    if contest.dataset.n_classes > 5:
        families = dict.fromkeys(c.family for c in contest.ranked if c.family != FLOOR)
        for j, family in enumerate(families):
            i = contest.best(family) or 0
            x = HERE + 0.14 * (j - (len(families) - 1) / 2)  # side by side, so that no interval hides another
            name, e = contest.ranked[i].name, contest.error(i, 5)
            tip = f"{name}, measured here, top-5: {with_interval(e)}"
            series.append(Series(tone_of(family), [Mark(x, e.value, tip, name, e.low, e.high, at="here")]))
    measured = any(not s.hollow for s in series)
    top = max(m.high or m.y for s in series for m in s.marks)
    years = [(float(y), str(y)) for y in range(2010, 2016)]
    human = Rule("y", HUMAN / 100, f"one trained human, {HUMAN} %", left=True)
    quoted = "Hollow marks are quoted: published results on ImageNet with 1,000 classes, mostly fusions or ensembles."
    here = f"Filled marks: the best contender of each family here. {source(contest, intervals(contest))}"
    return Figure(
        "history",
        "Top-5 error, 2010–2015 and here" if measured else "Top-5 error, 2010–2015",
        "Top-5 error of ImageNet entries from 2010 to 2015, quoted"
        + (", and of the best contender of each family measured here. " if measured else ". ")
        + f"Human level {HUMAN} per cent.",
        Axis("year of the challenge", 2009.5, 2017.3, [*years, (HERE, "here")])
        if measured
        else Axis("year of the challenge", 2009.5, 2016.3, years),
        replace(errors("top-5 error", 0, top), text=lambda v: f"{100 * v:.4g}\u00a0%"),
        series,
        rules=[human, Rule("x", 2015.75, "")] if measured else [human],
        tall=True,
        source=f"{quoted} {here}" if measured else quoted,
    )


def _quoted(family: str) -> list[Mark]:
    """The record's marks, winners first so that they get their names; near neighbours of a year stand side by side."""
    marks, seen = [], list[tuple[int, float]]()
    for q in sorted((q for q in RECORD if q.family == family), key=lambda q: ("winner" not in q.entry, q.top5)):
        near = sum(year == q.year and abs(top5 - q.top5) < 2 for year, top5 in seen)
        seen.append((q.year, q.top5))
        tip = f"{q.entry}, {q.year}, quoted: {q.top5:g} % top-5 error on {q.data}"
        marks.append(Mark(q.year + 0.13 * near, q.top5 / 100, tip, q.entry.split(" (")[0], at=str(q.year)))
    return marks
