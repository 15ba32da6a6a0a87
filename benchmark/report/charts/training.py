"""Curves that contenders recorded while they trained: on the images they learned from and on those held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...families import Tone
from ..analysis.contest import Contest
from ..numbers import named
from .axes import around, errors, linear
from .figure import Figure, Mark, lines
from .wording import source

LOSS = (("loss", "training"), ("train_loss", "training"), ("held_out_loss", "held out"))
ERROR = (("train_error", "training"), ("held_out_error", "held out"))


def figures(contest: Contest) -> list[Figure]:
    """Loss and top-1 error by epoch, of the first twelve contenders, first seed; those that anybody recorded."""
    asked: list[tuple[str, str, tuple[tuple[str, str], ...], Callable[[float], str]]] = [
        ("loss", "Loss", LOSS, lambda v: f"{v:.3g}"),
        ("error", "Top-1 error on training and held-out images", ERROR, lambda v: f"{100 * v:.3g}\u00a0%"),
    ]
    out = []
    for key, title, fields, text in asked:
        drawn = list[tuple[str, Tone, list[Mark]]]()
        for contender in contest.ranked[:12]:
            for field, what in fields:
                name = f"{contender.title}, {what}"
                marks = [
                    Mark(x, y, f"{name}, epoch {x:g}: {text(y)}") for x, y in _recorded(contender.record.history, field)
                ]
                if len(marks) > 1:
                    drawn.append((name, contender.tone, marks))
        if drawn:
            every = [m for _, _, marks in drawn for m in marks]
            x = linear("epoch", min(m.x for m in every), max(m.x for m in every), lambda v: f"{v:g}", whole=True)
            x = replace(x, high=x.high + 0.3 * (x.high - x.low))  # room for names at the ends of lines
            low, high = around([m.y for m in every])
            label = title.split(" on ")[0].lower()
            y = errors(label, low, high) if key == "error" else linear(label, max(low, 0), high, text)
            about = source(contest, "The first seed's training.")
            said = _title(drawn, text, label)
            out.append(
                Figure(
                    f"training-{key}",
                    said,
                    f"{title} by epoch.",
                    x,
                    y,
                    lines(drawn),
                    small=True,
                    source=about,
                    subtitle=f"{title}, by epoch",
                )
            )
    return out


def _title(drawn: Sequence[tuple[str, Tone, list[Mark]]], text: Callable[[float], str], label: str) -> str:
    """Where the first contender's curves end."""
    name = drawn[0][0].rpartition(", ")[0]
    ends = [(which.rpartition(", ")[2], marks[-1]) for which, _, marks in drawn if which.rpartition(", ")[0] == name]
    said = " and ".join(f"{text(end.y)} on {what}" for what, end in ends)
    return f"{named(name)} ends at a {label} of {said} images"


def _recorded(history: Sequence[Mapping[str, Any]], field: str) -> list[tuple[float, float]]:
    """(epoch, value) of the records that hold a finite number under that name."""
    return [
        (float(record.get("epoch", j)), float(record[field]))
        for j, record in enumerate(history)
        if isinstance(record.get(field), int | float) and np.isfinite(record[field])
    ]
