"""``NAME[key=value,…]``: how a contender or a data set and its parameters are written on one line."""

from __future__ import annotations

import difflib
import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .errors import InputError

Value = bool | int | float | str | None

_BRACKETS = re.compile(r"^(?P<name>.*?)\[(?P<inside>[^\[\]]*=[^\[\]]*)?\]$")
_WORDS: dict[str, Value] = {"true": True, "false": False, "none": None}


@dataclass(frozen=True)
class Spec:
    """A name and its parameters; ``str()`` is the canonical form, parameters sorted."""

    name: str
    params: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.params:
            return self.name
        return f"{self.name}[{','.join(f'{key}={written(self.params[key])}' for key in sorted(self.params))}]"


def parse(text: str) -> Spec:
    """Read ``NAME`` or ``NAME[key=value,…]``; brackets without ``=`` belong to the name (a folder may have them)."""
    match = _BRACKETS.match(text.strip())
    if match is None or match["inside"] is None:
        if text.strip().endswith("[]"):
            return Spec(text.strip()[:-2])
        if not text.strip():
            raise InputError("an empty name was given; write NAME or NAME[key=value,…]")
        return Spec(text.strip())
    params: dict[str, Value] = {}
    for part in match["inside"].split(","):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise InputError(f"cannot read {part!r} in {text!r}; write key=value, several separated by commas")
        if key.strip() in params:
            raise InputError(f"{key.strip()!r} is given twice in {text!r}")
        params[key.strip()] = _value(value.strip())
    return Spec(match["name"], params)


def nearest(word: str, known: Iterable[str], what: str) -> str:
    """One clear line for an unknown ``word``: the nearest known one, or all of them where none is near."""
    known = sorted(known)
    hint = near(word, known) or f"known: {', '.join(known) or 'none'}"
    return f"unknown {what} {word!r}; {hint}"


def near(word: str, known: Iterable[str]) -> str:
    """A question for the known word that is like ``word``; empty where none is."""
    found = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.5)
    return f"did you mean {found[0]!r}?" if found else ""


def _value(text: str) -> Value:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if isinstance(number, float) and not math.isfinite(number):
            raise InputError(f"{text!r} is not a finite number, which no parameter can be")
        return number
    return text


def written(value: Value) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def slug(text: str) -> str:
    """A name that is safe in a file name on any system; long ones are cut and keep a digest."""
    safe = re.sub(r"[^A-Za-z0-9.=+-]+", "_", text).strip("_.") or "x"
    if len(safe) <= 80 and safe == text.replace("[", "_").replace("]", "").replace(",", "_"):
        return safe
    return f"{safe[:60]}-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"
