"""How much room a text takes, and where to break it.

A page is read in whatever font the reader's system has. Widths are those of DejaVu Sans, wider than nearly all of them,
so that what fits here fits there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import count

# Characters by their width, in hundredths of the font's size.
_WIDTHS = {
    28: "'ijlIJ", 33: " ,./:;\\|", 36: "f-", 40: "()[]t!r", 48: '"*_`–', 53: "sz?", 56: "cL",
    59: "FkvxyPTY", 63: "aoeESbdghnpqu$0123456789{}", 69: "KAVBRXZC", 76: "UHNDG&OQ", 84: "w#+<=>^~M−", 98: "%mW@…",
}  # fmt: skip
WIDTH = {character: hundredths / 100 for hundredths, characters in _WIDTHS.items() for character in characters}


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Of one line at ``size`` px, in px."""
    return sum(WIDTH.get(c) or _other(c) for c in text) * size * (1.11 if bold else 1.0)


def _other(character: str) -> float:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0.0  # accents, joiners and direction marks stand on no ground of their own
    return 1.2 if unicodedata.east_asian_width(character) in "WF" else 0.7


def wrap(text: str, room: float, size: float, *, lines: int = 0, bold: bool = False) -> list[str]:
    """Lines that fit into ``room`` px: broken at spaces, and in words longer than a line after one of ``,+[/_-``, else
    anywhere.

    ``lines``: at most so many; the last then ends in "…".
    """
    out, line = [], ""
    for piece in _pieces(text, room, size, bold=bold):
        if line and width(line + piece, size, bold=bold) > room:
            out.append(line.rstrip())
            line = ""
        if not line:
            piece = piece.lstrip()
        while width(line + piece, size, bold=bold) > room and len(piece) > 1:
            fits = max(next(i for i in count(1) if width(piece[: i + 1], size, bold=bold) > room), 1)
            out.append(piece[:fits])
            piece = piece[fits:]
        line += piece
    out = [*out, line.rstrip()] if line.strip() or not out else out
    if lines and len(out) > lines:
        last = out[lines - 1]
        while last and width(last + "…", size, bold=bold) > room:
            last = last[:-1]
        out = [*out[: lines - 1], last + "…"]
    return out


def _pieces(text: str, room: float, size: float, *, bold: bool) -> Iterator[str]:
    """Spaces, words, and of a word that no line can hold the parts after which it may break."""
    for word in re.findall(r"[^\S\u00a0]+|(?:\S|\u00a0)+", text):
        if word.isspace() and word != "\u00a0":
            yield " "
        elif width(word, size, bold=bold) <= room:
            yield word
        else:
            yield from re.findall(r"[^,+\[/_-]*[,+\[/_-]|[^,+\[/_-]+", word)
