"""What the probes ``attack`` and ``transfer`` found, as errors that can be compared; top-1, as attacks are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...conditions import Scalar
from ...families import FLOOR
from .asked import Told, told
from .contest import Contest
from .robustness import Robustness, resampled

USUAL = 4  # of 255: the ε that is told of, or the nearest to it that was asked; RobustBench's for L∞ on ImageNet


def attacked(contest: Contest, names: Sequence[str] = ("square", "noise")) -> Robustness | None:
    """Errors under attack: conditions of attack, epsilon and queries spent; the plain error is top-1.

    An image that is wrong from the start stays wrong. Only contenders that met all attacks of ``names``, on the images
    that most were attacked on; None where there are none.
    """
    found: dict[int, list[tuple[Told, dict[tuple[Any, ...], NDArray[np.bool_]]]]] = {}
    for one in told(contest, "attack"):
        held = _held(one, names)
        asked = {attack for attack, _, _ in held}
        if held and asked == set(names) and contest.ranked[one.contender].family != FLOOR:
            found.setdefault(one.contender, []).append((one, held))
    which = [tuple(one.ids) for mine in found.values() for one, _ in mine]
    images = max(which, key=which.count, default=())
    found = {i: same for i, mine in found.items() if (same := [pair for pair in mine if tuple(pair[0].ids) == images])}
    if not found:
        return None
    every = [held for mine in found.values() for _, held in mine]
    common = [key for key in every[0] if all(key in held for held in every)]
    if not common:
        return None
    stacked = {}
    for i, mine in found.items():
        plain = [_right(one) for one, _ in mine]
        stacked[i] = np.stack(
            [np.stack([p, *(held[key] for key in common)]) for p, (_, held) in zip(plain, mine, strict=True)]
        )
    labels = np.array([row["label"] for row in next(iter(found.values()))[0][0].rows("clean")])
    conditions: list[Mapping[str, Scalar]] = [{"attack": a, "epsilon": e, "queries": q} for a, e, q in common]
    return resampled(stacked, labels, conditions)


def _right(one: Told) -> NDArray[np.bool_]:
    return np.array([row["right"] for row in one.rows("clean")])


def _held(one: Told, names: Sequence[str]) -> dict[tuple[Any, ...], NDArray[np.bool_]]:
    """(attack, epsilon, queries) → (n,) whether each image is still answered right then."""
    right = _right(one)
    out: dict[tuple[Any, ...], NDArray[np.bool_]] = {}
    for row in one.rows("trajectory"):
        if row["attack"] in names and row["queries"] > 0:
            key = (row["attack"], row["epsilon"], row["queries"])
            out.setdefault(key, np.zeros(len(right), bool))[row["image"]] = row["margin"] > 0
    return out


def epsilon_told_of(found: Robustness) -> int:
    """The ε nearest to ``USUAL`` of those above 0, in ratio."""
    return int(min((e for e in found.values("epsilon") if e > 0), key=lambda e: abs(np.log(e / USUAL)), default=0))


def at_the_end(found: Robustness, attack: str, epsilon: int) -> list[int]:
    """The condition of an attack with its whole budget."""
    spent = [c["queries"] for c in found.conditions if c["attack"] == attack and c["epsilon"] == epsilon]
    return found.columns(attack=attack, epsilon=epsilon, queries=max(spent)) if spent else []


def transferred(contest: Contest) -> tuple[list[int], list[list[tuple[int, int]]]] | None:
    """(contenders, [source][target] → (images that fool the source and that the target gets as they are, those of them
    that fool the target too)); seeds together. None where the probe ``transfer`` was not asked."""
    answered = [one for one in told(contest, "transfer") if contest.ranked[one.contender].family != FLOOR]
    clean = {(one.contender, one.seed): _right(one) for one in told(contest, "attack")}
    shown = [i for i in dict.fromkeys(one.contender for one in answered) if any(key[0] == i for key in clean)]
    if len(shown) < 2:
        return None
    place = {contest.ranked[i].spec: n for n, i in enumerate(shown)}
    counts = np.zeros((len(shown), len(shown), 2), np.int64)
    for one in answered:
        right = clean.get((one.contender, one.seed), np.zeros(0, bool))
        for row in one.rows("answers") if len(right) else ():
            if row["source"] in place and right[row["image"]]:
                counts[place[row["source"]], shown.index(one.contender)] += (1, not row["right"])
    return shown, [[(int(n), int(fooled)) for n, fooled in row] for row in counts]
