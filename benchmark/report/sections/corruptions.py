"""When images are damaged: the answers to the probe ``corruptions``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...families import FLOOR
from ...scoring.resampling import interval, resampled_errors
from ..analysis.asked import Answer, answers, error, rise
from ..analysis.contest import Contest
from ..charts import corruptions
from ..numbers import named, percent, points
from ..tables import Column, Table, Value, number
from .parts import Charts, Numbers, Part, Section, Text


class Corruptions:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where the probe was not asked."""
        asked = answers(contest, "corruption")
        figure = corruptions.figure(contest, asked) if asked else None
        if figure is None:
            return None
        images = len(asked[0].labels)
        protocol = (
            f"Kinds and severities after Hendrycks and Dietterich (2019), made here, on {images:,} validation images, "
            "the same for every contender. Each was trained on images as they are."
        )
        parts: list[Part] = [Charts([figure]), Numbers(by_kind(contest, asked)), Text([protocol], "small")]
        return Section("corruptions", "When images are damaged", sentence(contest, asked), parts, "Damage")


def sentence(contest: Contest, asked: Sequence[Answer]) -> str:
    """Who gives way more, by how much, and whether that is more than chance."""
    by_contender = _by_contender(asked)
    shown = [i for i in by_contender if contest.ranked[i].family != FLOOR]
    pair = contest.headline_pair
    first, *rest = [i for i in pair or () if i in by_contender] or shown
    told = "; ".join(_told(contest, i, by_contender[i]) for i in [first, *rest[:1]])
    if not rest:
        return f"{told}."
    one, other = by_contender[first], by_contender[rest[0]]
    gap = rise(one) - rise(other)
    low, high = interval(1 - resampled_errors([gap[None]], one[0].labels, rounds=1000)[:, 0])
    more, less = (first, rest[0]) if gap.mean() >= 0 else (rest[0], first)
    size = f"{points(abs(float(gap.mean())))} points"
    bounds = sorted((abs(low), abs(high)))
    if low <= 0 <= high:
        return f"{told}. Which of the two loses more cannot be told on {len(one[0].labels):,} images."
    return (
        f"{told}. {named(contest.ranked[more].name)} loses {size} more than {named(contest.ranked[less].name)} "
        f"({points(bounds[0])} to {points(bounds[1])})."
    )


def _told(contest: Contest, i: int, those: Sequence[Answer]) -> str:
    damaged = float(np.mean([1 - answer.hits.mean() for answer in those]))
    plain = 1 - float(those[0].plain.mean())
    name = named(contest.ranked[i].name)
    return f"{name} errs on {percent(plain)} of them as they are and on {percent(damaged)} damaged"


def _by_contender(asked: Sequence[Answer]) -> dict[int, list[Answer]]:
    out: dict[int, list[Answer]] = {}
    for answer in asked:
        out.setdefault(answer.contender, []).append(answer)
    return out


def by_kind(contest: Contest, asked: Sequence[Answer]) -> Table:
    """Each kind of damage: the mean error over its severities, a column a contender."""
    by_contender = _by_contender(asked)
    kinds = list(dict.fromkeys(str(answer.condition["corruption"]) for answer in asked))
    columns = [Column("damage")]
    for i in by_contender:
        help = f"mean top-{contest.k} error over the severities"
        columns += [Column(contest.ranked[i].name, True, help), Column("95 %", True)]
    rows = []
    for kind in ["none", *kinds]:
        row = [Value(kind)]
        for mine in by_contender.values():
            hits = [mine[0].plain] if kind == "none" else [a.hits for a in mine if a.condition["corruption"] == kind]
            if not hits:
                row += [number("–", None), number("–", None)]
                continue
            e = error(np.mean(hits, axis=0, dtype=np.float32), mine[0].labels)
            row += [number(percent(e.value), e.value), number(f"{100 * e.low:.1f}–{100 * e.high:.1f}", e.high)]
        rows.append(row)
    return Table("damage", "Error by kind of damage", columns, rows)
