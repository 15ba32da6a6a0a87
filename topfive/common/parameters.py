"""Checks of parameters: ValueError in one line that says which it is, what it must be and what it was.

None passes where it is ``optional``, standing for a default that depends on the data or the device.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np


def whole_number(name: str, value: Any, least: int, *, optional: bool = False) -> None:
    """An integer of at least ``least``; no bool."""
    good = not isinstance(value, bool) and isinstance(value, Integral) and int(value) >= least
    _require(good or (optional and value is None), name, f"a whole number of at least {least}", value)


def number(
    name: str,
    value: Any,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    most: float = math.inf,
    optional: bool = False,
) -> None:
    """A finite number within these limits; no bool."""
    good = not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
    good = good and least <= float(value) <= most and above < float(value) < below
    limits = [("at least", least), ("above", above), ("at most", most), ("below", below)]
    said = " and ".join(f"{words} {limit:g}" for words, limit in limits if math.isfinite(limit))
    _require(good or (optional and value is None), name, f"a number {said}".rstrip(), value)


def one_of(name: str, value: Any, choices: Iterable[str] | Iterable[int]) -> None:
    """One of these words or whole numbers."""
    allowed = list(choices)
    good = isinstance(value, str | int | np.integer) and not isinstance(value, bool) and value in allowed
    _require(good, name, f"one of {', '.join(map(str, allowed))}", value)


def true_or_false(name: str, value: Any) -> None:
    """A bool; a word such as "no" would count as true."""
    _require(isinstance(value, bool | np.bool_), name, "true or false", value)


def _require(good: bool, name: str, wanted: str, value: Any) -> None:
    if not good:
        raise ValueError(f"{name} must be {wanted}, not {value!r}")
