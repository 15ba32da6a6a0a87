"""How long the rest of a run takes, from the cells that have ended and what the running ones say of themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SAID = re.compile(r"(\d+(?:\.\d+)?) (s|min) left\b")  # as a contender may write it in its line of progress


@dataclass(frozen=True)
class Ahead:
    """A cell that has not begun: its name, what is fitted on what (``work``), and on how many training images."""

    name: str
    work: str
    images: int


class Remaining:
    """Told of each cell's beginning, words and end; ``seconds`` says what is left. Times are of one clock, in seconds.

    A cell takes what the same work took before it, its fit in proportion to its images; where there is no such cell
    yet, what the others took on average. A running one that has outlived that, or of which nothing is known, is taken
    to be half way, unless it says itself how long it has to go.
    """

    def __init__(self, ahead: Sequence[Ahead] = (), at_once: int = 1) -> None:
        self._ahead = list(ahead)
        self._at_once = at_once
        self._running: dict[str, tuple[Ahead, float]] = {}
        self._ends: dict[str, float] = {}  # when a running one will have ended, by its own words
        self._took: dict[str, tuple[float, float, int]] = {}  # of work: seconds, those of its fit, images
        self._all: list[float] = []

    def started(self, name: str, now: float) -> None:
        """One of those ahead begins."""
        found = next((one for one in self._ahead if one.name == name), None)
        if found is not None:
            self._ahead.remove(found)
        self._running[name] = found or Ahead(name, name, 1), now

    def said(self, name: str, message: str, now: float) -> None:
        """A running one says what it does: "epoch 3/10: …, 1.5 min left"."""
        found = SAID.search(message)
        if found is not None:
            self._ends[name] = now + float(found[1]) * (60 if found[2] == "min" else 1)

    def ended(self, name: str, now: float, fit: float = 0.0) -> None:
        """A running one is over, however it ended; ``fit`` of its seconds were spent in fitting."""
        one, began = self._running.pop(name)
        self._ends.pop(name, None)
        self._took[one.work] = now - began, min(fit, now - began), one.images
        self._all.append(now - began)

    def seconds(self, now: float) -> float | None:
        """Of the whole rest; None while nothing is known."""
        if not self._all and (self._ahead or not self._ends):
            return None
        running = []
        for name, (one, began) in self._running.items():
            spent = now - began
            rest = self._expected(one) - spent
            running.append(max(self._ends[name] - now, 0.0) if name in self._ends else rest if rest > 0 else spent)
        ahead = sum(self._expected(one) for one in self._ahead)
        return max([(sum(running) + ahead) / self._at_once, *running])

    def _expected(self, one: Ahead) -> float:
        if one.work in self._took:
            seconds, fit, images = self._took[one.work]
            return seconds - fit + fit * one.images / max(images, 1)
        return sum(self._all) / len(self._all) if self._all else 0.0


def roughly(seconds: float) -> str:
    """For people: "a few seconds", "about 40 s", "about 12 min", "about 3.5 h"."""
    if seconds < 8:
        return "a few seconds"
    if seconds < 90:
        return f"about {5 * round(seconds / 5)} s"
    return f"about {seconds / 60:.0f} min" if seconds < 90 * 60 else f"about {seconds / 3600:.1f} h"
