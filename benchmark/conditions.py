"""Conditions: under what a contender was fitted or asked, as an ordered mapping of axis → scalar; empty is plain.

``{"train_per_class": 50}``, ``{"corruption": "fog", "severity": 3}``. Axes of training are the rows of ``TRAINING``;
a probe names its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Scalar = bool | int | float | str
Condition = Mapping[str, Scalar]


@dataclass(frozen=True)
class TrainingAxis:
    """A way to change what a contender learns from.

    apply    (split, value, seed) → the split to train on
    written  one value for people: "50 per class"
    """

    apply: Callable[[Any, Any, int], Any]
    written: str


TRAINING: dict[str, TrainingAxis] = {
    "train_per_class": TrainingAxis(lambda split, n, seed: split.nested(n, seed), "{:g} per class"),
}


def training_split(split: Any, condition: Condition, seed: int) -> Any:
    """What a contender is fitted on under ``condition``; axes that are none of training change nothing."""
    for axis, value in condition.items():
        if axis in TRAINING:
            split = TRAINING[axis].apply(split, value, seed)
    return split


def of_a_view(condition: Mapping[str, Any]) -> dict[str, Scalar]:
    """The condition that a probe names, in plain types. Raises ValueError where it cannot be one."""
    plain = {axis: value.item() if hasattr(value, "item") else value for axis, value in condition.items()}
    if not plain or of_training(plain) or not all(isinstance(axis, str) for axis in plain):
        raise ValueError(f"a view's condition needs axes of its own, and {dict(condition)!r} has not")
    if not all(isinstance(value, Scalar) and value == value for value in plain.values()):
        raise ValueError(f"the condition {dict(condition)!r} may hold words, numbers, true and false only")
    return plain


def of_training(condition: Condition) -> dict[str, Scalar]:
    """The part of a condition under which the contender was fitted."""
    return {axis: value for axis, value in condition.items() if axis in TRAINING}


def of_asking(condition: Condition) -> dict[str, Scalar]:
    """The part of a condition under which the fitted contender was asked."""
    return {axis: value for axis, value in condition.items() if axis not in TRAINING}


def to_json(condition: Condition) -> str:
    """As ``results.csv`` has it: ``{}``, ``{"train_per_class": 50}``."""
    return json.dumps(dict(condition), ensure_ascii=False)


def written(condition: Condition) -> str:
    """For people: "50 per class", "corruption fog, severity 3"; empty for the plain one."""
    return ", ".join(
        TRAINING[axis].written.format(value) if axis in TRAINING else f"{axis} {value}"
        for axis, value in condition.items()
    )


def in_file_name(condition: Condition) -> str:
    """For a file's name, before it is made safe: "train_per_class=50"; empty for the plain one."""
    return ".".join(f"{axis}={value}" for axis, value in condition.items())
