"""The verdict: what the results say in a sentence, and what it rests on. Computed, never written by hand."""

from __future__ import annotations

from dataclasses import dataclass

from ..families import DEEP, HAND
from ..scoring.metrics import FEW_IMAGES
from .numbers import about, corrected_p, counted, named, percent, points
from .study import Contender, Estimate, Pair, Study

SIDES = {HAND: "best hand-engineered contender", DEEP: "best deep network"}


@dataclass(frozen=True)
class Verdict:
    """``headline`` for the first line of the page; ``more``: sentences of what is behind it; ``caveats``: limits."""

    headline: str
    more: list[str]
    caveats: list[str]


def verdict(study: Study) -> Verdict:
    """The verdict of one data set."""
    return Verdict(_headline(study), _more(study), _caveats(study))


def setting(study: Study) -> str:
    """ "On these 200 classes with 100 training images each"."""
    classes, size = study.dataset.n_classes, study.per_class
    if size is None:
        return f"On these {classes:,} classes"
    about = "" if float(size).is_integer() else "about "
    return f"On these {classes:,} classes with {about}{size:,.0f} training images each"


def _headline(study: Study) -> str:
    if not study.ranked:
        return f"No contender finished on {named(study.dataset.title)}, so there is nothing to compare."
    where, measure = setting(study), f"top-{study.k} error"
    first, error = study.ranked[0], study.errors[0]
    duel = study.duel
    if duel is None:
        return (
            f"{where}, {named(first.name)} makes {percent(error.value)} {measure} "
            f"({_range(error)}); nothing else {'finished' if study.undone else 'was run'} to compare it with."
        )
    pair = study.pair(*duel)
    a, b = sorted(duel)
    leader, other = study.ranked[a], study.ranked[b]
    if pair is not None and flawless(study):
        assert study.labels is not None
        return (
            f"{where}, {_called(leader, study)} and {_called(other, study)} both make no error on "
            f"{counted(len(study.labels), 'image')}."
        )
    if pair is None:
        gap = points(study.errors[b].value - study.errors[a].value)
        return (
            f"{where}, {_called(leader, study)} is ahead of {_called(other, study)} by {gap} points of {measure}; "
            "without stored predictions nobody can say whether that is more than luck."
        )
    p = corrected_p(pair.p, pair.p_holm, len(study.pairs))
    if not pair.told_apart:
        return (
            f"{where}, {_called(leader, study)} and {_called(other, study)} cannot be told apart: "
            f"{percent(study.errors[a].value)} and {percent(study.errors[b].value)} {measure}, a difference of "
            f"{points(pair.gap.value)} points ({_points_range(pair.gap)}), {p}."
        )
    return (
        f"{where}, {_called(leader, study)} leads {_called(other, study)} by {points(pair.gap.value)} points of "
        f"{measure} ({_points_range(pair.gap)}), {p}."
    )


def flawless(study: Study) -> bool:
    """Whether neither of the two set against each other misses an image: there is no difference to speak of."""
    return study.duel is not None and all(study.errors[i].value == 0 for i in study.duel)


def _called(contender: Contender, study: Study) -> str:
    """The name, with its side where the two sides are what is compared."""
    if _both_sides(study) and contender.family in SIDES:
        return f"the {SIDES[contender.family]} ({named(contender.name)})"
    return named(contender.name)


def _both_sides(study: Study) -> bool:
    return {study.ranked[i].family for i in study.duel or ()} == {HAND, DEEP}


def _more(study: Study) -> list[str]:
    if not study.ranked:
        return []
    out = []
    first, error, duel = study.ranked[0], study.errors[0], study.duel
    if duel and 0 not in duel:
        out.append(f"Best of all is {named(first.name)} ({first.family}) with {percent(error.value)} error.")
    pair = study.pair(*duel) if duel else None
    if pair and not pair.told_apart and not flawless(study):
        out += _would_need(pair, study)
    if pair and duel and _both_sides(study) and not flawless(study):
        hits = study.mean_hits
        a, b = (hits[study.paired.index(i)] for i in duel)
        both_miss = float(((1 - a) * (1 - b)).mean())
        out.append(
            f"The two see differently: {percent(float((a * (1 - b)).mean()))} of the images only "
            f"{named(study.ranked[duel[0]].name)} gets, {percent(float((b * (1 - a)).mean()))} only "
            f"{named(study.ranked[duel[1]].name)}; both miss {percent(both_miss)}."
        )
    families = {c.family for c in study.ranked}
    started = {record.family for record in study.undone} | {c.family for c in study.smaller}
    for family, example in ((HAND, "sift-fisher"), (DEEP, "alexnet")):
        if family in families:
            continue
        if family in started:
            out.append(f"No {family} contender finished, so the two sides are not compared.")
        else:
            out.append(f"No {family} contender was run; add -m {example} to compare the two sides.")
    return out


def _would_need(pair: Pair, study: Study) -> list[str]:
    assert study.labels is not None
    if pair.only_a == pair.only_b:
        return ["They miss equally many images, so no number of images like these would tell them apart."]
    if pair.needed is None:
        return []
    return [
        f"If the difference seen is the true one, about {about(pair.needed)} validation images would show it "
        f"four times in five; there are {len(study.labels):,}."
    ]


def _caveats(study: Study) -> list[str]:
    dataset, out = study.dataset, []
    if dataset.layout == "photos" or dataset.name.split("[")[0] == "photos":
        out.append(
            "This data set is a demonstration: each class is one photograph, and the images are crops of it. "
            "It shows that the path works; it says nothing about ImageNet."
        )
    if dataset.limited:
        out.append("This run was cut short with --limit: its numbers are a trial and not comparable with any other.")
    if not study.ranked:
        return out
    n = int(study.ranked[0].mean("n") or dataset.n_val)
    if n < FEW_IMAGES:
        width = max((e.high - e.low for e in study.errors), default=0.0)
        out.append(
            f"{n:,} validation images are few: a single error is known to within {points(width / 2)} points or so "
            "on either side."
        )
    if study.k == 1:
        out.append(f"With {dataset.n_classes} classes a top-5 error says little, so top-1 decides here.")
    if all(c.seeds == 1 for c in study.ranked):
        out.append("One training run each: intervals cover other images like these, not another training run.")
    unclear = [
        named(c.name)
        for c, e in zip(study.ranked, study.errors, strict=True)
        if e.high >= study.chance and c.family != "floor"
    ]
    if unclear:
        out.append(f"Not clear of chance ({percent(study.chance)} error): {', '.join(unclear)}.")
    if study.undone:
        out.append(
            f"{len(study.undone)} of {len(study.undone) + sum(c.seeds for c in study.ranked + study.smaller)} "
            "cells did not finish; they are listed with their reasons."
        )
    return out


def _range(error: Estimate) -> str:
    return f"{100 * error.low:.1f} to {100 * error.high:.1f}"


def _points_range(gap: Estimate) -> str:
    return f"{points(gap.low)} to {points(gap.high)}"
