"""Text that can be printed and encoded, whatever bytes a name holds."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with every byte that is no UTF-8 (a surrogate, in Python's names of files) as ``\\xe9``."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        try:
            return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:  # half of a pair, which no name of a file can hold
            return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text
