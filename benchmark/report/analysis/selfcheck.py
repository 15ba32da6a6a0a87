"""The scorer's self-check: what would show if images were lost, counted twice, or scored by another rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from ...scoring.statistics import hits_at
from ..numbers import percent
from .contest import Contest


@dataclass(frozen=True)
class Check:
    """``passed`` None: could not be made, ``found`` says why."""

    name: str
    passed: bool | None
    found: str


def checks(contest: Contest) -> list[Check]:
    """Every check over the stored predictions of one data set."""
    if contest.ids is None or contest.labels is None:
        return [Check("Stored predictions", None, "no contender left any, so nothing can be checked again")]
    return [
        _sums(contest),
        _unique(contest),
        _recount(contest),
        _ties(contest),
        _constant(contest),
        _permuted(contest),
    ]


def _sums(contest: Contest) -> Check:
    assert contest.labels is not None
    expected = contest.dataset.n_val
    counts = {int(c.mean("n") or 0) for c in contest.ranked + contest.smaller if c.paired} | {len(contest.labels)}
    by_class = int(np.bincount(contest.labels, minlength=contest.dataset.n_classes).sum())
    good = counts == {expected} and by_class == expected
    return Check(
        "Every contender was scored on every validation image",
        good,
        f"{expected:,} images, {contest.dataset.n_classes:,} classes, sum over classes {by_class:,}"
        + ("" if good else f"; but contenders were scored on {', '.join(f'{c:,}' for c in sorted(counts))}"),
    )


def _unique(contest: Contest) -> Check:
    assert contest.ids is not None
    distinct = len(pc.unique(contest.ids))
    return Check(
        "Image ids are unique", distinct == len(contest.ids), f"{distinct:,} ids of {len(contest.ids):,} images"
    )


def _recount(contest: Contest) -> Check:
    off = []
    for contender in (c for c in contest.ranked + contest.smaller if c.paired):
        for k in (1, 5):
            for hits, result in zip(contender.hits(k), contender.results, strict=True):
                stated = result.record.number(f"top{k}_err")
                if stated is None or abs(1 - float(hits.mean()) - stated) > 1e-6:
                    off.append(f"{contender.name} (top-{k})")
    return Check(
        "Counting the stored predictions again gives the stated errors",
        not off,
        "the same for all" if not off else "differs: " + ", ".join(off[:8]),
    )


def _ties(contest: Contest) -> Check:
    counts = {c.name: int((c.tied > 1).sum() / len(c.tied)) for c in contest.ranked if c.tied is not None}
    some = [f"{name} {count:,}" for name, count in counts.items() if count]
    return Check(
        "Ties are counted against the contender",
        True,
        "no image has a class tied with the truth"
        if not some
        else "images with a class tied with the truth: " + ", ".join(some),
    )


def _constant(contest: Contest) -> Check:
    n = contest.dataset.n_classes
    score = int(hits_at(np.zeros(100), np.full(100, n), contest.k).sum())
    return Check("Constant scores earn nothing", score == 0, f"{score} hits of 100 when all {n:,} classes tie")


def _permuted(contest: Contest) -> Check:
    """Labels dealt anew: the first guess then hits as often as the counts of guesses and labels make it by luck."""
    assert contest.labels is not None
    best = next((c for c in contest.ranked if c.first is not None), None)
    if best is None or best.first is None:
        return Check("Permuted labels score at chance", None, "no predictions")
    n, k = len(contest.labels), contest.dataset.n_classes
    dealt = np.random.default_rng(0).permutation(contest.labels)
    hits = int((best.first == dealt).sum())
    labels, guesses = np.bincount(contest.labels, minlength=k), np.bincount(best.first, minlength=k)
    mean = float(labels @ guesses) / n
    # The variance of a permutation's matches: Σ of a hypergeometric's over classes, the covariances left out.
    spread = float(np.sum(labels * guesses / n * (1 - guesses / n))) ** 0.5
    margin = 5 * max(spread, 1)
    good = abs(hits - mean) <= margin
    low, high = max(mean - margin, 0), min(mean + margin, n)
    return Check(
        "Permuted labels score at chance",
        good,
        f"{best.name}: {percent(hits / n, 2)} right at the first guess; luck alone gives {percent(mean / n, 2)}, and "
        f"{percent(low / n, 2)} to {percent(high / n, 2)} passes (five standard deviations)",
    )
