"""Whole numbers in text that others wrote."""

from __future__ import annotations


def whole_number(text: str) -> int | None:
    """The number that at most 18 digits 0 to 9 make; None for anything else (``str.isdigit`` takes "²" as well)."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
