"""The report's sections, one file each, in the order of ``SECTIONS``; other packages' by the group topfive.sections."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from ...contenders.discovery import SECTION, discover
from ..analysis.contest import Contest
from .attack import Attack
from .checks import Checks
from .classes import Classes
from .closer import Closer
from .corruptions import Corruptions
from .cost import Cost
from .explorer import Explorer
from .ingredients import Ingredients
from .learning import Learning
from .made_of import MadeOf
from .numbers import AllNumbers
from .occlusion import Occlusion
from .parts import Builder, Section, Text
from .record import TheRecord
from .shifts import Shifts
from .throughput import Throughput
from .training import Training
from .transfer import Transfer
from .undone import Undone
from .verdict import FirstScreen

log = logging.getLogger("topfive.report")

# What a study asks comes right after the verdict.
SECTIONS: tuple[type[Builder], ...] = (
    FirstScreen,
    Learning,
    Transfer,
    Ingredients,
    Corruptions,
    Attack,
    Shifts,
    Occlusion,
    MadeOf,
    Throughput,
    AllNumbers,
    TheRecord,
    Cost,
    Classes,
    Explorer,
    Closer,
    Training,
    Undone,
    Checks,
)


def foreign(plugins: Sequence[str]) -> list[Any]:
    """Builders of other packages and of plugin files. Raises InputError for a file that is none."""
    return [(entry, entry.load()) for entry in discover(list(plugins), SECTION).values()]


def sections_of(contest: Contest, foreign_builders: Sequence[Any] = ()) -> list[Section]:
    """Every section that has something to say, in order. One of another package that fails says so in its place."""
    found = [section for builder in SECTIONS if (section := builder().build(contest)) is not None]
    for entry, factory in foreign_builders:
        try:
            section = factory().build(contest)
        except Exception as error:  # another package's fault must not cost the whole report
            log.warning("section %s: %s: %s", entry.name, type(error).__name__, error)
            reason = f"This section ({entry.target}) could not be made: {type(error).__name__}: {error}"
            section = Section(f"failed-{entry.name}", entry.name, parts=[Text([reason])])
        if section is not None:
            keys = [one.key for one in found]
            after = getattr(factory, "after", "")
            found.insert(keys.index(after) + 1 if after in keys else len(found) - 1, section)
    return found
