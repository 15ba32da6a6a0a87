"""Checks of parameters: ValueError in one line that says which it is, what it must be and what it was."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any


def whole(name: str, value: Any, least: int) -> None:
    """A whole number of at least ``least``, or None."""
    if isinstance(value, bool) or not (value is None or (isinstance(value, Integral) and int(value) >= least)):
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")


def number(name: str, value: Any, *, above: float, most: float = math.inf) -> None:
    """A finite number above ``above`` and at most ``most``, or None."""
    good = isinstance(value, Real) and math.isfinite(value) and above < float(value) <= most
    if isinstance(value, bool) or not (value is None or good):
        limit = f" and at most {most:g}" if most < math.inf else ""
        raise ValueError(f"{name} must be a number above {above:g}{limit}, not {value!r}")


def choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """One of ``choices``, or None."""
    allowed = list(choices)
    if value is not None and value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
