"""Checks of what a contender was given: ValueError in one line with the parameter, what it must be, and what it is."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np


def whole_number(name: str, value: Any, least: int) -> None:
    """An integer from ``least`` on."""
    good = isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= least
    _require(good, name, f"a whole number of at least {least}", value)


def not_negative(name: str, value: Any) -> None:
    """A finite number from 0 on."""
    good = (
        isinstance(value, int | float | np.integer | np.floating)
        and not isinstance(value, bool)
        and 0 <= float(value) < math.inf
    )
    _require(good, name, "a number of at least 0", value)


def positive(name: str, value: Any) -> None:
    """A finite number above 0."""
    not_negative(name, value)
    _require(value > 0, name, "a number above 0", value)


def true_or_false(name: str, value: Any) -> None:
    """A bool; a word such as "no" would count as true."""
    _require(isinstance(value, bool | np.bool_), name, "true or false", value)


def one_of(name: str, value: Any, words: Collection[str]) -> None:
    """One of these words."""
    _require(isinstance(value, str) and value in words, name, f"one of {', '.join(words)}", value)


def _require(good: bool, name: str, wanted: str, value: Any) -> None:
    if not good:
        raise ValueError(f"{name} must be {wanted}, not {value!r}")
