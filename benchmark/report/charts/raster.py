"""A laid-out chart as PNG or PDF. matplotlib only rasterises: it is given the same primitives as the SVG, in the same
px, and draws no axis, tick or title of its own."""

from __future__ import annotations

import io
import math
import unicodedata
from functools import cache
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.text import Text as Written
from matplotlib.transforms import Affine2D, Transform
from matplotlib.typing import RcKeyType

from .primitives import Item, Line, Path, Rect, Shape, Sheet, Text, outline
from .style import NEUTRALS, SHADE, STYLES, Style, paint

DPI = 200
PX = 96  # px to the inch
POINT = 72 / PX  # points to the px
MARGIN = 16  # px around the chart
FONT = "DejaVu Sans"  # comes with matplotlib: the same everywhere
RC: dict[RcKeyType, Any] = {"font.family": FONT, "text.parse_math": False, "pdf.fonttype": 42}
# No date and no version inside: the same results give the same file.
METADATA = {"png": {"Software": None}, "pdf": {"CreationDate": None}}
ALIGN = {"start": "left", "middle": "center", "end": "right"}


def image(sheet: Sheet, form: str, dpi: int = DPI, margin: int = MARGIN) -> bytes:
    """The bytes of a "png" or "pdf" file, at ``dpi`` dots per inch; the same sheet gives the same ones.

    With 96 dots and no margin a PNG has the sheet's own px.
    """
    if form not in METADATA:
        raise ValueError(f"a figure is saved as png, svg or pdf, not as {form!r}")
    # Whole dots, and a hundredth for matplotlib, which rounds down.
    wide, high = ((math.ceil((size + 2 * margin) * dpi / PX) + 0.01) / dpi for size in (sheet.width, sheet.height))
    with mpl.rc_context():
        mpl.rcdefaults()  # nothing of the user's own style
        mpl.rcParams.update(RC)
        canvas = Canvas(figsize=(wide, high), dpi=dpi, facecolor=NEUTRALS["bg"])
        # From px of the sheet, y downwards, to inches from the lower left corner.
        inches = Affine2D().translate(margin, margin).scale(1 / PX, -1 / PX).translate(0, high)
        for z, item in enumerate(sheet.visible):
            artist = _artist(item, inches + canvas.dpi_scale_trans)
            artist.set_zorder(z)
            canvas.add_artist(artist)
        out = io.BytesIO()
        canvas.savefig(out, format=form, dpi=dpi, metadata=METADATA[form])
    return out.getvalue()


def _artist(item: Item, px: Transform) -> Artist:
    style = STYLES[item.role]
    match item:
        case Line():
            return _line([item.x1, item.x2], [item.y1, item.y2], style, style.dash, item, px)
        case Path():
            return _line([x for x, _ in item.points], [y for _, y in item.points], style, item.dash, item, px)
        case Rect() if item.radius:
            box = f"round,pad=0,rounding_size={min(item.radius, item.width / 2, item.height / 2)}"
            at = (item.x, item.y)
            return FancyBboxPatch(at, item.width, item.height, boxstyle=box, **_filled(item, style, px))
        case Rect():
            return Rectangle((item.x, item.y), item.width, item.height, **_filled(item, style, px))
        case Shape():
            corners = outline(item.marker, item.x, item.y, item.r)
            if corners:
                return Polygon(corners, closed=True, **_filled(item, style, px))
            return Circle((item.x, item.y), item.r, **_filled(item, style, px))
        case Text():
            return Written(
                item.x,
                item.y,
                printable(item.text),
                color=paint(style.fill, item.tone),
                fontsize=style.size * POINT,
                fontweight="bold" if style.weight >= 600 else "normal",
                ha=ALIGN[item.anchor],
                va="baseline",
                rotation=90 if item.turned else 0,
                rotation_mode="anchor",
                transform=px,
                path_effects=[withStroke(linewidth=4 * POINT, foreground=NEUTRALS["bg"])] if style.halo else None,
            )


def _line(
    xs: list[float], ys: list[float], style: Style, dash: tuple[float, ...], item: Line | Path, px: Transform
) -> Line2D:
    wide = style.width * POINT
    line = Line2D(xs, ys, color=paint(style.stroke, item.tone), linewidth=wide, alpha=style.opacity, transform=px)
    line.set_solid_capstyle("butt")
    if dash:
        line.set_linestyle((0, [length / style.width for length in dash]))  # in units of the line's width
        line.set_dash_capstyle("butt")
    return line


def _filled(item: Rect | Shape, style: Style, px: Transform) -> dict[str, Any]:
    shade = item.shade if isinstance(item, Rect) else None
    return {
        "facecolor": paint(style.fill, item.tone),
        "edgecolor": paint(style.stroke, item.tone),
        "linewidth": 0 if style.stroke == "none" else style.width * POINT,
        "alpha": style.opacity if shade is None else style.opacity * SHADE * shade,
        "transform": px,
    }


def printable(text: str) -> str:
    """What the font has; the rest as a box, control characters as spaces: a figure never fails over a name."""
    has = _glyphs()
    spaced = "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} else c for c in text)
    return "".join(c if ord(c) in has else "□" for c in spaced)


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=FONT))).get_charmap())
