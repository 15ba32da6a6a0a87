"""What it takes to fool each: the answers to the probes ``attack`` and ``transfer``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..analysis.asked import Told, told, unasked
from ..analysis.attacked import at_the_end, attacked, epsilon_told_of
from ..analysis.contest import Contest
from ..analysis.robustness import Robustness, between, contrast, estimate
from ..charts import attack
from ..labels import labels
from ..numbers import named, percent, points
from ..tables import Column, Table, number, who
from .parts import Charts, Heading, Numbers, Part, Section, Text
from .pictures import Picture, decoded, gallery, may_be_shown, png

EXAMPLES = 2  # of each side
GREY = 128.0


class Attack:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where the probe was not asked."""
        found = attacked(contest)
        if found is None or not (epsilon := epsilon_told_of(found)):
            return None
        white = attacked(contest, ("pgd",))
        parts: list[Part] = [Charts([attack.by_queries(contest, found), attack.by_epsilon(contest, found, white)])]
        matrix = attack.transfer(contest)
        parts += [] if matrix is None else [Charts([matrix])]
        parts += pictures(contest)
        parts += [
            Numbers(by_epsilon(contest, found, white)),
            Text([protocol(contest, found, white), *unasked(contest, [p.contender for p in found.panels])], "small"),
        ]
        return Section("attack", "What it takes to fool each", sentence(contest, found, epsilon), parts, "Attack")


def sentence(contest: Contest, found: Robustness, epsilon: int) -> str:
    """Who breaks first, by how much, and what noise of the same size does."""
    square, noise = (at_the_end(found, name, epsilon) for name in ("square", "noise"))
    queries = found.conditions[square[0]]["queries"]
    cause = f"A Square attack ({queries} queries, pixels changed by at most {epsilon}/255)"
    said = contrast(contest, found, cause, "", square)
    two = found.two(contest) or found.panels[:1]
    costs = " and ".join(
        f"{named(contest.ranked[panel.contender].title)} {points(estimate(panel.rise(noise)).value)}" for panel in two
    )
    draws = found.conditions[noise[0]]["queries"]
    return f"{said} The best of {draws} draws of noise of that size costs {costs} points."


def by_epsilon(contest: Contest, found: Robustness, white: Robustness | None) -> Table:
    """Errors of each contender at each ε, at the end of each budget."""
    columns = [
        Column("contender"),
        Column("ε, of 255", True),
        Column("as they are", True, "top-1 error"),
        Column("noise", True, "uniform, the best of its draws"),
        Column("95 %", True),
        Column("Square attack", True, "from scores alone"),
        Column("95 %", True),
        Column("white-box", True, "PGD: sees the weights, so for contenders with a gradient only"),
        Column("95 %", True),
    ]
    rows = []
    for panel in found.panels:
        contender = contest.ranked[panel.contender]
        seen = white.panel(panel.contender) if white is not None else None
        for epsilon in sorted(found.values("epsilon")):
            row = [who(contender), number(str(epsilon), epsilon)]
            plain = float(panel.errors[0, 0])
            row.append(number(percent(plain), plain))
            for one, of, name in ((panel, found, "noise"), (panel, found, "square"), (seen, white, "pgd")):
                which = [] if one is None or of is None else at_the_end(of, name, epsilon)
                if one is None or not which:
                    row += [number("–", None), number("–", None)]
                    continue
                e = estimate(one.mean(which))
                row += [number(percent(e.value), e.value), between(e)]
            rows.append(row)
    return Table("attack", "Top-1 error under attack", columns, rows)


def protocol(contest: Contest, found: Robustness, white: Robustness | None) -> str:
    """How it was done, and who has no gradient."""
    without = [
        named(contest.ranked[p.contender].title) for p in found.panels if not white or not white.panel(p.contender)
    ]
    queries = max(int(str(one["queries"])) for one in found.conditions)
    said = (
        f"Square attack of Andriushchenko et al. (2020) on {found.images:,} images in whole values of 0 to 255, from "
        f"scores alone and so alike for every contender; {queries:,} queries, where the paper has 10,000: the errors "
        "are lower bounds. "
    )
    if white is not None:
        said += (
            "White-box: projected gradient descent (Madry et al. 2018), which no comparison of the two sides rests on"
        )
        return said + (f"; no gradient: {', '.join(without)}." if without else ".")
    return f"{said}No white-box attack: no contender here gives a gradient."


def pictures(contest: Contest) -> list[Part]:
    """Image, what was added, and the sum, with the answers of both sides; none where pictures may not be shown."""
    pair = contest.headline_pair
    if pair is None or not may_be_shown(contest):
        return []
    attacks = {one.contender: one for one in reversed(told(contest, "attack"))}
    others = {one.contender: one for one in reversed(told(contest, "transfer"))}
    shown = []
    for source, other in (pair, pair[::-1]):
        if source not in attacks:
            continue
        for row in attacks[source].rows("examples")[:EXAMPLES]:
            shown += _three(contest, source, other, row, attacks, others)
    if not shown:
        return []
    return [Heading("The smallest change that was found"), gallery("", shown, across=3)]


def _three(
    contest: Contest, source: int, other: int, row: dict[str, Any], attacks: dict[int, Told], others: dict[int, Told]
) -> list[Picture]:
    """The image, the change around grey, and the changed image."""
    before, after = (decoded(row[name]).astype(float) for name in ("clean", "perturbed"))
    magnified = np.clip(GREY + (after - before) * (GREY - 1) / max(row["epsilon"], 1), 0, 255)
    times = round((GREY - 1) / max(row["epsilon"], 1))
    classes, mine, theirs = (labels(contest.dataset), *(named(contest.ranked[i].title) for i in (source, other)))
    tone = contest.ranked[source].tone
    plain = _answer(attacks.get(other), "clean", image=row["image"])
    tried = _answer(others.get(other), "examples", image=row["image"], source=contest.ranked[source].spec)
    also = [f"; {theirs}: {classes[answer]}" if answer is not None else "" for answer in (plain, tried)]
    return [
        Picture(row["clean"], classes[row["label"]], f"{mine}: {classes[row['label']]}{also[0]}"),
        Picture(
            png(np.rint(magnified).astype(np.uint8)),
            f"± {row['epsilon']}/255",
            f"the change, × {times}, found after {row['queries']} queries",
        ),
        Picture(row["perturbed"], f"{mine}: {classes[row['answer']]}", also[1].removeprefix("; "), tone),
    ]


def _answer(one: Told | None, table: str, **where: Any) -> int | None:
    rows = [] if one is None else one.rows(table)
    return next((int(row["answer"]) for row in rows if all(row[name] == v for name, v in where.items())), None)
