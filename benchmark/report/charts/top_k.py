"""Error as more guesses are allowed."""

from __future__ import annotations

from dataclasses import replace

from ...families import FLOOR, tone_of
from ..analysis.contest import Contest
from ..numbers import named, percent
from .axes import Axis, errors
from .figure import Figure, Mark, lines
from .wording import source


def figure(contest: Contest) -> Figure | None:
    """Error at k = 1…20, of eight contenders at most; None without predictions or with two classes."""
    shown = [i for i in contest.paired if contest.ranked[i].family != FLOOR]
    if not shown or contest.dataset.n_classes < 3:
        return None
    most = min(20, contest.dataset.n_classes - 1)
    chosen = shown if len(shown) <= 8 else sorted({*shown[:5], *(contest.headline_pair or ())})
    drawn = []
    for i in chosen:
        contender = contest.ranked[i]
        missed = [(k, 1 - float(contender.hits(k).mean())) for k in range(1, most + 1)]
        marks = [Mark(k, e, f"{contender.title}, k = {k}: {percent(e)}") for k, e in missed]
        drawn.append((contender.title, contender.tone, marks))
    levels = [(k, 1 - k / contest.dataset.n_classes) for k in range(1, most + 1)]
    chance = ("chance", tone_of(FLOOR), [Mark(k, e, f"chance, k = {k}: {percent(e)}") for k, e in levels])
    # Room for the names, which stand to the left of the lines: their share of the width, at about 7 px a character.
    longest = max(len(name) for name, _, _ in [*drawn, chance])
    share = min((7.2 * longest + 16) / 350, 0.36)
    ticks = [k for k in (1, 5, 10, 15, 20) if k <= most] if most >= 5 else range(1, most + 1)
    return Figure(
        "top-k",
        _title(contest, shown[0], most),
        f"Error when the truth may be among the k best guesses, k from 1 to {most}.",
        Axis("guesses allowed (k)", 1 - (most - 1) * share / (1 - share), most + 0.5, [(k, str(k)) for k in ticks]),
        errors("error", 0, 1),
        [*lines(drawn, named=0), *(replace(s, listed=False) for s in lines([chance], named=0))],
        small=True,
        source=source(contest, "" if len(chosen) == len(shown) else f"{len(chosen)} of {len(shown)} contenders."),
        subtitle="Error as more guesses are allowed",
    )


def _title(contest: Contest, i: int, most: int) -> str:
    """What more guesses do for the best."""
    k = min(5, most)
    one, several = (1 - float(contest.ranked[i].hits(n).mean()) for n in (1, k))
    name = named(contest.ranked[i].title)
    return f"{name} errs on {percent(one, 0)} with one guess, on {percent(several, 0)} with {k}"
