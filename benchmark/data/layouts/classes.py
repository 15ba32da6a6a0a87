"""Names of classes: their order, and when two spellings are one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

from ..storage.printing import printable

_NUMBER = re.compile(r"[+-]?(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(?:[eE][+-]?\d{1,2})?", re.ASCII)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sorted: as numbers where all are numbers, else as text."""
    distinct = set(names)
    if all(_NUMBER.fullmatch(name) for name in distinct):
        return tuple(sorted(distinct, key=lambda name: (Decimal(name), name)))
    return tuple(sorted(distinct))


def class_ids(names: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Each name as it is written → the id of its class; and a note where several spellings are one class.

    Letters may be composed (é as one character, NFC) or not (NFD, as macOS writes file names). Bytes that are no UTF-8
    are shown as ``\\xe9``.
    """
    ids = {name: printable(name) for name in dict.fromkeys(names)}
    spellings: dict[str, set[str]] = {}
    for name in ids.values():
        if not name.isascii():
            spellings.setdefault(unicodedata.normalize("NFC", name), set()).add(name)
    joined = {name: composed for composed, same in spellings.items() if len(same) > 1 for name in same}
    if not joined:
        return ids, ()
    told = ", ".join(sorted(set(joined.values())))
    note = f"Spelled in two ways, with composed and with separate accents, and taken as one class: {told}."
    return {name: joined.get(one, one) for name, one in ids.items()}, (note,)
