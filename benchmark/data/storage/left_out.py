"""What is there and not used: counted by reason, with the name of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .printing import printable

HIDDEN = "hidden, or left behind by a system or another program"
STUB = "a stub of a file that is in the cloud, not here"
NOT_IMAGE = "no image"
ARCHIVE = "an archive inside a folder, not opened"
NO_CLASS = "in no class folder"
NO_SPLIT = "in no folder of the splits"
NO_LABEL = "without a label"
TEST = "of a test split, and there is a validation split"


@dataclass(frozen=True)
class LeftOut:
    """``count`` files that are not used for one ``reason``; ``example`` names one of them.

    told: a run says so too, because they may be images that somebody would miss; the others are for ``inspect`` alone.
    """

    reason: str
    count: int
    example: str
    told: bool = True

    def sentence(self) -> str:
        """For a note of the data set."""
        return f"Not used: {self.count:,} file{'s' * (self.count != 1)}: {self.reason} (for instance {self.example})."


class Tally:
    """Adds up what is left out."""

    def __init__(self, *parts: Iterable[LeftOut]) -> None:
        self._by_reason: dict[str, LeftOut] = {}
        for part in parts:
            for one in part:
                self.add(one.reason, one.example, one.count, told=one.told)

    def add(self, reason: str, example: str, count: int = 1, *, told: bool = True) -> None:
        """``count`` more for this reason."""
        example = printable(example)
        if not count:
            return
        known = self._by_reason.get(reason)
        if known is None:
            self._by_reason[reason] = LeftOut(reason, count, example, told)
        else:
            self._by_reason[reason] = replace(known, count=known.count + count, example=min(known.example, example))

    def all(self) -> tuple[LeftOut, ...]:
        """Sorted by the reason, so that it does not depend on the order of the files."""
        return tuple(self._by_reason[reason] for reason in sorted(self._by_reason))
