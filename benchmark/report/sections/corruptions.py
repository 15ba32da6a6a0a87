"""When images are damaged: the answers to the probe ``corruptions``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..analysis.asked import told, unasked
from ..analysis.contest import Contest
from ..analysis.estimate import Estimate
from ..analysis.robustness import Robustness, between, contrast, estimate, mean_corruption_errors, robustness
from ..charts import corruptions
from ..numbers import decimal, percent
from ..tables import Column, Table, Value, number, who
from .parts import Charts, Folded, Html, Numbers, Part, Section, Text
from .pictures import Picture, gallery, may_be_shown

REFERENCE = "alexnet"  # whose errors the mean corruption error counts in
UNDEFINED = (
    f"Relative mCE is a mean of ratios to the rise of {REFERENCE}'s error; under some kind of damage it does not rise "
    "on these images, so there is none."
)
NO_REFERENCE = f"No mean corruption error: it counts in the errors of {REFERENCE}, which did not answer in this run."


class Corruptions:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where the probe was not asked."""
        found = robustness(contest, "corruption")
        if found is None:
            return None
        kinds, severities = (len(found.values(axis)) for axis in ("corruption", "severity"))
        over = f", on average over {kinds} kinds of damage at {severities} severities"
        protocol = (
            f"Kinds and severities after Hendrycks and Dietterich (2019), made here, on {found.images:,} validation "
            "images, the same for every contender. Each was trained on images as they are."
        )
        parts: list[Part] = [Charts([corruptions.figure(contest, found)])]
        shown = pictures(contest)
        parts += [] if shown is None else [shown]
        scored = mean_errors(contest)
        parts += [Text([NO_REFERENCE], "small")] if scored is None else [Numbers(scored)]
        undefined = scored is not None and any(row[3].text == "–" for row in scored.rows)
        parts += [Text([UNDEFINED], "small")] if undefined else []
        parts.append(Numbers(by_kind(contest, found)))
        each = corruptions.figures(contest, found)
        parts += [Folded(f"Each of the {len(each)} kinds, by severity", [Charts(each)])] if each else []
        parts.append(Text([protocol, *unasked(contest, [panel.contender for panel in found.panels])], "small"))
        return Section(
            "corruptions", "When images are damaged", contrast(contest, found, "Damage", over), parts, "Damage"
        )


def mean_errors(contest: Contest) -> Table | None:
    """mCE and relative mCE of each contender, top-1, against the run's own AlexNet; None where there is none."""
    found = robustness(contest, "corruption", 1)
    reference = (
        next((p for p in found.panels if contest.ranked[p.contender].method == REFERENCE), None) if found else None
    )
    if found is None or reference is None:
        return None
    groups = [found.columns(corruption=kind) for kind in found.values("corruption")]
    named = contest.ranked[reference.contender].title
    columns = [
        Column("contender"),
        Column("mCE", True, f"mean corruption error: sums over severities in units of {named}'s, mean over kinds"),
        Column("95 %", True),
        Column("relative mCE", True, "the same of the rise above the error on images as they are"),
        Column("95 %", True),
        Column("as they are", True, "top-1 error"),
        Column("damaged", True, "top-1 error, mean over kinds and severities"),
    ]
    rows = []
    for panel in found.panels:
        contender = contest.ranked[panel.contender]
        mce, relative = mean_corruption_errors(panel, reference, groups)
        plain, damaged = estimate(panel.errors[:, 0]), estimate(panel.mean())
        rows.append(
            [
                who(contender),
                *_hundredths(mce),
                *_hundredths(relative),
                number(percent(plain.value), plain.value),
                number(percent(damaged.value), damaged.value),
            ]
        )
    return Table("mce", f"Mean corruption error, top-1, in units of {named}", columns, rows)


def _hundredths(e: Estimate) -> list[Value]:
    if not np.isfinite(e.value):
        return [number("–", None), number("–", None)]
    low, high = decimal(100 * e.low, 1), decimal(100 * e.high, 1) if np.isfinite(e.high) else "∞"
    return [number(decimal(100 * e.value, 1), 100 * e.value), number(f"{low} to {high}", 100 * e.high)]


def by_kind(contest: Contest, found: Robustness) -> Table:
    """Each kind of damage: the mean error over its severities, a column a contender."""
    columns = [Column("damage")]
    for panel in found.panels:
        help = f"mean top-{contest.k} error over the severities"
        columns += [Column(contest.ranked[panel.contender].title, True, help), Column("95 %", True)]
    kinds: Sequence[tuple[str, list[int] | None]] = [
        ("none", None),
        *((str(kind), found.columns(corruption=kind)) for kind in found.values("corruption")),
    ]
    rows = []
    for kind, which in kinds:
        row = [Value(kind)]
        for panel in found.panels:
            e = estimate(panel.errors[:, 0] if which is None else panel.mean(which))
            row += [number(percent(e.value), e.value), between(e)]
        rows.append(row)
    return Table("damage", "Error by kind of damage", columns, rows)


def pictures(contest: Contest) -> Html | None:
    """One image under each kind; None where the run's pictures may not be shown."""
    rows = next((rows for one in told(contest, "corruptions") if (rows := one.rows("pictures"))), [])
    if not rows or not may_be_shown(contest):
        return None
    shown = [Picture(row["picture"], row["corruption"].replace("-", " ") or "as it is") for row in rows]
    return gallery(f"What the damage looks like: severity {max(row['severity'] for row in rows)}", shown)
