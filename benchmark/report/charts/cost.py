"""Error against what it costs: seconds, memory, energy where known, each with its Pareto front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...families import FLOOR, Tone
from ..analysis.contender import Contender
from ..analysis.contest import Contest
from ..numbers import joules, named, quantity, seconds, size
from .axes import around, errors, logarithmic
from .figure import DOTTED, Figure, Mark, Series
from .wording import intervals, source, times, with_interval

NAMED = 12  # contenders; of more only the front and the two that are compared are named
ALIKE = 1.15  # times as much is still about as much
TIMES = (  # coarse and fine
    (1e-4, 1e-3, 0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 360000, 3.6e6),
    (*(m * 10.0**d for d in range(-6, 1) for m in (1, 2, 5)), 10, 20, 30, *(60 * m for m in (1, 2, 5, 10, 20, 30)),
     *(3600 * m for m in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000))),
)  # fmt: skip
ENERGY = (  # joules, and from 3.6 kJ on watt-hours
    (*(10.0**d for d in range(-3, 4)), *(3600 * 10.0**d for d in range(7))),
    (*(m * 10.0**d for d in range(-3, 3) for m in (1, 2, 5)), 1e3, 2e3,
     *(3600 * m * 10.0**d for d in range(6) for m in (1, 2, 5))),
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """One price: ``value`` reads it from a contender, ``text`` writes it.

    more and alike   say in a title that one costs {} times what the other does, or about as much
    at               its round values, coarse and fine, where its units are not decimal
    """

    key: str
    title: str
    label: str
    value: Callable[[Contender], float | None]
    text: Callable[[float], str]
    more: str
    alike: str
    at: tuple[tuple[float, ...], ...] = ()


def _per_image(contender: Contender) -> float | None:
    rate = contender.mean("images_per_second")
    return 1 / rate if rate else None


def _tick(value: float) -> str:
    return seconds(value) if value < 60 else seconds(value).split(" 0 ")[0]


COSTS = (
    Cost("seconds", "Time to train", "fit and features, wall clock", lambda c: c.mean("fit_seconds"), _tick,
         "takes {} times as long to train as", "take about as long to train", TIMES),
    Cost("latency", "Time per image", "prediction", _per_image, _tick,
         "takes {} times as long for an image as", "take about as long for an image", TIMES),
    Cost("memory", "Memory", "peak resident memory", lambda c: c.mean("peak_rss_bytes"), size,
         "needs {} times the memory of", "need about as much memory"),
    Cost("gpu-memory", "GPU memory", "peak GPU memory", lambda c: c.mean("peak_gpu_bytes"), size,
         "needs {} times the GPU memory of", "need about as much GPU memory"),
    Cost("energy", "Energy", "GPU energy of fit and prediction", lambda c: c.mean("energy_joules"), joules,
         "needs {} times the energy of", "need about as much energy", ENERGY),
    Cost("flops", "Arithmetic", "operations for one image", lambda c: c.mean("flops_per_image"), quantity,
         "needs {} times the operations of", "need about as many operations"),
)  # fmt: skip


def figures(contest: Contest) -> list[Figure]:
    """One for each cost that two contenders or more have recorded."""
    out = []
    for cost in COSTS:
        known = [(i, c, v) for i, c in enumerate(contest.ranked) if (v := cost.value(c)) and c.family != FLOOR]
        if len(known) >= 2:
            out.append(_figure(contest, cost, known))
    return out


def _figure(contest: Contest, cost: Cost, known: list[tuple[int, Contender, float]]) -> Figure:
    front, best = [], np.inf
    for i, _, value in sorted(known, key=lambda t: (t[2], contest.errors[t[0]].value)):
        if contest.errors[i].value < best:
            best = contest.errors[i].value
            front.append((value, best, i))
    named_all = len(known) <= NAMED
    important = {i for _, _, i in front} | {*(contest.headline_pair or ())}
    marks: dict[Tone, list[Mark]] = {}
    for i, contender, value in known:
        e = contest.errors[i]
        on = " (on the front)" if any(i == j for _, _, j in front) else ""
        tip = f"{contender.title}: {with_interval(e)}, {cost.text(value)}{on}"
        name = contender.title if named_all or i in important else ""
        marks.setdefault(contender.tone, []).append(Mark(value, e.value, tip, name, e.low, e.high))
    step = [(front[0][0], front[0][1])]
    for x, y, _ in front[1:]:
        step += [(x, step[-1][1]), (x, y)]
    prices, shown = [v for _, _, v in known], [contest.errors[i] for i, _, _ in known]
    title = _title(contest, cost)
    return Figure(
        f"cost-{cost.key}",
        title or cost.title,
        f"Top-{contest.k} error against {cost.label}. On the Pareto front: "
        + ", ".join(contest.ranked[i].title for _, _, i in front),
        logarithmic(cost.label, min(prices), max(prices), cost.text, cost.at),
        errors(f"top-{contest.k} error", *around([v for e in shown for v in (e.low, e.high)])),
        [Series("ink", [Mark(x, y, "") for x, y in step], line=True, points=False, dash=DOTTED)]
        + [Series(tone, of_it) for tone, of_it in marks.items()],
        small=True,
        source=source(
            contest,
            intervals(contest),
            "Dotted: the Pareto front, those that nobody beats at both.",
            "" if named_all else "Named: the front and the two that are compared.",
        ),
        subtitle=f"{cost.title}: error against {cost.label}" if title else "",
    )


def _title(contest: Contest, cost: Cost) -> str:
    """How the two that are compared differ in it; empty where that is not known of both."""
    pair = [contest.ranked[i] for i in contest.headline_pair or ()]
    spent = sorted(((v, c) for c in pair if (v := cost.value(c))), key=lambda found: found[0])
    if len(spent) < 2:
        return ""
    (less, cheap), (more, dear) = spent
    one, other = named(dear.title), named(cheap.title)
    if more < ALIKE * less:
        return f"{one} and {other} {cost.alike}"
    return f"{one} {cost.more.format(times(more / less))} {other}"
