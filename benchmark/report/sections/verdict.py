"""The first screen: the verdict in a sentence, both errors, the ranking, and the limits of the result."""

from __future__ import annotations

from ...families import DEEP, HAND, tone_of
from ..analysis.contest import Contest
from ..analysis.verdict import SIDES, flawless, verdict
from ..charts import ranking
from ..numbers import about, named, percent, points, short
from ..page.html import snippet
from .parts import Charts, Html, Part, Section, Text


class FirstScreen:
    """See the module."""

    def build(self, contest: Contest) -> Section:
        """Always there."""
        said = verdict(contest)
        header = snippet("verdict.html", contest=contest, verdict=said, cards=cards(contest))
        parts: list[Part] = [Html(header)]
        figure = ranking.figure(contest)
        if figure is not None:
            heading = f"{figure.measure.capitalize()}, with 95 % intervals"
            parts.append(Charts([figure], [c.family for c in contest.ranked], heading))
            lines = groups(contest)
            parts += [Text(lines, "ties")] if lines else []
        if said.caveats:
            parts.append(Text(said.caveats, "caveats"))
        return Section("ranking", said.headline, parts=parts, framed=False)


def cards(contest: Contest) -> list[dict[str, str]]:
    """The four numbers of the first screen."""
    out = []
    for family in (HAND, DEEP):
        i = contest.best(family)
        if i is not None:
            e = contest.errors[i]
            note = f"{short(contest.ranked[i].name, 40)}, {100 * e.low:.1f} to {100 * e.high:.1f}"
            label = SIDES[family].replace("contender", "").strip().capitalize()
            out.append({"tone": tone_of(family), "label": label, "value": percent(e.value), "note": note})
    pair = contest.pair(*contest.headline_pair) if contest.headline_pair else None
    if pair and not flawless(contest):
        note = f"points, {points(pair.gap.low)} to {points(pair.gap.high)}"
        out.append({"tone": "", "label": "Difference", "value": points(pair.gap.value), "note": note})
        a, b = (contest.mean_hits[contest.paired.index(i)] for i in (pair.a, pair.b))
        missed = float(((1 - a) * (1 - b)).mean())
        out.append({"tone": "", "label": "Missed by both", "value": percent(missed), "note": "of the images"})
    return out


def groups(contest: Contest) -> list[str]:
    """The tie groups in words."""
    words = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"}
    out, images = [], 0 if contest.labels is None else len(contest.labels)
    for first, last in contest.groups:
        m = last - first + 1
        names = [named(contest.ranked[i].name) for i in range(first, last + 1)]
        listed = f"{', '.join(names[:-1])} and {names[-1]}" if m <= 6 else f"from {names[0]} to {names[-1]}"
        pair = contest.pair(first, last)
        needed = (
            f" About {about(pair.needed)} images would tell the first from the last." if pair and pair.needed else ""
        )
        out.append(f"These {words.get(m, str(m))} cannot be told apart on {images:,} images: {listed}.{needed}")
    if len(out) > 4:
        out = [*out[:3], f"{len(out) - 3} more groups overlap further down; the table of pairs has every test."]
    if not out and contest.pairs:
        out.append("Every pair of contenders can be told apart (p < 0.05 after correction).")
    return out
