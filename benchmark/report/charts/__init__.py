"""The report's charts: one file each, described once and laid out once, for the page and for the files beside it.

A chart's file holds a function ``figure`` (or ``figures``) from a contest to what the chart says (figure.py). layout.py
turns that into primitives, svg.py and raster.py write these.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup
from topfive.common.files import write_atomic

from ..analysis.contest import Contest
from . import svg
from .card import card
from .figure import Chart
from .layout import lay_out, stand_alone
from .primitives import Sheet

FORMATS = ("png", "svg", "pdf")


def draw(chart: Chart, room: int) -> Markup:
    """Inline SVG for a column of ``room`` px."""
    return svg.inline(lay_out(chart, room), room)


def save(chart: Chart, folder: Path, formats: Sequence[str] = FORMATS, prefix: str = "") -> None:
    """Write ``<prefix><key>.<format>`` for each format of "png", "svg" and "pdf" into ``folder``."""
    sheet = stand_alone(chart)
    for form in formats:
        write_atomic(folder / f"{prefix}{chart.key}.{form}", _bytes(sheet, form))


def save_card(contest: Contest, headline: str, folder: Path, prefix: str = "") -> str:
    """Write ``<prefix>card.png`` into ``folder``: the verdict for links and messages. Its name."""
    from .raster import PX, image

    name = f"{prefix}card.png"
    write_atomic(folder / name, image(card(contest, headline), "png", dpi=PX, margin=0))
    return name


def picture(chart: Chart, form: str) -> bytes:
    """A file of its own: "png", "svg" or "pdf"."""
    return _bytes(stand_alone(chart), form)


def _bytes(sheet: Sheet, form: str) -> bytes:
    if form == "svg":
        return svg.document(sheet)
    from .raster import image  # matplotlib takes a second to import

    return image(sheet, form)
