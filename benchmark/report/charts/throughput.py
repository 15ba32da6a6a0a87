"""Images a second in training and in prediction, a point a contender and a piece of hardware."""

from __future__ import annotations

from collections.abc import Sequence

from ...families import tone_of
from ..analysis.contest import Contest
from ..analysis.throughput import Measured
from ..numbers import named, quantity, short
from .axes import logarithmic
from .figure import Figure, Mark, Rule, Series
from .wording import source

GTX_580 = 227.0  # images a second of both together: 1.2 million images, 90 passes, "between five and six days"


def figure(contest: Contest, rows: Sequence[Measured]) -> Figure | None:
    """None where nobody's training rate is known."""
    shown = [one for one in rows if one.trained]
    if not shown:
        return None
    tones = {contender.spec: contender.tone for contender in contest.ranked}
    series = []
    for what in dict.fromkeys(one.what for one in shown):
        mine = [one for one in shown if one.what == what]
        name = short(mine[0].name, 30)
        marks = [
            Mark(
                one.trained or 1.0,
                one.predicted,
                f"{what} on {one.hardware}: {quantity(one.trained)} images/s in training, "
                f"{quantity(one.predicted)} in prediction",
                f"{name}, {_place(one)}",
            )
            for one in mine
        ]
        first = mine[0].record
        tone = tones.get(first.method, tone_of(first.family))
        series.append(Series(tone, marks, what, line=len(marks) > 1))
    xs, ys = ([mark.x for s in series for mark in s.marks], [mark.y for s in series for mark in s.marks])
    fastest = max(shown, key=lambda one: one.trained or 0.0)
    return Figure(
        "throughput",
        f"{named(fastest.name)} trains on {quantity(fastest.trained)} images a second on {fastest.hardware}",
        "Images a second in training against images a second in prediction; further to the upper right is faster.",
        logarithmic("images a second in training", min([*xs, GTX_580]), max([*xs, GTX_580]) * 1.5, quantity),
        logarithmic("images a second in prediction", min(ys), max(ys), quantity),
        series,
        rules=[Rule("x", GTX_580, "227: AlexNet at 224 px on two GTX 580, 2012, quoted")],
        source=source(contest, "A line joins the same contender on different hardware."),
        subtitle="Images a second in training and in prediction, by hardware",
    )


def _place(one: Measured) -> str:
    if not one.on_cpu:
        return short(one.hardware, 24)
    return "CPU" if one.threads is None else "1 thread" if one.threads == 1 else f"{one.threads} threads"
