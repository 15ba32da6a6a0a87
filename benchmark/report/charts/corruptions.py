"""Error against the severity of damage, a line a contender: the mean over the kinds of damage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...families import FLOOR
from ..analysis.asked import Answer, error
from ..analysis.contest import Contest
from ..numbers import percent
from .axes import Axis, around, errors
from .figure import Figure, Mark, Rule, lines
from .wording import source, with_interval


def figure(contest: Contest, answers: Sequence[Answer]) -> Figure | None:
    """None where nobody but a floor was asked."""
    drawn = []
    for i in dict.fromkeys(answer.contender for answer in answers):
        contender, mine = contest.ranked[i], [answer for answer in answers if answer.contender == i]
        if contender.family == FLOOR:
            continue
        levels = {0: [mine[0].plain]}
        for answer in mine:
            levels.setdefault(int(answer.condition["severity"]), []).append(answer.hits)
        marks = []
        for severity, hits in sorted(levels.items()):
            e = error(np.mean(hits, axis=0, dtype=np.float32), mine[0].labels)
            what = f"severity {severity}" if severity else "as they are"
            marks.append(Mark(severity, e.value, f"{contender.name}, {what}: {with_interval(e)}", "", e.low, e.high))
        drawn.append((contender.name, contender.family, marks))
    if not drawn:
        return None
    marks = [mark for _, _, some in drawn for mark in some]
    values = [v for mark in marks for v in (mark.low, mark.high) if v is not None]
    most, kinds = max(mark.x for mark in marks), {answer.condition["corruption"] for answer in answers}
    ticks = [(float(s), "none" if s == 0 else str(s)) for s in range(int(most) + 1)]
    rules = (
        [Rule("y", contest.chance, f"chance {percent(contest.chance)}")] if contest.chance <= max(values) + 0.1 else []
    )
    return Figure(
        "corruptions",
        "Error as the images are damaged",
        f"Top-{contest.k} error against the severity of damage, the mean over {len(kinds)} kinds of it.",
        Axis("severity of the damage", -0.15, most * 1.3, ticks, text=lambda v: f"{v:g}"),
        errors(f"top-{contest.k} error", *around(values)),
        lines(drawn, points=True),
        rules=rules,
        source=source(contest, f"{len(answers[0].labels):,} images; intervals: 95 %, bootstrap over images."),
    )
