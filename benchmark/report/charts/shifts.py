"""Error against how far an image is moved, turned, scaled, greyed or compressed: one small figure a kind."""

from __future__ import annotations

from collections.abc import Mapping

from ...conditions import Scalar
from ..analysis.contest import Contest
from ..analysis.robustness import Robustness
from . import robustness
from .figure import Figure

UNITS: Mapping[str, tuple[str, str]] = {  # the axis, and how an amount is written
    "translation": ("moved by, pixels", "{} px"),
    "rotation": ("turned by, degrees", "{}°"),
    "scale": ("scaled by", "× {}"),
    "grey": ("share of the colour that is gone", "{}"),
    "jpeg": ("JPEG quality", "quality {}"),
}
TITLES = {"jpeg": "JPEG"}


def figures(contest: Contest, found: Robustness) -> list[Figure]:
    """A kind a figure."""
    out = []
    for kind in map(str, found.values("shift")):
        label, form = UNITS.get(kind, ("amount", "{}"))
        which = found.columns(shift=kind)
        groups = [(f"{float(found.conditions[i]['amount']):g}", [i]) for i in which]
        title = TITLES.get(kind, kind.capitalize())
        out.append(
            robustness.figure(
                contest,
                found,
                f"shift-{kind}",
                title,
                f"Error against how much: {label}",
                label,
                groups,
                small=True,
                written=form.format,
            )
        )
    return out


def written(condition: Mapping[str, Scalar]) -> str:
    """ "5 px", "quality 75"."""
    return UNITS.get(str(condition["shift"]), ("", "{}"))[1].format(f"{float(condition['amount']):g}")
