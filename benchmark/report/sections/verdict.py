"""The first screen: the verdict as a person would say it, both rivals, their difference, the ranking, the limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...families import DEEP, HAND, family_of
from ..analysis.contest import Contest
from ..analysis.titles import terms, what_it_is
from ..analysis.verdict import flawless, verdict
from ..charts import difference, ranking
from ..charts.svg import inline
from ..labels import labels
from ..numbers import NBSP, about, named, percent, points, short
from ..page.html import snippet
from .parts import Charts, Html, Part, Section, Text
from .pictures import address

SIDES = {HAND: "Best hand-engineered", DEEP: "Best deep network"}
STRIP = 20  # pictures, one of a class
DIFFERENCE = 380  # px that the drawing of the difference is made for


class FirstScreen:
    """See the module."""

    def build(self, contest: Contest) -> Section:
        """Always there."""
        said = verdict(contest)
        tiles = rivals(contest)
        header = snippet(
            "verdict.html", contest=contest, verdict=said, tiles=tiles, gap=gap(contest), strip=strip(contest)
        )
        parts: list[Part] = [Html(header)]
        figure = ranking.figure(contest)
        if figure is not None:
            heading = f"Top-{contest.k} error, with 95 % intervals"
            parts.append(Charts([figure], [c.family for c in contest.ranked], heading))
            who: dict[str, list[Tile]] = {}
            for one in contenders(contest):
                who.setdefault(one.line, []).append(one)
            parts.append(Html(snippet("who.html", who=who, terms=terms([*contest.titles, *who]))))
            parts.append(Text([*said.more, *groups(contest)], "ties"))
        if said.small:
            parts.append(Text(said.small, "caveats"))
        return Section("ranking", said.headline, parts=parts, framed=False)


@dataclass(frozen=True)
class Tile:
    """One of the two that are compared. ``spec``: what a command calls it; ``line``: what it is; ``first``: its top-1
    error, where the page counts in more guesses."""

    tone: str
    label: str
    value: str
    name: str
    spec: str
    interval: str
    line: str = ""
    first: str = ""


def rivals(contest: Contest) -> list[Tile]:
    """A tile for each of the two, whatever side they are on; for the only contender where there is one."""
    pair = contest.headline_pair or ((0,) if contest.ranked else ())
    return [_tile(contest, i) for i in pair]


def _tile(contest: Contest, i: int) -> Tile:
    c, e = contest.ranked[i], contest.errors[i]
    own = [j for j, other in enumerate(contest.ranked) if other.family == c.family]
    best = own[0] == i and len(own) > 1
    label = SIDES.get(c.family, "") if contest.both_sides else ""
    label = label or f"{'Best ' if best else ''}{family_of(c.family).label}"
    return Tile(
        c.tone,
        f"{label[0].upper()}{label[1:]}",
        percent(e.value),
        short(contest.titles[i], 60),
        c.name,
        f"{100 * e.low:.1f}{NBSP}to{NBSP}{100 * e.high:.1f}",
        what_it_is(c.spec),
        "" if contest.k == 1 else percent(c.mean("top1_err") or 0.0),
    )


def contenders(contest: Contest) -> list[Tile]:
    """What each of the ranked is, in a line; without those of which nothing is known."""
    found = [_tile(contest, i) for i in range(len(contest.ranked))]
    return [tile for tile in found if tile.line]


def gap(contest: Contest) -> dict[str, object] | None:
    """The difference of the two: its number, its interval and its drawing."""
    pair = contest.pair(*contest.headline_pair) if contest.headline_pair else None
    if pair is None or flawless(contest):
        return None
    drawn = difference.sheet(contest, DIFFERENCE)
    assert drawn is not None
    return {
        "value": points(pair.gap.value),
        "interval": f"{points(pair.gap.low)} to {points(pair.gap.high)}",
        "drawing": inline(drawn, DIFFERENCE),
    }


def strip(contest: Contest) -> list[tuple[str, str]]:
    """(class, picture as a data URL): one image a class, of at most ``STRIP`` classes; none where none are stored."""
    if contest.ids is None or contest.labels is None:
        return []
    stored = contest.pictures()
    if not stored:
        return []
    names, first = labels(contest.dataset), dict[int, bytes]()
    for name, label in zip(contest.ids.to_pylist(), contest.labels.tolist(), strict=True):
        if name in stored and label not in first:
            first[label] = stored[name]
    pictured = sorted(first)
    chosen = pictured
    if len(pictured) > STRIP:
        chosen = [pictured[i] for i in np.linspace(0, len(pictured) - 1, STRIP).round().astype(int)]
    return [(names[c], address(first[c])) for c in chosen]


def groups(contest: Contest) -> list[str]:
    """The tie groups in words."""
    words = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"}
    out, images = [], 0 if contest.labels is None else len(contest.labels)
    for first, last in contest.groups:
        m = last - first + 1
        names = [named(contest.titles[i]) for i in range(first, last + 1)]
        listed = f"{', '.join(names[:-1])} and {names[-1]}" if m <= 6 else f"from {names[0]} to {names[-1]}"
        pair = contest.pair(first, last)
        said = {first, last} == {*(contest.headline_pair or ())}  # among what stands behind the verdict
        needed = (
            f" About {about(pair.needed)} images would tell {'them apart' if m == 2 else 'the first from the last'}."
            if pair and pair.needed and not said
            else ""
        )
        out.append(f"These {words.get(m, str(m))} cannot be told apart on {images:,} images: {listed}.{needed}")
    if len(out) > 4:
        out = [*out[:3], f"{len(out) - 3} more groups overlap further down; the table of pairs has every test."]
    if not out and contest.pairs:
        out.append("Every pair of contenders can be told apart (p < 0.05 after correction).")
    return out
