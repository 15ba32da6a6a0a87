"""Error under attack: against queries, and against how much may be changed; and what fools one, tried on another."""

from __future__ import annotations

from collections.abc import Sequence

from ...families import Tone
from ..analysis.attacked import at_the_end, epsilon_told_of, transferred
from ..analysis.contest import Contest
from ..analysis.robustness import Panel, Robustness, estimate
from ..numbers import named, percent
from .axes import Axis, around, errors, logarithmic
from .figure import Figure, Mark, MatrixFigure, lines
from .robustness import costs
from .wording import source, with_interval

NAMES = {"square": "", "noise": ", noise", "pgd": ", white-box"}  # behind a contender's name


def by_queries(contest: Contest, found: Robustness) -> Figure:
    """At the ε that is told of: Square attack, and noise drawn again and again."""
    epsilon = epsilon_told_of(found)
    drawn = []
    for panel in found.panels:
        for attack in ("square", "noise"):
            which = found.columns(attack=attack, epsilon=epsilon)
            at = [(float(found.conditions[i]["queries"]), str(found.conditions[i]["queries"]), [i]) for i in which]
            drawn.append(_line(contest, panel, attack, at, "after {} queries"))
    spent = sorted({mark.x for _, _, marks in drawn for mark in marks})
    return Figure(
        "attack-queries",
        costs(contest, found, "A Square attack", at_the_end(found, "square", epsilon)),
        f"Top-1 error under attack against queries spent, values changed by at most {epsilon} of 255.",
        logarithmic("queries spent on an image", spent[0], spent[-1] * 2.2, lambda v: f"{v:g}", [spent]),
        _errors([marks for _, _, marks in drawn]),
        lines(drawn, points=False),
        source=_source(contest, found),
        subtitle=f"Error against queries spent, pixels changed by at most {epsilon}/255",
    )


def by_epsilon(contest: Contest, found: Robustness, white: Robustness | None) -> Figure:
    """At the end of every budget; ``white``: of those that a white-box attack can be made on."""
    epsilons = sorted(found.values("epsilon"))
    most = max(e for e in epsilons if at_the_end(found, "square", e))
    drawn = []
    for panel, of, attacks in [
        *((p, found, ("square", "noise")) for p in found.panels),
        *((p, white, ("pgd",)) for p in (white.panels if white else ())),
    ]:
        for attack in attacks:
            assert of is not None
            ends = [(e, at_the_end(of, attack, e)) for e in epsilons]
            at = [(float(n + 1), f"{e}/255", columns) for n, (e, columns) in enumerate(ends) if columns]
            line = _line(contest, panel, attack, at, "changed by at most {}", plain=True)
            drawn.append(line)
    ticks = [(0.0, "none"), *((float(n + 1), f"{e}/255") for n, e in enumerate(epsilons))]
    return Figure(
        "attack-epsilon",
        costs(contest, found, f"A Square attack of {most}/255", at_the_end(found, "square", most)),
        "Top-1 error under attack against the largest change of a value.",
        Axis("largest change of a value", -0.15, len(epsilons) * 1.35, ticks),
        _errors([marks for _, _, marks in drawn]),
        lines(drawn, points=True),
        source=_source(contest, found),
        subtitle="Error against how much every value may be changed",
    )


def transfer(contest: Contest) -> MatrixFigure | None:
    """What fools one, tried on the others."""
    counted = transferred(contest)
    if counted is None:
        return None
    shown, counts = counted
    names = [contest.ranked[i].title for i in shown]
    shares = [[fooled / n if n else None for n, fooled in row] for row in counts]
    others = [(s, i, j) for i, row in enumerate(shares) for j, s in enumerate(row) if i != j and s is not None]
    title = summary = "What fools one contender, tried on the others."
    if others:
        most, i, j = max(others)
        summary += f" Most goes over from {names[i]} to {names[j]}: {percent(most, 0)}."
        title = f"{percent(most, 0)} of what fools {named(names[i])} fools {named(names[j])} too"
    return MatrixFigure(
        "transfer",
        title,
        summary,
        names,
        shares,
        texts=[["" if s is None else percent(s, 0) for s in row] for row in shares],
        tips=[
            [
                f"of {n:,} images made to fool {names[i]} that {names[j]} gets as they are, {fooled:,} fool it too"
                for j, (n, fooled) in enumerate(row)
            ]
            for i, row in enumerate(counts)
        ],
        rows_are="made for",
        columns_are="tried on",
        values_are="fooled",
        tone="ink",
        source=source(contest, "Shares of the images that fool the first and that the second gets as they are."),
        subtitle="What fools one, tried on another" if others else "",
    )


def _line(
    contest: Contest,
    panel: Panel,
    attack: str,
    at: Sequence[tuple[float, str, list[int]]],
    written: str,
    *,
    plain: bool = False,
) -> tuple[str, Tone, list[Mark]]:
    contender = contest.ranked[panel.contender]
    name = f"{contender.title}{NAMES[attack]}"
    marks = []
    for x, what, columns in [*([(0.0, "", [])] if plain else []), *at]:
        e = estimate(panel.mean(columns) if columns else panel.errors[:, 0])
        tip = f"{name}, {written.format(what) if columns else 'as they are'}: {with_interval(e)}"
        low, high = (e.low, e.high) if plain or (x, what, columns) == at[-1] else (None, None)
        marks.append(Mark(x, e.value, tip, "", low, high, at=what or "none"))
    return name, contender.tone, marks


def _errors(drawn: Sequence[list[Mark]]) -> Axis:
    values = [v for marks in drawn for mark in marks for v in (mark.low, mark.high) if v is not None]
    return errors("top-1 error", *around(values))


def _source(contest: Contest, found: Robustness) -> str:
    return source(contest, f"{found.images:,} images attacked; intervals: 95 %, bootstrap over images and seeds.")
