"""A number of the report with its interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """An error and its 95 % interval; fractions."""

    value: float
    low: float
    high: float
