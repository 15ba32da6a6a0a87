"""What charts say in words: their titles, a number with its interval, and the footer that lets a file stand alone."""

from __future__ import annotations

from ..analysis.contest import Contest
from ..analysis.estimate import Estimate
from ..numbers import NBSP, named, percent, points


def with_interval(e: Estimate) -> str:
    """ "12.3 % error (10.1 to 14.9)"."""
    return f"{percent(e.value)} error ({100 * e.low:.1f} to {100 * e.high:.1f})"


def source(contest: Contest, *more: str, trained: bool = True) -> str:
    """Which images a file's numbers come from, then ``more`` sentences, then what made it.

    ``trained``: on how many images as well.
    """
    data = contest.dataset
    said = f"{data.title}: {data.n_val:,} validation images, {data.n_classes:,} classes"
    if trained and contest.per_class:
        said += f", {contest.per_class:g} training images per class"
    return " ".join([f"{said}.", *(sentence for sentence in more if sentence), made_by(contest)])


def made_by(contest: Contest) -> str:
    """ "topfive 0.1.0.", which no line breaks; of several runs every version."""
    versions = sorted({run.version for run in contest.runs})
    return f"topfive{NBSP}{', '.join(versions)}." if versions else "topfive."


def intervals(contest: Contest) -> str:
    """Which intervals the ranking and the marks measured here carry."""
    several = {c.seeds > 1 and c.paired for c in contest.ranked}
    if several == {True}:
        return "Intervals: 95 %, over training seeds and images."
    if True in several:
        return "Intervals: 95 %, Wilson's, or over seeds and images where there are several seeds."
    return "Intervals: 95 %, Wilson's."


def leader(contest: Contest) -> str:
    """ "ResNet-18 errs 28 points less than HOG", or that they are not told apart; empty of fewer than two."""
    if contest.headline_pair is None:
        return ""
    a, b = sorted(contest.headline_pair)
    one, other = (named(contest.titles[i]) for i in (a, b))
    pair = contest.pair(a, b)
    if pair is None:
        return ""
    if contest.errors[a].value == contest.errors[b].value == 0:
        return f"Neither {one} nor {other} misses an image"
    if not pair.told_apart:
        return f"{one} and {other} cannot be told apart"
    gap = points(pair.gap.value, 0 if pair.gap.value >= 0.095 else 1)
    return f"{one} errs {gap} {'point' if gap in ('1', '1.0') else 'points'} less than {other}"


def times(ratio: float) -> str:
    """How many times as much, for a sentence: "1.3", "13", "1,300"."""
    return f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:,.0f}"


def error_of(e: Estimate) -> str:
    """ "12 %": an error in a title."""
    return percent(e.value, 0 if e.value >= 0.0995 else 1)
