"""The verdict: what the results say as a person would say it, what to do, and what that rests on.

Computed, never written by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...families import DEEP, FLOOR, HAND, PRETRAINED
from ...scoring.metrics import FEW_IMAGES
from ...scoring.power import images_needed
from ..numbers import about, corrected_p, counted, listed, named, percent, points
from .advice import advice
from .budget import fewer_pixels, still_learning, unlike
from .contest import Contest
from .estimate import Estimate
from .pairs import Pair

LONGEST = 11  # words of a headline


@dataclass(frozen=True)
class Verdict:
    """What the first screen says.

    headline  at most ``LONGEST`` words
    sentence  both errors in plain words, and whether luck may be behind the difference
    advice    what to do
    limits    what could turn the verdict, or makes it one about something else: these caveats stand beside it
    more      what is behind it, in small type: the test, the choice of the two, what each alone gets
    caveats   all limits of the result, ``limits`` first
    """

    headline: str
    sentence: str
    advice: list[str]
    limits: list[str]
    more: list[str]
    caveats: list[str]

    @property
    def text(self) -> str:
        """Headline and sentence."""
        return f"{self.headline} {self.sentence}"

    @property
    def small(self) -> list[str]:
        """The caveats that stand in small type."""
        return self.caveats[len(self.limits) :]


def verdict(contest: Contest) -> Verdict:
    """The verdict of one data set."""
    learning = still_learning(contest)
    limits = [*learning, *_another_matter(contest)]
    caveats = [*limits, *fewer_pixels(contest), *_caveats(contest), *unlike(contest)]
    said = advice(contest) if _pair(contest) is not None else []
    return Verdict(
        _headline(contest, bool(learning)),
        _sentence(contest),
        [*said, *_missing_side(contest)],
        limits,
        _more(contest),
        caveats,
    )


def flawless(contest: Contest) -> bool:
    """Whether neither of the two set against each other misses an image: there is no difference to speak of."""
    return contest.headline_pair is not None and all(contest.errors[i].value == 0 for i in contest.headline_pair)


def _pair(contest: Contest) -> Pair | None:
    return contest.pair(*contest.headline_pair) if contest.headline_pair else None


def _headline(contest: Contest, learning: bool) -> str:
    if not contest.ranked:
        return "Nothing finished, so there is no verdict."
    if contest.headline_pair is None:
        return "Only one contender, so there is no verdict."
    pair = _pair(contest)
    a, b = sorted(contest.headline_pair)
    for_now = ", for now" if learning else ""
    if pair is not None and flawless(contest):
        return "Neither makes a mistake."
    if pair is None:
        return _at_most(f"{_name(contest, a)} is ahead, perhaps by luck.", "One is ahead, perhaps by luck.")
    if not pair.told_apart:
        return "Too close to call."
    if contest.both_sides:
        deep = contest.ranked[a].family == DEEP
        loser = "hand-engineered features" if deep else "deep learning"
        plain = "Deep learning beats" if deep else "Hand-engineered features still beat"
        beats = "beats" if deep else "still beats"
        return _at_most(f"{_name(contest, a)} {beats} {loser} here{for_now}.", f"{plain} {loser} here{for_now}.")
    return _at_most(f"{_name(contest, a)} beats {_name(contest, b)} here{for_now}.", f"There is a winner{for_now}.")


def _at_most(said: str, plain: str) -> str:
    return said if len(said.split()) <= LONGEST and len(said) <= 90 else plain


def _name(contest: Contest, i: int) -> str:
    return named(contest.titles[i])


def _where(contest: Contest) -> str:
    """ "On these 200 classes with 100 training images each"."""
    classes, size = contest.dataset.n_classes, contest.per_class
    if size is None:
        return f"On these {classes:,} classes"
    about = "" if float(size).is_integer() else "about "
    return f"On these {classes:,} classes with {about}{size:,.0f} training images each"


def _sentence(contest: Contest) -> str:
    if not contest.ranked:
        return f"No contender finished on {named(contest.dataset.title)}, so there is nothing to compare."
    where, images = _where(contest), counted(_images(contest), "validation image")
    how = "with all five guesses" if contest.k == 5 else "with its first guess"
    term = f"its top-{contest.k} error"
    if contest.headline_pair is None:
        error = contest.errors[0]
        return (
            f"{where}, {_name(contest, 0)} misses the right class {how} on {percent(error.value)} of {images} ({term}, "
            f"{_range(error)}); nothing else {'finished' if contest.undone else 'was run'} to compare it with."
        )
    pair = _pair(contest)
    a, b = sorted(contest.headline_pair)
    if pair is not None and flawless(contest):
        return f"{where}, {_name(contest, a)} and {_name(contest, b)} both make no error on {images}."
    errors = [percent(contest.errors[i].value) for i in (a, b)]
    if pair is None:
        luck = "without stored predictions nobody can say whether that is more than luck"
    elif pair.gap.value == 0:
        luck = "there is no difference to explain"
    elif pair.told_apart:
        luck = "luck does not explain the difference"
    else:
        luck = "luck alone could make that difference"
    return (
        f"{where}, {_name(contest, a)} misses the right class {how} on {errors[0]} of {images} ({term}), "
        f"{_name(contest, b)} on {errors[1]}; {luck}."
    )


def _images(contest: Contest) -> int:
    if contest.labels is not None:
        return len(contest.labels)
    return int(contest.ranked[0].mean("n") or contest.dataset.n_val)


def _more(contest: Contest) -> list[str]:
    if not contest.ranked:
        return []
    out = []
    first, error, headline_pair = contest.ranked[0], contest.errors[0], contest.headline_pair
    if headline_pair and 0 not in headline_pair:
        out.append(f"Best of all is {_name(contest, 0)} ({first.family}) with {percent(error.value)} error.")
    out += _elsewhere(contest)
    pair = _pair(contest)
    if pair is None or headline_pair is None or flawless(contest):
        return out
    out += [_tested(pair, contest), *_choice(contest)]
    if not pair.told_apart:
        out += _would_need(pair, contest)
    if contest.both_sides:
        hits = contest.mean_hits
        a, b = (hits[contest.paired.index(i)] for i in headline_pair)
        both_miss = float(((1 - a) * (1 - b)).mean())
        out.append(
            f"The two see differently: {percent(float((a * (1 - b)).mean()))} of the images only "
            f"{_name(contest, headline_pair[0])} gets right, {percent(float((b * (1 - a)).mean()))} only "
            f"{_name(contest, headline_pair[1])}; both miss {percent(both_miss)}."
        )
    return out


def _tested(pair: Pair, contest: Contest) -> str:
    """The difference with its interval and p."""
    p = corrected_p(pair.p, pair.p_corrected, contest.candidates)
    seeds = any(contest.ranked[i].seeds > 1 for i in (pair.a, pair.b))
    test = "Welch’s t over images and trainings" if seeds else "McNemar’s test on the same images"
    return (
        f"{_name(contest, pair.a)} is ahead by {points(pair.gap.value)} points of top-{contest.k} error (95 % interval "
        f"{points(pair.gap.low)} to {points(pair.gap.high)}), {p}, {test}."
    )


def _missing_side(contest: Contest) -> list[str]:
    """How to get the side that is not there."""
    if not contest.ranked:
        return []
    out = []
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
    found = [_name(contest, i) for i, c in enumerate(contest.ranked) if c.family == PRETRAINED]
    if not found:
        return []
    has, counts = ("has", "it counts") if len(found) == 1 else ("have", "they count")
    return [f"{listed(found)} {has} seen other images as well (pre-trained), so {counts} on neither side."]


def _choice(contest: Contest) -> list[str]:
    """That the two were chosen by the images that compare them, and what that costs."""
    others = list(dict.fromkeys(_name(contest, i) for side in contest.rivals for i in side[1:]))
    if others:
        some = listed(others) if len(others) <= 4 else f"{len(others)} others"
        return [
            f"The images that compare the two also chose them, and {some} might as well have stood here: the interval "
            f"and p allow for {contest.candidates} candidates in two places."
        ]
    aside = {FLOOR, PRETRAINED} - {contest.ranked[i].family for i in contest.headline_pair or ()}
    pool = {HAND, DEEP} if contest.both_sides else {c.family for c in contest.ranked} - aside
    if sum(c.family in pool for c in contest.ranked) <= 2:
        return []
    return [
        "These images also picked the two; who else could stand here is clearly behind, so the interval is no wider."
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


def _another_matter(contest: Contest) -> list[str]:
    """What makes the result one about something else than its images seem to ask."""
    dataset, out = contest.dataset, []
    if dataset.layout == "photos" or dataset.name.split("[")[0] == "photos":
        out.append(
            "This data set is a demonstration: each class is one photograph, and the images are crops of it. "
            "It shows how the tool works; it says nothing about ImageNet."
        )
    out += [note for note in dataset.notes if note.startswith("Leakage:")]
    if dataset.limited:
        out.append("This run was cut short with --limit: its numbers are a trial and not comparable with any other.")
    return out


def _caveats(contest: Contest) -> list[str]:
    out: list[str] = []
    if not contest.ranked:
        return out
    n = int(contest.ranked[0].mean("n") or contest.dataset.n_val)
    if n < FEW_IMAGES:
        width = max((e.high - e.low for e in contest.errors), default=0.0)
        out.append(
            f"{n:,} validation images are few: a single error is known to within {points(width / 2)} points or so "
            "on either side."
        )
    if contest.k == 1:
        out.append(f"With {contest.dataset.n_classes} classes a top-5 error says little, so top-1 decides here.")
    if all(c.seeds == 1 for c in contest.ranked):
        out.append("One training run each: intervals cover other images like these, not another training run.")
    unclear = [
        _name(contest, i)
        for i, (c, e) in enumerate(zip(contest.ranked, contest.errors, strict=True))
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
    return f"95 % interval {100 * error.low:.1f} to {100 * error.high:.1f}"
