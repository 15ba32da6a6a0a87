"""The families of contenders, and how each is told from the others everywhere: colour, marker, name and order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["hand", "deep", "pretrained", "shallow", "floor", "other", "rival", "ink"]
# "rival": the second of two that are compared, where both are of one family; "ink": what belongs to no family
Marker = Literal["square", "circle", "star", "diamond", "triangle", "plus", "wedge", "cross"]

HAND, DEEP, SHALLOW, FLOOR, OTHER = "hand-engineered", "deep", "learned, shallow", "floor", "other"
PRETRAINED = "pre-trained"  # has learned from other images too: shown, but on neither side of the verdict


@dataclass(frozen=True)
class Family:
    """``name`` is what a contender's ``family`` says, ``label`` what a legend writes.

    ``light`` and ``dark``: its colour, #rrggbb, on a light and on a dark ground. Hand-engineered and deep are vermilion
    and blue after Okabe and Ito, which stay apart under every common colour blindness; the rest is quieter.
    """

    name: str
    label: str
    tone: Tone
    marker: Marker
    light: str
    dark: str


FAMILIES: tuple[Family, ...] = (  # in the order of legends
    Family(HAND, "hand-engineered", "hand", "square", "#b4480a", "#f2955b"),
    Family(DEEP, "deep", "deep", "circle", "#0b62ab", "#6fb4f3"),
    Family(PRETRAINED, "pre-trained", "pretrained", "star", "#0a7a55", "#54c99f"),
    Family(SHALLOW, "learned, shallow", "shallow", "diamond", "#70509c", "#b99de2"),
    Family(FLOOR, "floor", "floor", "triangle", "#6b6b65", "#a0a09a"),
    Family(OTHER, "other", "other", "plus", "#4d4d48", "#c4c4be"),
)
RIVAL = Family("rival", "the second of the two compared", "rival", "wedge", "#a02675", "#ee9bd0")
PAINTED = (*FAMILIES, RIVAL)  # everything that has a colour of its own
MARKERS: dict[Tone, Marker] = {**{family.tone: family.marker for family in PAINTED}, "ink": "cross"}
_BY_NAME = {family.name: family for family in FAMILIES}


def family_of(name: str) -> Family:
    """The family a contender names; one that nobody knows is ``OTHER``."""
    return _BY_NAME.get(name, _BY_NAME[OTHER])


def tone_of(name: str) -> Tone:
    """The colour role of a family, by its name."""
    return family_of(name).tone
