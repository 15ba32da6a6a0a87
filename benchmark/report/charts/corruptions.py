"""Error against the severity of damage: the mean over the kinds of it, and each kind by itself."""

from __future__ import annotations

from functools import partial

from ..analysis.contest import Contest
from ..analysis.robustness import Robustness
from . import robustness
from .figure import Figure


def figure(contest: Contest, found: Robustness) -> Figure:
    """The mean over the kinds of damage."""
    kinds = len(found.values("corruption"))
    groups = [(str(s), found.columns(severity=s)) for s in sorted(found.values("severity"))]
    title = "Error as the images are damaged" + (f", mean over {kinds} kinds" if kinds > 1 else "")
    return robustness.figure(
        contest, found, "corruptions", "Damage", title, "severity of the damage", groups, written="severity {}".format
    )


def figures(contest: Contest, found: Robustness) -> list[Figure]:
    """A small one for each kind; none where there is one kind only."""
    kinds = found.values("corruption")
    out = []
    for kind in kinds if len(kinds) > 1 else []:
        groups = [(str(s), found.columns(corruption=kind, severity=s)) for s in sorted(found.values("severity"))]
        groups = [(name, columns) for name, columns in groups if columns]
        title = str(kind).replace("-", " ").capitalize()
        drawn = robustness.figure(
            contest,
            found,
            f"corruption-{kind}",
            title,
            f"Error as it grows more severe: {kind}".replace("-", " "),
            "severity",
            groups,
            small=True,
            written=partial("{}, severity {}".format, title),
        )
        out.append(drawn)
    return out
