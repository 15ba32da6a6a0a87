"""When images are moved a little: the answers to the probe ``shifts``."""

from __future__ import annotations

from ..analysis.asked import unasked
from ..analysis.contest import Contest
from ..analysis.robustness import Robustness, between, contrast, estimate, robustness
from ..charts import shifts
from ..numbers import percent
from ..tables import Column, Table, Value, number, text
from .parts import Charts, Numbers, Part, Section, Text


class Shifts:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where the probe was not asked."""
        found = robustness(contest, "shift")
        if found is None:
            return None
        kinds = found.values("shift")
        over = f", on average over {len(found.conditions)} changes of {len(kinds)} kinds"
        protocol = (
            f"On {found.images:,} validation images, the same for every contender, each moved in one direction at "
            "all amounts; what comes in at the border is mirrored. After Azulay and Weiss, and "
            "Engstrom et al. (2019)."
        )
        parts: list[Part] = [Charts(shifts.figures(contest, found)), Numbers(by_amount(contest, found))]
        parts.append(Text([protocol, *unasked(contest, [panel.contender for panel in found.panels])], "small"))
        return Section(
            "shifts",
            "When images are moved a little",
            contrast(contest, found, "A small change", over),
            parts,
            "Shifts",
        )


def by_amount(contest: Contest, found: Robustness) -> Table:
    """The error at each kind and amount."""
    columns = [Column("change"), Column("amount", True)]
    for panel in found.panels:
        help = f"top-{contest.k} error"
        columns += [Column(contest.ranked[panel.contender].title, True, help), Column("95 %", True)]
    rows = []
    for i, condition in enumerate([None, *found.conditions]):
        amount = None if condition is None else float(condition["amount"])
        name = text("none") if condition is None else Value(str(condition["shift"]))
        row = [name, number("–" if condition is None else shifts.written(condition), amount)]
        for panel in found.panels:
            e = estimate(panel.errors[:, i])
            row += [number(percent(e.value), e.value), between(e)]
        rows.append(row)
    return Table("shifts", "Error by change", columns, rows)
