"""Confidence against accuracy, for contenders whose scores are probabilities."""

from __future__ import annotations

from ...scoring.statistics import calibration
from ..analysis.contender import Contender
from ..analysis.contest import Contest
from ..numbers import named, percent
from .axes import linear
from .figure import Figure, Mark, lines
from .wording import source


def figure(contest: Contest) -> Figure | None:
    """Eight contenders at most; None where no scores are probabilities."""
    drawn, found = [], []
    for i in contest.paired:
        contender = contest.ranked[i]
        if contender.confidence is None:
            continue
        curve = calibration(contender.confidence, contender.hits(1)[0])
        marks = [
            Mark(
                said, right, f"{contender.title} says {percent(said, 0)}, right {percent(right, 0)} of {count:,} images"
            )
            for said, right, count in zip(
                curve.confidence.tolist(), curve.accuracy.tolist(), curve.count.tolist(), strict=True
            )
            if count
        ]
        found.append((contender, float(contender.confidence.mean()), float(contender.hits(1)[0].mean())))
        drawn.append((contender.title, contender.tone, marks))
    if not drawn:
        return None
    return Figure(
        "reliability",
        _title(*found[0]),
        "Share of right first guesses against the probability the contender gave them; the diagonal is honest.",
        linear("probability it gave its first guess", 0, 1, lambda v: f"{100 * v:.0f} %"),
        linear("share that was right", 0, 1, lambda v: f"{100 * v:.0f} %"),
        lines(drawn[:8], points=True),
        diagonal=True,
        small=True,
        source=source(contest, "On the dashed diagonal a contender is right as often as it says."),
        subtitle="Does it know when it is right?",
    )


def _title(contender: Contender, said: float, right: float) -> str:
    """What one says, and how often it is right."""
    return f"{named(contender.title)} claims to be {percent(said, 0)} sure and is right on {percent(right, 0)}"
