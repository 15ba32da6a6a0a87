"""The verdict as a picture of 1200 by 630 px, as links and messages show it."""

from __future__ import annotations

from ...families import MARKERS
from ..analysis.contest import Contest
from ..numbers import inside, percent, short
from .axes import errors
from .primitives import Item, Line, Rect, Shape, Sheet, Text
from .style import STYLES
from .text import width, wrap
from .wording import intervals, leader, source

WIDE, HIGH, SIDE = 1200.0, 630.0, 64.0  # px; the margin left and right
TITLES = (("card-title", 2), ("card-title-2", 3))  # sizes, and how many lines fit in each
ROW, BAR = 96.0, 30.0  # px: from one of the two to the next, and how thick a bar is


def card(contest: Contest, headline: str) -> Sheet:
    """``headline``, then the errors of the two that are compared, or of the best alone, and what they are of."""
    room = WIDE - 2 * SIDE
    items: list[Item] = [Text(SIDE, 74, f"topfive on {inside(short(contest.dataset.title, 60))}", "card-note")]
    role, lines = next(
        ((role, lines) for role, most in TITLES if len(lines := _wrapped(headline, room, role)) <= most),
        ("card-title-3", _wrapped(headline, room, "card-title-3", most=4)),
    )
    y = 92.0
    for line in lines:
        y += STYLES[role].size * 1.18
        items.append(Text(SIDE, y, line, role))
    said = leader(contest)
    for line in _wrapped(f"{said}.", room, "card-text", most=2) if said and said not in headline else []:
        y += 40
        items.append(Text(SIDE, y, line, "card-text"))
    items += _rows(contest, room)
    for i, line in enumerate(_wrapped(source(contest, intervals(contest)), room, "card-note", most=2)):
        items.append(Text(SIDE, HIGH - 54 + 26 * i, line, "card-note"))
    return Sheet(WIDE, HIGH, headline, items)


def _wrapped(text: str, room: float, role: str, most: int = 0) -> list[str]:
    return wrap(text, room, STYLES[role].size, lines=most, bold=STYLES[role].weight >= 600)


def _rows(contest: Contest, room: float) -> list[Item]:
    """A bar of the error of each, with its interval."""
    shown = sorted(contest.headline_pair or range(min(1, len(contest.ranked))))
    items: list[Item] = []
    axis = errors("", 0, max((contest.errors[i].high for i in shown), default=1.0))
    value = max((width(_error(contest, i), 30, bold=True) for i in shown), default=0.0) + 20
    for n, i in enumerate(shown):
        contender, e = contest.ranked[i], contest.errors[i]
        y = HIGH - 110 - ROW * (len(shown) - n)
        items.append(Shape(SIDE + 9, y + 17, 9, MARKERS[contender.tone], "key", contender.tone))
        items.append(
            Text(SIDE + 30, y + 26, _wrapped(contest.titles[i], room - 60, "card-text", most=1)[0], "card-text")
        )
        start, end, low, high = (SIDE + (room - value) * axis.place(v) for v in (axis.low, e.value, e.low, e.high))
        middle = y + 40 + BAR / 2
        items.append(Rect(start, y + 40, max(end - start, 2), BAR, "bar", contender.tone, radius=3))
        items.append(Line(low, middle, high, middle, "whisker"))
        items += [Line(at, middle - 8, at, middle + 8, "whisker") for at in (low, high)]
        items.append(Text(SIDE + room, middle + 11, _error(contest, i), "card-value", "end"))
    return items


def _error(contest: Contest, i: int) -> str:
    return f"{percent(contest.errors[i].value)} error"
