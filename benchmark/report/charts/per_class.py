"""Every class: the error of one side against the error of the other."""

from __future__ import annotations

import numpy as np

from ...families import Tone
from ..analysis.contest import Contest
from ..labels import labels
from ..numbers import counted, named, percent, short, shortened
from .axes import errors
from .figure import Figure, Mark, Series
from .wording import source


def figure(contest: Contest) -> Figure | None:
    """Classes at the same place make a larger mark. None where the two sides have no predictions."""
    if contest.headline_pair is None or not {*contest.headline_pair} <= {*contest.paired}:
        return None
    x, y = (contest.class_errors(i) for i in contest.headline_pair)
    names = labels(contest.dataset)
    at: dict[tuple[float, float], list[int]] = {}
    for c in np.flatnonzero(~np.isnan(x)):
        at.setdefault((round(float(x[c]), 4), round(float(y[c]), 4)), []).append(int(c))
    a, b = (contest.ranked[i] for i in contest.headline_pair)
    sides: dict[Tone, list[Mark]] = {}
    for (ex, ey), members in sorted(at.items()):
        listed = ", ".join(short(names[c], 40) for c in members[:6]) + (
            f" and {len(members) - 6} more" if len(members) > 6 else ""
        )
        tip = f"{listed}: {a.title} {percent(ex, 0)}, {b.title} {percent(ey, 0)}"
        # A mark takes the colour of the side that is better there.
        tone: Tone = "ink" if ex == ey else a.tone if ex < ey else b.tone
        of = f"of={'.'.join(map(str, members))}"
        weight = min(len(members), 12) ** 0.9 * 0.8
        sides.setdefault(tone, []).append(Mark(ex, ey, tip, weight=weight, opens=of))
    better, worse = int(np.sum(x < y)), int(np.sum(y < x))
    said = f"{named(a.title)} is better on {counted(better, 'class')}, {named(b.title)} on {worse or 'none'}."
    if not better and not worse:
        said = f"{named(a.title)} and {named(b.title)} make the same error in every class."
    across, up = shortened([a.title, b.title], 60)
    return Figure(
        "per-class",
        said.removesuffix("."),
        f"Per-class top-{contest.k} error. {said}",
        errors(f"{across}: error", 0, 1),
        errors(f"{up}: error", 0, 1),
        [Series(tone, marks) for tone, marks in sides.items()],
        diagonal=True,
        square=True,
        source=source(
            contest,
            f"Top-{contest.k} error; a mark is drawn as the side that errs less there, a larger one holds "
            "several classes.",
        ),
        subtitle=f"Top-{contest.k} error of every class: one side against the other",
        key_to=[
            (tone, f"{short(name, 40)} errs less" if name else "alike")
            for tone, name in ((a.tone, a.title), (b.tone, b.title), ("ink", ""))
            if tone in sides
        ],
    )
