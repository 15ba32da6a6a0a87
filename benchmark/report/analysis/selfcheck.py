"""The scorer's self-check: what would show if images were lost, counted twice, or scored by another rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...scoring.ranking import Ranking
from ..numbers import percent
from .contest import Contest

FEW = 5  # images on which scores may become alike by being stored in float32


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
    made = [check(contest) for check in (_sums, _unique, _recount, _ties, _constant, _permuted)]
    return [check for check in made if check is not None]


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
    """Ranks against the stored scores: what ties with the truth there must be counted as tied, and stand beside it.

    Scores are ranked in full precision and stored in float32, where a few more may be alike: those alone prove nothing.
    """
    counts: dict[str, int] = {}
    wrong = []
    for contender in (c for c in contest.smaller + contest.ranked if c.paired):
        for result in contender.results:
            stored = result.predictions()
            assert stored is not None  # as it is paired
            ranking = stored[1]
            listed, higher, equal = _among_stored(ranking)
            end = np.minimum(ranking.above + ranking.tied, ranking.top_scores.shape[1])
            beside = (higher <= ranking.above) & (end <= higher + equal)
            off = np.where(listed, ~beside, end < ranking.top_scores.shape[1])
            alike = listed & (equal > 1)
            missed = int((alike & (ranking.tied == 1)).sum())
            tied = int((ranking.tied > 1).sum())
            stated = result.record.number("tied_images")
            if off.any() or missed > FEW + int(alike.sum()) / 2 or (stated is not None and stated != tied):
                wrong.append(contender.name)
            counts[contender.name] = tied  # of the ranked one in the end
    some = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
    found = f"images with a class tied with the truth: {some}" if some else "no image has a class tied with the truth"
    differ = f"the stored scores say otherwise: {', '.join(dict.fromkeys(wrong))}"
    return Check("Ties are counted against the contender", not wrong, differ if wrong else found)


def _among_stored(ranking: Ranking) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """(n,): whether the truth is among the stored classes where its rank says; how many are above, and equal."""
    here = ranking.top_classes == ranking.label[:, None]
    place = here.argmax(axis=1)
    truth = ranking.top_scores[np.arange(len(place)), place][:, None]
    higher, equal = (ranking.top_scores > truth).sum(axis=1), (ranking.top_scores == truth).sum(axis=1)
    listed = here.any(axis=1)
    inside = (ranking.above <= place) & (place < ranking.above + ranking.tied)
    # One that stands elsewhere than its rank says is equal to nothing.
    return listed, higher, np.where(inside, equal, 0)


def _constant(contest: Contest) -> Check | None:
    """Who gives every class of every image the same score knows nothing. None where nobody does."""
    constant, earned = [], []
    for contender in (c for c in contest.ranked + contest.smaller if c.paired):
        stored = [result.predictions() for result in contender.results]
        if all(one is not None and np.ptp(one[1].top_scores, axis=1).max() == 0 for one in stored):
            constant.append(contender.name)
            hits = sum(int(contender.hits(k).sum()) for k in (1, 5) if k < contest.dataset.n_classes)
            earned += [f"{contender.name} {hits:,} hits"] if hits else []
    if not constant:
        return None
    names = ", ".join(dict.fromkeys(constant))
    found = f"but {', '.join(earned)}" if earned else f"{names}: no hit, as all classes tie"
    return Check("Constant scores earn nothing", not earned, found)


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
