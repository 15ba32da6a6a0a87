"""Error against training images per class, with the crossing of the two sides, measured or extrapolated."""

from __future__ import annotations

import numpy as np

from ...families import FLOOR, Tone
from ..analysis.contest import Contest
from ..analysis.curves import Curves
from ..analysis.estimate import Estimate
from ..analysis.scaling import FAR, Fit, Scaling
from ..numbers import named, percent
from .axes import around, errors, logarithmic
from .figure import DOTTED, Figure, Mark, Rule, Series, lines
from .wording import intervals, source, with_interval

ONWARD = 3.0  # times the largest size that fits are drawn to, where no crossing asks for more


def figure(contest: Contest, curves: Curves, scaling: Scaling) -> Figure | None:
    """None where nobody was trained at more than one size."""
    shown = [line for line in curves.lines if line.family != FLOOR]
    if not shown:
        return None
    tones = {c.title: c.tone for c in [*contest.ranked, *contest.smaller]}
    drawn = [(line.name, tones[line.name], [_mark(line.name, s, e) for s, e in line.points]) for line in shown]
    alone = _alone(contest, {line.name for line in shown})
    sizes = sorted({s for line in shown for s, _ in line.points} | {mark.x for one in alone for mark in one.marks})
    values = [v for line in shown for _, e in line.points for v in (e.low, e.high)]
    values += [v for one in alone for mark in one.marks for v in (mark.low, mark.high) if v is not None]
    end, rules, band = _crossing(curves, scaling, sizes)
    fitted = [series for one in scaling.fits for series in _fitted(one, end, tones[one.name])]
    values += [mark.y for series in fitted for mark in series.marks]
    if contest.chance <= max(values) + 0.1:
        rules.append(Rule("y", contest.chance, f"chance {percent(contest.chance)}"))
    claim, drawn_is = _title(curves, scaling), "Error against training images per class"
    return Figure(
        "learning",
        claim or drawn_is,
        f"Top-{contest.k} error against training images per class. {curves.sentence} {scaling.sentence}".strip(),
        logarithmic("training images per class", sizes[0], end * 1.3, lambda v: f"{v:g}", [_ticks(sizes, end)]),
        errors(f"top-{contest.k} error", *around(values)),
        [*lines(drawn, points=True), *alone, *fitted],
        rules=rules,
        band=band,
        source=source(
            contest,
            intervals(contest),
            "Shaded: the 95 % interval of the crossing, over resampled images and seeds." if band else "",
            "Hollow: the largest size as a power law foretold it; dotted: laws that hold, extrapolated."
            if fitted
            else "",
            trained=False,
        ),
        subtitle=drawn_is if claim else "",
    )


def _alone(contest: Contest, drawn: set[str]) -> list[Series]:
    """The ranked that were trained at one size only, as points beside the curves."""
    return [
        Series(c.tone, [_mark(c.title, c.per_class, e, c.title)])
        for c, e in zip(contest.ranked, contest.errors, strict=True)
        if c.title not in drawn and c.family != FLOOR and c.per_class is not None
    ]


def _mark(name: str, size: float, e: Estimate, label: str = "") -> Mark:
    return Mark(size, e.value, f"{name}, {size:g} images per class: {with_interval(e)}", label, e.low, e.high)


def _title(curves: Curves, scaling: Scaling) -> str:
    """Whether and where the two that are compared cross; empty where that is not known."""
    if curves.pair is None or curves.crossing is None:
        return ""
    ahead, behind = map(named, curves.pair)
    if curves.crossing.at is not None:
        return f"{ahead} overtakes {behind} at about {curves.crossing.at:.0f} images per class"
    beyond = scaling.beyond
    if beyond is not None and np.isfinite(beyond.at):
        return f"{behind} would overtake {ahead} at about {beyond.at:,.0f} images per class, if its law holds on"
    return f"{ahead} is ahead of {behind} at every size that was measured"


def _crossing(
    curves: Curves, scaling: Scaling, sizes: list[float]
) -> tuple[float, list[Rule], tuple[float, float] | None]:
    """Where the axis ends, the rule at the crossing, and its band."""
    meet, beyond = curves.crossing, scaling.beyond
    onward = sizes[-1] * (ONWARD if any(one.holds for one in scaling.fits) else 1)
    if meet is not None and meet.at is not None:
        band = max(meet.low, sizes[0]), min(meet.high, sizes[-1])
        return onward, [Rule("x", meet.at, f"cross at {meet.at:.0f}")], band
    if beyond is None or np.isinf(beyond.low):
        return onward, [], None
    reach = [v for v in (beyond.at, beyond.low) if np.isfinite(v)]
    end = min(max(ONWARD * sizes[-1], 2 * max(reach)), FAR * sizes[-1])
    rules = [Rule("x", beyond.at, f"would cross at {beyond.at:.0f}, extrapolated")] if np.isfinite(beyond.at) else []
    return end, rules, (beyond.low, min(beyond.high, end))


def _fitted(one: Fit, end: float, tone: Tone) -> list[Series]:
    """The largest size as foretold; and the law from there on, if it holds."""
    series = []
    if one.holds:
        n = np.geomspace(one.sizes[-1], end, 30)
        path = [Mark(float(x), float(y), "") for x, y in zip(n, one.law.errors(n)[0], strict=True)]
        series.append(Series(tone, path, line=True, points=False, dash=DOTTED, listed=False))
    told = [
        Mark(
            t.size,
            t.predicted.value,
            f"{one.name}, {t.size:g} images per class as foretold by up to {t.up_to:g}: {with_interval(t.predicted)}",
        )
        for t in one.foretold[:1]
    ]
    return [*series, Series(tone, told, hollow=True)] if told else series


def _ticks(sizes: list[float], end: float) -> list[float]:
    further = [m * 10.0**d for d in range(9) for m in (1, 2, 5) if sizes[-1] * 1.9 < m * 10.0**d <= end]
    return [*sizes, *further]
