"""How a probe's parameter names several things: "all", "fog+snow", "1+2+4", 3, or a list."""

from __future__ import annotations

from collections.abc import Sequence

from ..specs import near


def chosen(what: str, asked: str | int | Sequence[str | int], known: Sequence[str]) -> list[str]:
    """The ``known`` words that are asked for, each once, in the order of ``known``.

    Raises ValueError, in one line, for a word that is not known, with the nearest that is, and for none at all.
    """
    if isinstance(asked, str) and asked.strip() == "all":
        return list(known)
    words = asked.split("+") if isinstance(asked, str) else [asked] if isinstance(asked, int) else asked
    wanted = [str(word).strip().replace("_", "-") for word in words]
    for word in wanted:
        if word not in known:
            hint = near(word, known) or f"known: all, {', '.join(known)}"
            raise ValueError(f"unknown {what} {word!r}; {hint}")
    if not wanted:
        raise ValueError(f"no {what} is asked for; known: all, {', '.join(known)}")
    return [word for word in known if word in wanted]


def numbers(name: str, asked: str | int | Sequence[int], least: int) -> list[int]:
    """The whole numbers that are asked for, each once, rising: "1+2+4", 3 or a list.

    Raises ValueError, in one line, for what is no whole number of at least ``least``, and for none at all.
    """
    words = asked.split("+") if isinstance(asked, str) else asked if isinstance(asked, Sequence) else [asked]
    wanted = set()
    for word in words:
        try:
            number = int(str(word))
        except ValueError:
            number = least - 1
        if number < least:
            raise ValueError(f"{name} must be whole numbers of at least {least} joined by +, not {asked!r}")
        wanted.add(number)
    if not wanted:
        raise ValueError(f"{name} must be whole numbers of at least {least} joined by +, not {asked!r}")
    return sorted(wanted)
