"""How the report writes numbers: per cent with one decimal, times and sizes in units a person would choose."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Sequence

MINUS = "−"
LONGEST = 60  # characters of a name in a sentence
NBSP = "\u00a0"  # a number and its unit stay on one line


def percent(fraction: float | None, digits: int = 1) -> str:
    """0.1234 → "12.3 %", with a space that does not break."""
    return "–" if fraction is None or math.isnan(fraction) else f"{100 * fraction:.{digits}f}{NBSP}%"


def points(fraction: float, digits: int = 1) -> str:
    """A difference of two percentages, with its sign: 0.031 → "3.1", -0.031 → "−3.1"."""
    text = f"{100 * abs(fraction):.{digits}f}"
    return MINUS + text if fraction < 0 and float(text) else text


def p_value(p: float) -> str:
    """ "p < 0.001", "p = 0.012", "p = 0.34"."""
    if p < 0.001:
        return f"p{NBSP}<{NBSP}0.001"
    return f"p{NBSP}={NBSP}" + (f"{p:.3f}" if p < 0.1 else f"{min(p, 1):.2f}")


def bare_p(p: float) -> str:
    """For a table: "<0.001", "0.012", "0.34"."""
    return p_value(p).removeprefix(f"p{NBSP}").removeprefix(f"={NBSP}").replace(NBSP, "")


def corrected_p(p: float, corrected: float, candidates: int) -> str:
    """A pair's own p, and where it reads differently the one that allows for all who might have stood in its places."""
    own = p_value(p)
    if own == p_value(corrected):
        return own
    return f"{own} ({bare_p(corrected)} with {candidates} candidates allowed for)"


def listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def seconds(value: float | None) -> str:
    """A duration: "40 ms", "3.2 s", "4 min 10 s", "2 h 5 min"."""
    if value is None:
        return "–"
    if value < 1:
        return f"{1000 * value:.3g} ms"
    if value < 60:
        return f"{value:.3g} s"
    if value < 3600:
        minutes, rest = divmod(round(value), 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{round(value / 60)} min"
    hours, minutes = divmod(round(value / 60), 60)
    return f"{hours} h {minutes} min" if minutes and hours < 48 else f"{hours} h"


def size(value: float | None) -> str:
    """Bytes: "12 MB", "1.4 GB"; powers of 1,000."""
    if value is None:
        return "–"
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.0f} B"


def quantity(value: float | None) -> str:
    """A count that may be large: "61 M", "12,300", "0.24"."""
    if value is None:
        return "–"
    for unit, factor in ((" T", 1e12), (" G", 1e9), (" M", 1e6)):
        if abs(value) >= factor:
            return f"{value / factor:.3g}{unit}"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def joules(value: float | None) -> str:
    """Energy: "3.2 kJ", "1.4 Wh" from 3.6 kJ on."""
    if value is None:
        return "–"
    if value >= 3600:
        return f"{value / 3600:.3g} Wh"
    return f"{value / 1000:.3g} kJ" if value >= 1000 else f"{value:.3g} J"


def short(text: str, length: int = 28) -> str:
    """Cut to ``length`` characters for a chart; the table beside it has the whole."""
    return text if len(text) <= length else text[: length - 1] + "…"


def shortened(names: Sequence[str], length: int) -> list[str]:
    """Names of at most ``length`` characters (a number may follow); those that were different stay different.

    A long name keeps its beginning. Where that makes two of them the same they keep their ends as well, and where that
    does not help they are numbered.
    """
    found = {name: name if len(name) <= length else name[: length - 1] + "…" for name in names}
    for name in _alike(found):
        if len(name) > length:
            head = length // 3
            found[name] = f"{name[:head]}…{name[len(name) - (length - head - 1) :]}"
    for number, name in enumerate(_alike(found), start=1):
        found[name] = f"{name[: length - 1]}… ({number})"
    return [found[name] for name in names]


def _alike(found: dict[str, str]) -> list[str]:
    """The names whose short form another one has as well."""
    times = Counter(found.values())
    return [name for name, short in found.items() if times[short] > 1]


def about(count: int) -> str:
    """A count known only roughly, to two digits: 5414 → "5,400"."""
    step = 10 ** max(len(str(count)) - 2, 0)
    return f"{-(-count // step) * step:,}"


def counted(count: int, noun: str) -> str:
    """ "no class", "1 class", "1,200 classes"."""
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{count:,} {noun if count == 1 else plural}" if count else f"no {noun}"


def decimal(value: float, digits: int = 2) -> str:
    """0.114 → "0.11"; a proper minus, and no minus before a zero."""
    text = f"{abs(value):.{digits}f}"
    return MINUS + text if value < 0 and float(text) else text


def inside(title: str) -> str:
    """A title inside a sentence: "The built-in photographs" → "the built-in photographs"; names keep their capital."""
    return title[:1].lower() + title[1:] if title.startswith(("The ", "A ", "An ")) else title


def named(text: str) -> str:
    """A name inside a sentence: cut to ``LONGEST``; right-to-left names kept from turning the sentence around."""
    cut = short(text, LONGEST)
    turned = any(unicodedata.bidirectional(c) in {"R", "AL", "RLE", "RLO", "RLI"} for c in cut)
    return f"\u2068{cut}\u2069" if turned else cut
