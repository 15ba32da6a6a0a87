"""Error against how far an image is moved, turned, scaled, greyed or compressed: one small figure a kind."""

from __future__ import annotations

from collections.abc import Mapping

from ...conditions import Scalar
from ..analysis.contest import Contest
from ..analysis.robustness import Robustness
from . import robustness
from .figure import Figure

UNITS: Mapping[str, tuple[str, str]] = {  # the axis, and how an amount is written
    "translation": ("moved by, pixels", "{:g} px"),
    "rotation": ("turned by, degrees", "{:g}°"),
    "scale": ("scaled by", "× {:g}"),
    "grey": ("share of the colour that is gone", "{:g}"),
    "jpeg": ("JPEG quality", "quality {:g}"),
}
TITLES = {"jpeg": "JPEG"}


def figures(contest: Contest, found: Robustness) -> list[Figure]:
    """A kind a figure."""
    out = []
    for kind in map(str, found.values("shift")):
        label, form = UNITS.get(kind, ("amount", "{:g}"))
        which = found.columns(shift=kind)
        groups = [(f"{float(found.conditions[i]['amount']):g}", [i]) for i in which]
        title = TITLES.get(kind, kind.capitalize())
        out.append(
            robustness.figure(
                contest,
                found,
                f"shift-{kind}",
                title,
                label,
                groups,
                small=True,
                written=lambda amount, form=form: form.format(float(amount)),  # type: ignore[misc]
            )
        )
    return out


def written(condition: Mapping[str, Scalar]) -> str:
    """ "5 px", "quality 75"."""
    return UNITS.get(str(condition["shift"]), ("", "{:g}"))[1].format(float(condition["amount"]))
