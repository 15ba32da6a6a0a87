"""``topfive report RUN --lesson``: a run's results as a story in steps, for a projector.

What was believed in 2011; the images; what each of the two sees; a prediction; the result; the three factors data,
compute and algorithms. From the run's own pictures, in one file that needs no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from markupsafe import Markup

from ..errors import InputError
from ..results.run import open_run
from .analysis.contest import Contest, contests_of
from .analysis.titles import terms, what_it_is
from .analysis.verdict import verdict
from .charts import difference, draw, ranking, record
from .charts.svg import inline
from .history import RECORD
from .labels import labels
from .numbers import named, quantity, seconds, short
from .page.html import html, write
from .sections.ingredients import Ingredients
from .sections.learning import Learning
from .sections.made_of import MadeOf
from .sections.parts import Html, Section
from .sections.pictures import address
from .sections.verdict import strip

ROOM = 872  # px that charts are drawn for; the page scales them up
EXAMPLES = 2  # images that only one of the two gets, of each


@dataclass(frozen=True)
class Example:
    """An image that one of the two gets: its picture, its class, and (name, tone, guess, right) of both."""

    picture: str
    truth: str
    guesses: Sequence[tuple[str, str, str, bool]]


@dataclass(frozen=True)
class Factor:
    """One of the three: what this run has of it, what 2012 had, a question, and a chart where the run has one."""

    name: str
    here: Sequence[str]
    then: str
    question: str
    chart: Markup | None = None


@dataclass(frozen=True)
class Lesson:
    """All that the steps show. ``sees``: what each of the two is, in ``terms``; ``winners``: (year, entry, error)."""

    contest: Contest
    pictures: Sequence[tuple[str, str]]
    sees: Sequence[dict[str, str]]
    terms: Sequence[tuple[str, str]]
    taken_apart: Sequence[Markup]
    examples: Sequence[Example]
    winners: Sequence[tuple[int, str, str]]
    factors: Sequence[Factor]
    charts: dict[str, Markup | None] = field(default_factory=dict)


def write_lesson(runs: Sequence[Path], out: Path) -> Path:
    """Write ``out/lesson.html`` from the folders of one or more runs; its path. The first data set with two contenders.

    Raises InputError where no data set has two.
    """
    loaded = [open_run(path) for path in runs]
    contest = next((contest for contest in contests_of(loaded) if contest.headline_pair is not None), None)
    if contest is None:
        raise InputError("a lesson needs results of two contenders on the same images; this run has none")
    version = ", ".join(sorted({run.version for run in loaded}))
    out.mkdir(parents=True, exist_ok=True)
    path = out / "lesson.html"
    title = f"topfive, a lesson: {short(contest.dataset.title, 80)}"
    write(
        path,
        html(
            "lesson.html", ("lesson.js",), title=title, lesson=lesson(contest), said=verdict(contest), version=version
        ),
    )
    return path


def lesson(contest: Contest) -> Lesson:
    """What the steps show of one data set. It needs two contenders."""
    assert contest.headline_pair is not None
    chart, gap = ranking.figure(contest), difference.sheet(contest, ROOM / 2)
    return Lesson(
        contest,
        strip(contest),
        [
            {
                "name": named(contest.titles[i]),
                "tone": contest.ranked[i].tone,
                "line": what_it_is(contest.ranked[i].spec),
            }
            for i in contest.headline_pair
        ],
        terms(text for i in contest.headline_pair for text in (contest.titles[i], what_it_is(contest.ranked[i].spec))),
        _markup(MadeOf().build(contest)),
        examples(contest),
        [(q.year, q.entry.split(" (")[0], f"{q.top5:.1f} %") for q in RECORD if "winner" in q.entry and q.year < 2012],
        [data(contest), compute(contest), algorithms(contest)],
        {
            "ranking": draw(chart, ROOM) if chart else None,
            "gap": inline(gap, ROOM / 2) if gap else None,
            "record": draw(record.figure(), ROOM),
        },
    )


def examples(contest: Contest, seed: int = 0) -> list[Example]:
    """Images that one of the two gets and the other misses, drawn by lot among those with pictures, and mixed."""
    pair, stored = contest.headline_pair, contest.pictures()
    if pair is None or contest.ids is None or contest.labels is None or not {*pair} <= {*contest.paired}:
        return []
    ids = contest.ids.to_pylist()
    pictured = np.array([name in stored for name in ids])
    a, b = (contest.ranked[i].hits(contest.k)[0] for i in pair)
    rng, chosen = np.random.default_rng(seed), list[int]()
    for only in (a & ~b, b & ~a):
        places = np.flatnonzero(only & pictured)
        chosen += rng.permutation(places)[:EXAMPLES].tolist()
    names = labels(contest.dataset)
    return [
        Example(
            address(stored[ids[n]]),
            names[contest.labels[n]],
            [_guess(contest, i, n, names) for i in pair],
        )
        for n in rng.permutation(np.array(chosen, dtype=np.int64)).tolist()
    ]


def _guess(contest: Contest, i: int, n: int, names: Sequence[str]) -> tuple[str, str, str, bool]:
    c = contest.ranked[i]
    first = "" if c.first is None else names[int(c.first[n])]
    return named(contest.titles[i]), c.tone, first, bool(c.hits(contest.k)[0][n])


def data(contest: Contest) -> Factor:
    """How many images there are, and what more would do."""
    here = [f"{contest.dataset.n_train:,} training images of {contest.dataset.n_classes:,} classes"]
    if contest.per_class:
        here.append(f"{contest.per_class:,.0f} a class")
    chart = _first_chart(Learning().build(contest))
    question = "Where would the two be with ten times as many images?"
    if chart is None:
        question += " Find out: topfive run with --per-class 10,20,50,100."
    return Factor(
        "Data", here, "1.2 million images of 1,000 classes, labelled by people: about 1,200 a class.", question, chart
    )


def compute(contest: Contest) -> Factor:
    """What the two took here."""
    here = []
    for i in contest.headline_pair or ():
        c = contest.ranked[i]
        fit, weights, work = (c.mean(name) for name in ("fit_seconds", "n_parameters", "flops_per_image"))
        told = [f"{seconds(fit)} of training"] if fit is not None else []
        told += [f"{quantity(weights)} parameters"] if weights else []
        told += [f"{quantity(work)} operations an image"] if work else []
        here += [f"{named(contest.titles[i])}: {', '.join(told)}"] if told else []
    return Factor(
        "Compute",
        here,
        "Five to six days on two graphics cards made for games, for 60 million parameters.",
        "Which of the two would gain more from a computer that is a hundred times as fast?",
    )


def algorithms(contest: Contest) -> Factor:
    """What each idea is worth, where the run has asked."""
    section = Ingredients().build(contest)
    return Factor(
        "Algorithms",
        [section.sentence] if section else _lines(contest),
        "Few new ideas: rectified linear units, dropout, distorted copies of the images. Convolution is of the 1980s.",
        "Which of these ideas could have been had ten years earlier? What was missing?",
        _first_chart(section),
    )


def _lines(contest: Contest) -> list[str]:
    two = [(named(contest.titles[i]), what_it_is(contest.ranked[i].spec)) for i in contest.headline_pair or ()]
    return [f"{name}: {line}" for name, line in two if line]


def _first_chart(section: Section | None) -> Markup | None:
    charts = section.charts() if section else []
    return draw(charts[0], ROOM) if charts else None


def _markup(section: Section | None) -> list[Markup]:
    return [part.markup for part in section.parts if isinstance(part, Html)] if section else []
