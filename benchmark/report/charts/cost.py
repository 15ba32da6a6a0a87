"""Error against what it costs: seconds, memory, energy where known, each with its Pareto front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...families import FLOOR, tone_of
from ..analysis.contest import Contender, Contest
from ..numbers import joules, percent, quantity, seconds, size
from .axes import around, errors, logarithmic
from .figure import Figure, Mark, Series
from .wording import source

TIMES = (1e-4, 1e-3, 0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 360000, 3.6e6)
FINER = tuple(sorted({
    *(m * 10.0**d for d in range(-5, 1) for m in (1, 2, 5)), 10, 20, 30,
    *(60 * m for m in (1, 2, 5, 10, 20, 30)), *(3600 * m for m in (1, 2, 5, 10, 20, 50, 100)),
}))  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """One price: ``value`` reads it from a contender, ``text`` writes it, ``at`` are round ticks where it is a time."""

    key: str
    title: str
    label: str
    value: Callable[[Contender], float | None]
    text: Callable[[float], str]
    at: tuple[float, ...] = ()


def _per_image(contender: Contender) -> float | None:
    rate = contender.mean("images_per_second")
    return 1 / rate if rate else None


def _tick(value: float) -> str:
    return seconds(value) if value < 60 else seconds(value).split(" 0 ")[0]


COSTS = (
    Cost("seconds", "Time to train", "fit and features, wall clock", lambda c: c.mean("fit_seconds"), _tick, TIMES),
    Cost("latency", "Time per image", "prediction", _per_image, _tick, TIMES),
    Cost("memory", "Memory", "peak resident memory", lambda c: c.mean("peak_rss_bytes"), size),
    Cost("gpu-memory", "GPU memory", "peak GPU memory", lambda c: c.mean("peak_gpu_bytes"), size),
    Cost("energy", "Energy", "GPU energy of fit and prediction", lambda c: c.mean("energy_joules"), joules),
    Cost("flops", "Arithmetic", "operations for one image", lambda c: c.mean("flops_per_image"), quantity),
)


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
    on_front = {i for _, _, i in front}
    marks: dict[str, list[Mark]] = {}
    for i, contender, value in known:
        e = contest.errors[i]
        on = " (on the front)" if i in on_front else ""
        tip = f"{contender.name}: {percent(e.value)} error, {cost.text(value)}{on}"
        name = contender.name if on or len(known) <= 12 else ""
        marks.setdefault(contender.family, []).append(Mark(value, e.value, tip, name))
    step = [(front[0][0], front[0][1])]
    for x, y, _ in front[1:]:
        step += [(x, step[-1][1]), (x, y)]
    highs = [v for _, _, v in known]
    return Figure(
        f"cost-{cost.key}",
        cost.title,
        f"Top-{contest.k} error against {cost.label}. On the Pareto front: "
        + ", ".join(contest.ranked[i].name for _, _, i in front),
        logarithmic(cost.label, min(highs), max(highs), cost.text, cost.at, FINER if cost.at else ()),
        errors(f"top-{contest.k} error", *around([contest.errors[i].value for i, _, _ in known])),
        [Series("ink", [Mark(x, y, "") for x, y in step], line=True, points=False, dash=2)]
        + [Series(tone_of(f), m) for f, m in marks.items()],
        small=True,
        source=source(contest, "Dotted: the Pareto front, those that nobody beats at both."),
    )
