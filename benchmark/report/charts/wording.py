"""What charts say in words: a number with its interval, and the footer that lets a file stand alone."""

from __future__ import annotations

from ..analysis.contest import Contest
from ..analysis.estimate import Estimate
from ..numbers import percent


def with_interval(e: Estimate) -> str:
    """ "12.3 % error (10.1 to 14.9)"."""
    return f"{percent(e.value)} error ({100 * e.low:.1f} to {100 * e.high:.1f})"


def source(contest: Contest, *more: str, trained: bool = True) -> str:
    """Which images a file's numbers come from, then ``more`` sentences. ``trained``: on how many as well."""
    data = contest.dataset
    said = f"{data.title}: {data.n_val:,} validation images, {data.n_classes:,} classes"
    if trained and contest.per_class:
        said += f", {contest.per_class:g} training images per class"
    return " ".join([f"{said}.", *(sentence for sentence in more if sentence)])


def intervals(contest: Contest) -> str:
    """Which intervals the ranking and the marks measured here carry."""
    several = {c.seeds > 1 and c.paired for c in contest.ranked}
    if several == {True}:
        return "Intervals: 95 %, over training seeds and images."
    if True in several:
        return "Intervals: 95 %, Wilson's, or over seeds and images where there are several seeds."
    return "Intervals: 95 %, Wilson's."
