"""The verdict: what the results say in a sentence, and what it rests on. Computed, never written by hand."""

from __future__ import annotations

from dataclasses import dataclass

from ...families import DEEP, FLOOR, HAND, PRETRAINED
from ...scoring.metrics import FEW_IMAGES
from ...scoring.power import images_needed
from ..numbers import about, corrected_p, counted, listed, named, percent, points
from .budget import fewer_pixels, still_learning, unlike
from .contest import Contender, Contest
from .estimate import Estimate
from .pairs import Pair

SIDES = {HAND: "best hand-engineered contender", DEEP: "best deep network"}


@dataclass(frozen=True)
class Verdict:
    """``headline`` for the first line of the page; ``more``: sentences of what is behind it; ``caveats``: limits."""

    headline: str
    more: list[str]
    caveats: list[str]


def verdict(contest: Contest) -> Verdict:
    """The verdict of one data set."""
    caveats = [*still_learning(contest), *fewer_pixels(contest), *_caveats(contest), *unlike(contest)]
    return Verdict(_headline(contest), _more(contest), caveats)


def setting(contest: Contest) -> str:
    """ "On these 200 classes with 100 training images each"."""
    classes, size = contest.dataset.n_classes, contest.per_class
    if size is None:
        return f"On these {classes:,} classes"
    about = "" if float(size).is_integer() else "about "
    return f"On these {classes:,} classes with {about}{size:,.0f} training images each"


def _headline(contest: Contest) -> str:
    if not contest.ranked:
        return f"No contender finished on {named(contest.dataset.title)}, so there is nothing to compare."
    where, measure = setting(contest), f"top-{contest.k} error"
    first, error = contest.ranked[0], contest.errors[0]
    headline_pair = contest.headline_pair
    if headline_pair is None:
        return (
            f"{where}, {named(first.name)} makes {percent(error.value)} {measure} "
            f"({_range(error)}); nothing else {'finished' if contest.undone else 'was run'} to compare it with."
        )
    pair = contest.pair(*headline_pair)
    a, b = sorted(headline_pair)
    leader, other = contest.ranked[a], contest.ranked[b]
    if pair is not None and flawless(contest):
        assert contest.labels is not None
        return (
            f"{where}, {_called(leader, contest)} and {_called(other, contest)} both make no error on "
            f"{counted(len(contest.labels), 'image')}."
        )
    if pair is None:
        gap = points(contest.errors[b].value - contest.errors[a].value)
        return (
            f"{where}, {_called(leader, contest)} is ahead of {_called(other, contest)} by {gap} points of {measure}; "
            "without stored predictions nobody can say whether that is more than luck."
        )
    p = corrected_p(pair.p, pair.p_corrected, contest.candidates)
    if not pair.told_apart:
        return (
            f"{where}, {_called(leader, contest)} and {_called(other, contest)} cannot be told apart: "
            f"{percent(contest.errors[a].value)} and {percent(contest.errors[b].value)} {measure}, a difference of "
            f"{points(pair.gap.value)} points ({_points_range(pair.gap)}), {p}."
        )
    return (
        f"{where}, {_called(leader, contest)} leads {_called(other, contest)} by {points(pair.gap.value)} points of "
        f"{measure} ({_points_range(pair.gap)}), {p}."
    )


def flawless(contest: Contest) -> bool:
    """Whether neither of the two set against each other misses an image: there is no difference to speak of."""
    return contest.headline_pair is not None and all(contest.errors[i].value == 0 for i in contest.headline_pair)


def _called(contender: Contender, contest: Contest) -> str:
    """The name, with its side where the two sides are what is compared."""
    if contest.both_sides and contender.family in SIDES:
        return f"the {SIDES[contender.family]} ({named(contender.name)})"
    return named(contender.name)


def _more(contest: Contest) -> list[str]:
    if not contest.ranked:
        return []
    out = []
    first, error, headline_pair = contest.ranked[0], contest.errors[0], contest.headline_pair
    if headline_pair and 0 not in headline_pair:
        out.append(f"Best of all is {named(first.name)} ({first.family}) with {percent(error.value)} error.")
    out += _elsewhere(contest)
    pair = contest.pair(*headline_pair) if headline_pair else None
    if pair and not flawless(contest):
        out += _choice(contest)
    if pair and not pair.told_apart and not flawless(contest):
        out += _would_need(pair, contest)
    if pair and headline_pair and contest.both_sides and not flawless(contest):
        hits = contest.mean_hits
        a, b = (hits[contest.paired.index(i)] for i in headline_pair)
        both_miss = float(((1 - a) * (1 - b)).mean())
        out.append(
            f"The two see differently: {percent(float((a * (1 - b)).mean()))} of the images only "
            f"{named(contest.ranked[headline_pair[0]].name)} gets, {percent(float((b * (1 - a)).mean()))} only "
            f"{named(contest.ranked[headline_pair[1]].name)}; both miss {percent(both_miss)}."
        )
    families = {c.family for c in contest.ranked}
    started = {record.family for record in contest.undone} | {c.family for c in contest.smaller}
    for family, example in ((HAND, "sift-fisher"), (DEEP, "alexnet")):
        if family in families:
            continue
        if family in started:
            out.append(f"No {family} contender finished, so the two sides are not compared.")
        else:
            out.append(f"No {family} contender was run; add -m {example} to compare the two sides.")
    return out


def _elsewhere(contest: Contest) -> list[str]:
    """Who has learned from other images than these, and what that means."""
    names = dict.fromkeys(named(c.name) for c in contest.ranked if c.family == PRETRAINED)
    if not names:
        return []
    has, counts = ("has", "it counts") if len(names) == 1 else ("have", "they count")
    return [f"{listed(list(names))} {has} seen other images as well (pre-trained), so {counts} on neither side."]


def _choice(contest: Contest) -> list[str]:
    """That the two were chosen by the images that compare them, and what that costs."""
    others = dict.fromkeys(named(contest.ranked[i].name) for side in contest.rivals for i in side[1:])
    if others:
        some = listed(list(others)) if len(others) <= 4 else f"{len(others)} others"
        return [
            f"The images that compare the two also chose them, and {some} might as well have stood here: the interval "
            f"and p allow for {contest.candidates} candidates in two places."
        ]
    aside = {FLOOR, PRETRAINED} - {contest.ranked[i].family for i in contest.headline_pair or ()}
    pool = {HAND, DEEP} if contest.both_sides else {c.family for c in contest.ranked} - aside
    if sum(c.family in pool for c in contest.ranked) <= 2:
        return []
    return [
        "The images that compare the two also chose them, but nobody else comes close, so the interval need not be "
        "wider."
    ]


HIDDEN = 0.01  # the true difference that is taken where none is seen


def _would_need(pair: Pair, contest: Contest) -> list[str]:
    assert contest.labels is not None
    n = len(contest.labels)
    if pair.gap.value == 0:
        said = "They miss equally many images here"
        least = max(-pair.gap.low, pair.gap.high)
        said += f", but the true difference may be as large as {points(least)} points."
        discordant = max((pair.only_a + pair.only_b) / n, HIDDEN)
        a, b = (round(10**6 * (discordant + sign * HIDDEN) / 2) for sign in (1, -1))
        needed = images_needed(a, b, 10**6, pair.level)
        if needed is not None and all(contest.ranked[i].seeds == 1 for i in (pair.a, pair.b)):
            said += f" One of a single point would take about {about(needed)} images to show four times in five."
        return [said]
    if pair.needed is None:
        several = any(contest.ranked[i].seeds > 1 for i in (pair.a, pair.b))
        several = several and contest.difference(pair.a, pair.b).needed(pair.level) is None
        return ["Training runs differ too much for more images to decide it; more seeds might."] if several else []
    return [
        f"If the difference seen is the true one, about {about(pair.needed)} validation images would show it "
        f"four times in five; there are {n:,}."
    ]


def _caveats(contest: Contest) -> list[str]:
    dataset, out = contest.dataset, []
    if dataset.layout == "photos" or dataset.name.split("[")[0] == "photos":
        out.append(
            "This data set is a demonstration: each class is one photograph, and the images are crops of it. "
            "It shows that the path works; it says nothing about ImageNet."
        )
    out += [note for note in dataset.notes if note.startswith("Leakage:")]
    if dataset.limited:
        out.append("This run was cut short with --limit: its numbers are a trial and not comparable with any other.")
    if not contest.ranked:
        return out
    n = int(contest.ranked[0].mean("n") or dataset.n_val)
    if n < FEW_IMAGES:
        width = max((e.high - e.low for e in contest.errors), default=0.0)
        out.append(
            f"{n:,} validation images are few: a single error is known to within {points(width / 2)} points or so "
            "on either side."
        )
    if contest.k == 1:
        out.append(f"With {dataset.n_classes} classes a top-5 error says little, so top-1 decides here.")
    if all(c.seeds == 1 for c in contest.ranked):
        out.append("One training run each: intervals cover other images like these, not another training run.")
    unclear = [
        named(c.name)
        for c, e in zip(contest.ranked, contest.errors, strict=True)
        if e.high >= contest.chance and c.family != FLOOR
    ]
    if unclear:
        out.append(f"Not clear of chance ({percent(contest.chance)} error): {', '.join(unclear)}.")
    if contest.undone:
        out.append(
            f"{len(contest.undone)} of {len(contest.undone) + sum(c.seeds for c in contest.ranked + contest.smaller)} "
            "cells did not finish; they are listed with their reasons."
        )
    return out


def _range(error: Estimate) -> str:
    return f"{100 * error.low:.1f} to {100 * error.high:.1f}"


def _points_range(gap: Estimate) -> str:
    return f"{points(gap.low)} to {points(gap.high)}"
