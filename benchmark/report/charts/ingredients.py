"""Waterfalls of what single changes do to an error, and how fast networks with two activations learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..analysis import titles
from ..analysis.contest import Contest
from ..analysis.estimate import Estimate
from ..analysis.ingredients import LEVEL, Race, Step
from ..numbers import named, percent, points
from .axes import Axis, errors, linear
from .figure import Bar, Figure, Mark, Rule, WaterfallFigure, lines
from .wording import source, times

HOLM = "Intervals: of the paired difference, over images and seeds, at levels that hold 95 % for all bars together."


def one_at_a_time(contest: Contest, base: int, steps: Sequence[Step]) -> WaterfallFigure:
    """From the base's error to each arm's."""
    name = named(titles.title(contest.ranked[base].method))
    title = f"No single change to {name} can be told from none"
    decided = [step for step in steps if step.decided]
    if decided:
        most = max(decided, key=lambda step: abs(step.gap.value))
        verb = "costs" if most.gap.value > 0 else "gains"
        title = f"{most.label[:1].upper()}{most.label[1:]} {verb} {name} {points(abs(most.gap.value))} points"
    return WaterfallFigure(
        f"ablation-{contest.ranked[base].method}",
        title,
        f"Top-{contest.k} error when one ingredient of {name} is changed: "
        + "; ".join(f"{step.label} {change(step.gap)}" for step in steps),
        f"top-{contest.k} error",
        _bars(contest, steps),
        _axis(contest, steps),
        source=source(contest, HOLM, "Pale: not told from no change."),
        subtitle=f"{name}, one ingredient at a time",
    )


def climbed(contest: Contest, steps: Sequence[Step]) -> WaterfallFigure:
    """The ladder, each step from where the one before it ended."""
    start, end = (contest.errors[i].value for i in (steps[0].before, steps[-1].after))
    return WaterfallFigure(
        "ladder",
        f"{len(steps)} ideas take the error from {percent(start, 0)} to {percent(end, 0)}",
        f"Top-{contest.k} error as ideas are added: " + "; ".join(f"{s.label} {change(s.gap)}" for s in steps),
        f"top-{contest.k} error",
        _bars(contest, steps),
        _axis(contest, steps),
        joined=True,
        source=source(contest, HOLM, "Pale: not told from no change."),
        subtitle="From visual words to the best of 2012",
    )


def change(gap: Estimate) -> str:
    """ "+3.1 (1.0 to 5.2)", in points."""
    return f"{signed(gap.value)} ({points(gap.low)} to {points(gap.high)})"


def signed(value: float) -> str:
    """Points with a sign before gains and losses alike."""
    text = points(value)
    return f"+{text}" if value > 0 and text != "0.0" else text


def _bars(contest: Contest, steps: Sequence[Step]) -> list[Bar]:
    bars = []
    for step in steps:
        start, end = (contest.errors[i].value for i in (step.before, step.after))
        said = change(step.gap)
        tip = f"{step.label}: {percent(start)} to {percent(end)}, {said} points"
        tone = contest.ranked[step.after].tone
        low, high = start + step.gap.low, start + step.gap.high
        bars.append(Bar(step.label, tone, start, end, low, high, said, tip, step.decided))
    return bars


def _axis(contest: Contest, steps: Sequence[Step]) -> Axis:
    values = [contest.errors[i].value for step in steps for i in (step.before, step.after)]
    ends = [contest.errors[s.before].value + v for s in steps for v in (s.gap.low, s.gap.high)]
    return errors(f"top-{contest.k} error", min(values + ends), max(values + ends))


def race(contest: Contest, races: Sequence[Race]) -> Figure | None:
    """Training error by epoch of every network in a race, means over seeds."""
    shown = list(dict.fromkeys(i for one in races for i in (one.a, one.b)))
    drawn = []
    for i in shown:
        contender = contest.ranked[i]
        curves = [
            [r["train_error"] for r in result.record.history if "train_error" in r] for result in contender.results
        ]
        mean = np.mean([curve[: min(map(len, curves))] for curve in curves], axis=0)
        marks = [
            Mark(epoch, float(error), f"{contender.title}, epoch {epoch}: {percent(float(error))} of training images")
            for epoch, error in enumerate(mean, 1)
        ]
        if len(marks) > 1:
            drawn.append((contender.title, contender.tone, marks))
    if not drawn:
        return None
    every = [mark for _, _, marks in drawn for mark in marks]
    ratio = next((one.ratio for one in races if one.ratio is not None), None)
    title = f"Not every network comes down to {percent(LEVEL, 0)} error on its training images"
    if ratio is not None:
        title = f"tanh needs {times(ratio.value)} times as many epochs as ReLU to {percent(LEVEL, 0)} training error"
    x = linear("epoch", 0, max(mark.x for mark in every), lambda v: f"{v:g}", whole=True)
    x = replace(x, high=x.high * 1.3)  # room for names at the ends of lines
    return Figure(
        "activations",
        title,
        "Top-1 error on the training images by epoch, after figure 1 of the paper.",
        x,
        errors("top-1 error on training images", 0, 1),
        lines(drawn),
        rules=[Rule("y", LEVEL, f"{percent(LEVEL, 0)}, where the paper compares", left=True)],
        source=source(
            contest, "Means over seeds. As they are trained: with augmentation and dropout where they have it."
        ),
        subtitle="Training error by epoch, ReLU against tanh",
    )
