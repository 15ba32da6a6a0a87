"""Error against the amount of a change of the images, a line a contender."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..analysis.contest import Contest
from ..analysis.robustness import Robustness, estimate
from ..numbers import named, percent, points
from .axes import Axis, around, errors
from .figure import Figure, Mark, Rule, lines
from .wording import source, with_interval


def figure(
    contest: Contest,
    found: Robustness,
    key: str,
    cause: str,
    subtitle: str,
    label: str,
    groups: Sequence[tuple[str, Sequence[int]]],
    *,
    small: bool = False,
    written: Callable[[str], str] = str,
) -> Figure:
    """``groups``: what each place along the axis is called, and the conditions whose mean error stands there.

    The plain error stands before the first of them. ``cause``: what the title says costs something; ``label``: of the
    axis; ``written``: a place, in a tip.
    """
    drawn = []
    for panel in found.panels:
        contender = contest.ranked[panel.contender]
        plain = estimate(panel.errors[:, 0])
        levels = [("none", plain), *((name, estimate(panel.mean(columns))) for name, columns in groups)]
        marks = [
            Mark(
                float(x),
                e.value,
                f"{contender.title}, {'as they are' if x == 0 else written(name)}: {with_interval(e)}",
                "",
                e.low,
                e.high,
                at=name,
            )
            for x, (name, e) in enumerate(levels)
        ]
        drawn.append((contender.title, contender.tone, marks))
    values = [v for _, _, marks in drawn for mark in marks for v in (mark.low, mark.high) if v is not None]
    near = contest.chance <= max(values) + 0.1
    room = 1.45 if small else 1.3
    return Figure(
        key,
        costs(contest, found, cause, [i for _, columns in groups for i in columns]),
        f"Top-{contest.k} error, {label}.",
        Axis(
            label, -0.15, len(groups) * room, [(float(i), n) for i, n in enumerate(["none", *(g for g, _ in groups)])]
        ),
        errors(f"top-{contest.k} error", *around([*values, *([contest.chance] if near else [])])),
        lines(drawn, points=True),
        rules=[Rule("y", contest.chance, f"chance {percent(contest.chance)}", left=True)] if near else [],
        small=small,
        source=source(contest, f"{found.images:,} of the images; intervals: 95 %, bootstrap over images and seeds."),
        subtitle=subtitle,
    )


def costs(contest: Contest, found: Robustness, cause: str, columns: Sequence[int]) -> str:
    """Which of the two ``cause`` costs more, as ``analysis.robustness.contrast`` has it, for a title."""
    two = found.two(contest)
    if two is None:
        rise = estimate(found.panels[0].rise(columns))
        return f"{cause} costs {named(contest.ranked[found.panels[0].contender].name)} {points(rise.value)} points"
    gap = estimate(two[0].rise(columns) - two[1].rise(columns))
    one, other = (named(contest.ranked[panel.contender].title) for panel in (two if gap.value >= 0 else two[::-1]))
    if gap.low <= 0 <= gap.high:
        return f"{cause} costs {one} and {other} alike, as far as can be told"
    return f"{cause} costs {one} {points(abs(gap.value))} points more than {other}"
