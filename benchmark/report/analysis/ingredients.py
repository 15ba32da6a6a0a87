"""What each ingredient is worth: contenders that differ from a base in one parameter, and a ladder of ideas.

A *base* is found by itself: of the contenders of one method the one from which most others differ in a single
parameter. The *ladder* is the one that ``studies/algorithms.toml`` climbs. Differences are paired, on the same images
and over all seeds of both; those of one base, or of one ladder, share an error rate of 5 % by Holm's correction, and
each interval is at the level that this leaves to it, so that it holds 0 exactly when the difference is not told from 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import stdtrit

from ...families import FLOOR
from ...scoring.paired import holm_levels
from ...specs import Value, parse, written
from .contender import Contender
from .contest import Contest
from .estimate import Estimate

FEWEST = 2  # arms of a base, and steps of a ladder
NO_INGREDIENT = ("device", "n_jobs", "cache_dir", "random_state")
ALEXNET = "Krizhevsky, Sutskever and Hinton 2012"


@dataclass(frozen=True)
class Ingredient:
    """What a changed parameter is called, and what a paper says of it. ``quoted`` is never measured here."""

    label: str
    quoted: str = ""


INGREDIENTS: Mapping[tuple[str, Value], Ingredient] = {  # by parameter and value; "half": of the base's
    ("activation", "tanh"): Ingredient("tanh in place of ReLU", "a 4-layer net on CIFAR-10 learns 6 times more slowly"),
    ("activation", "sigmoid"): Ingredient("sigmoid in place of ReLU"),
    ("dropout", 0): Ingredient("no dropout", "“substantial overfitting” without; doubles the iterations"),
    ("lrn", False): Ingredient("no local response normalisation", "top-1 1.4, top-5 1.2 points"),
    ("overlap", False): Ingredient("pooling 2/2, without overlap", "top-1 0.4, top-5 0.3 points"),
    ("groups", 1): Ingredient("one tower in place of two"),
    ("width", "half"): Ingredient(
        "half width", "two towers against one of half the kernels: top-1 1.7, top-5 1.2 points"
    ),
    ("augment", None): Ingredient("no augmentation", "of colours alone: more than 1 point of top-1"),
    ("init", "paper"): Ingredient("the paper’s initialisation and pixel scale"),
    ("optimizer", "momentum"): Ingredient("SGD with momentum, as in the paper"),
    ("batch_norm", True): Ingredient("batch normalisation added (of 2015)"),
}
LADDER: tuple[tuple[str, str], ...] = (
    ("visual words", "sift-bovw"),
    ("Fisher vectors of the descriptors", "fisher[dims=0,k=32,pyramid=1x1+2x2,root=false,xy=false]"),
    ("signed square roots", "fisher[dims=0,k=32,pyramid=1x1+2x2,xy=false]"),
    ("PCA to 64 dimensions", "fisher[k=32,pyramid=1x1+2x2,xy=false]"),
    ("x, y in place of regions", "fisher[k=32]"),
    ("colour: opponent SIFT and LCS", "fisher[descriptor=sift+csift+lcs,k=32]"),
    ("more words: 256", "fisher[descriptor=sift+csift+lcs,k=256]"),
    ("mirrored training images", "best-of-2012"),
)


@dataclass(frozen=True)
class Step:
    """From contender ``before`` to ``after``, places in the ranking. ``gap``: error of ``after`` minus ``before``'s."""

    label: str
    before: int
    after: int
    gap: Estimate
    p: float
    decided: bool
    quoted: str = ""


@dataclass(frozen=True)
class Ablation:
    """A base and its arms, the costliest change first."""

    base: int
    steps: list[Step]


def ablations(contest: Contest) -> list[Ablation]:
    """One for each method with two or more contenders that are one parameter away from another of it.

    Who stands on the ladder is left to that.
    """
    climbing = {i for step in ladder(contest) for i in (step.before, step.after)}
    by_method: dict[tuple[str, ...], list[int]] = {}
    for i in contest.paired:
        contender = contest.ranked[i]
        if contender.family != FLOOR and i not in climbing:
            by_method.setdefault((contender.method, contender.record.device or ""), []).append(i)
    found = []
    for members in by_method.values():
        params = {i: dict(parse(contest.ranked[i].spec).params) for i in members}
        arms = {i: [(j, key) for j in members if (key := _only_difference(params[i], params[j]))] for i in members}
        base = max(members, key=lambda i: (len(arms[i]), -len(params[i]), -i))
        if len(arms[base]) >= FEWEST:
            named = [(_ingredient(key, params[base].get(key), params[j].get(key)), base, j) for j, key in arms[base]]
            steps = _tested(contest, [(one.label, i, j, one.quoted) for one, i, j in named])
            found.append(Ablation(base, sorted(steps, key=lambda step: -step.gap.value)))
    return found


def _only_difference(one: Mapping[str, Value], other: Mapping[str, Value]) -> str:
    """The parameter in which they differ; empty where it is none, several, or no ingredient."""
    differ = [key for key in {*one, *other} if (key in one, one.get(key)) != (key in other, other.get(key))]
    return differ[0] if len(differ) == 1 and differ[0] not in NO_INGREDIENT else ""


def _ingredient(key: str, base: Value, value: Value) -> Ingredient:
    halved = isinstance(value, int | float) and isinstance(base, int | float) and 2 * value == base
    named = INGREDIENTS.get((key, "half" if halved else value))
    return named or Ingredient(f"{key}={written(value)}")


def ladder(contest: Contest) -> list[Step]:
    """The steps of ``LADDER`` of which both ends were measured; empty where fewer than two follow each other."""
    places = {contest.ranked[i].spec: i for i in contest.paired}
    rungs = [(label, places[spec]) for label, spec in LADDER if spec in places]
    if len(rungs) <= FEWEST:
        return []
    return _tested(contest, [(label, i, j, "") for (_, i), (label, j) in pairwise(rungs)])


def _tested(contest: Contest, pairs: Sequence[tuple[str, int, int, str]]) -> list[Step]:
    differences = [contest.difference(i, j) for _, i, j, _ in pairs]
    levels = holm_levels([d.p for d in differences])
    return [
        Step(label, i, j, Estimate(d.value, *d.interval(level)), d.p, d.p < level, quoted)
        for (label, i, j, quoted), d, level in zip(pairs, differences, levels.tolist(), strict=True)
    ]


@dataclass(frozen=True)
class Race:
    """Two networks that differ in their activation alone: epochs until the training error is ``LEVEL``.

    epochs of a and b, a mean over seeds, None where a seed never gets there. ratio: how many times as many b needs,
    geometric mean, with Student's interval over seeds; None where one of them does not get there.
    """

    a: int
    b: int
    epochs: tuple[float | None, float | None]
    ratio: Estimate | None


LEVEL = 0.25  # of the training images are wrong: figure 1 of the paper


def races(contest: Contest) -> list[Race]:
    """ReLU against tanh, as in the paper's figure 1, wherever all else is the same."""
    found = []
    params = [dict(parse(contender.spec).params) for contender in contest.ranked]
    for a, b in ((a, b) for a in range(len(params)) for b in range(len(params))):
        one, other = contest.ranked[a], contest.ranked[b]
        rest = [{k: v for k, v in params[i].items() if k != "activation"} for i in (a, b)]
        same = one.method == other.method and one.record.device == other.record.device and rest[0] == rest[1]
        is_race = params[a].get("activation", "relu") == "relu" and params[b].get("activation") == "tanh"
        if same and is_race and all(_training_errors(c.record.history) for c in (one, other)):
            found.append(Race(a, b, *_compared(one, other)))
    return found


def _training_errors(history: Sequence[Mapping[str, Any]]) -> list[float]:
    return [float(r["train_error"]) for r in history if isinstance(r.get("train_error"), int | float)]


def epochs_to(errors: Sequence[float], level: float = LEVEL) -> float | None:
    """When the training error first is ``level``, on straight lines between epochs; None where it never is."""
    for epoch, (before, error) in enumerate(zip([1.0, *errors], errors, strict=False)):
        if error <= level:
            return epoch + (before - level) / (before - error) if before > error else float(epoch)
    return None


def _compared(a: Contender, b: Contender) -> tuple[tuple[float | None, float | None], Estimate | None]:
    taken = [[epochs_to(_training_errors(result.record.history)) for result in c.results] for c in (a, b)]
    there = [[t for t in times if t is not None] for times in taken]
    means = tuple(float(np.mean(t)) if len(t) == len(all_) else None for t, all_ in zip(there, taken, strict=True))
    if None in means:
        return (means[0], means[1]), None
    logs = [np.log(t) for t in there]
    middle = float(logs[1].mean() - logs[0].mean())
    wide = float("inf")
    if min(len(x) for x in logs) > 1:
        parts = [float(x.var(ddof=1)) / len(x) for x in logs]
        freedom = sum(parts) ** 2 / max(sum(v**2 / (len(x) - 1) for v, x in zip(parts, logs, strict=True)), 1e-300)
        wide = -float(stdtrit(max(freedom, 1.0), 0.025)) * sum(parts) ** 0.5
    with np.errstate(over="ignore"):
        ratio = Estimate(*(float(np.exp(v)) for v in (middle, middle - wide, middle + wide)))
    return (means[0], means[1]), ratio
