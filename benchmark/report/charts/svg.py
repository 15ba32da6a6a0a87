"""A laid-out chart as SVG: inline for the page, whose style sheet paints it and so makes it follow the theme; and as a
file of its own, whose paints stand in it so that every program shows them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from markupsafe import Markup, escape

from ...families import MARKERS, Tone
from .primitives import Item, Line, Path, Rect, Shape, Sheet, Text, outline
from .style import FONTS, NEUTRALS, SHADE, STYLES, paint

Attributes = dict[str, str | float | None]
MARGIN = 16  # px around a file's chart


def inline(sheet: Sheet, room: float) -> Markup:
    """For the page, in a column of ``room`` px: it shrinks with its column; one wider than ``room`` keeps its size."""
    style = f"--wide:{sheet.width:g}px" + (f";min-width:{sheet.width:g}px" if sheet.width > room else "")
    size = f'viewBox="0 0 {_n(sheet.width)} {_n(sheet.height)}" width="{_n(sheet.width)}" height="{_n(sheet.height)}"'
    items = "".join(_element(item, _classes) for item in sheet.items)
    return Markup(
        f'<svg {size} role="img" aria-label="{_clean(sheet.summary)}" class="fig" style="{style}">{items}</svg>'
    )


def document(sheet: Sheet) -> bytes:
    """A file: light, on its own ground, with a margin. The same sheet gives the same bytes."""
    wide, high = sheet.width + 2 * MARGIN, sheet.height + 2 * MARGIN
    items = "".join(_element(item, _paints) for item in sheet.visible)
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-MARGIN} {-MARGIN} {_n(wide)} {_n(high)}" '
        f'width="{_n(wide)}" height="{_n(high)}" role="img" font-family="{escape(FONTS)}">\n'
        f"<title>{_clean(sheet.summary)}</title>\n"
        f'<rect x="{-MARGIN}" y="{-MARGIN}" width="{_n(wide)}" height="{_n(high)}" fill="{NEUTRALS["bg"]}"/>\n'
        f"{items}\n</svg>\n"
    )
    return text.encode()


def key(tone: Tone) -> Markup:
    """A family's marker for legends and tables, in a box of 14 by 14."""
    return Markup(_element(Shape(7, 7, 5.2, MARKERS[tone], "", tone), lambda item: {}))


def _classes(item: Item) -> Attributes:
    """What the page's style sheet paints by; ``m`` is what says something under the pointer."""
    tip = item.tip if isinstance(item, Rect | Shape) else ""
    shade = item.shade if isinstance(item, Rect) else None
    return {
        "class": f"{'m ' if tip else ''}{item.role}" + ("" if item.tone == "ink" else f" t-{item.tone}"),
        "data-tip": tip or None,
        "data-open": (item.opens or None) if isinstance(item, Rect | Shape) else None,
        "style": None if shade is None else f"--v:{shade:.2f}",
    }


def _paints(item: Item) -> Attributes:
    style = STYLES[item.role]
    fill, stroke = paint(style.fill, item.tone), paint(style.stroke, item.tone)
    shade = item.shade if isinstance(item, Rect) else None
    dash = item.dash if isinstance(item, Path) else style.dash
    return {
        "fill": fill,
        "stroke": None if stroke == "none" else stroke,
        "stroke-width": None if stroke == "none" else style.width,
        "stroke-linejoin": "round" if isinstance(item, Path) else None,
        "stroke-dasharray": " ".join(f"{length:g}" for length in dash) if dash else None,
        "opacity": None if style.opacity == 1 else style.opacity,
        "fill-opacity": None if shade is None else round(SHADE * shade, 3),
        "font-size": style.size or None,
        "font-weight": None if style.weight == 400 else style.weight,
    }


def _element(item: Item, attributes: Callable[[Item], Attributes]) -> str:
    painted = attributes(item)
    match item:
        case Line():
            return _tag("line", painted, x1=item.x1, y1=item.y1, x2=item.x2, y2=item.y2)
        case Rect():
            radius = item.radius or None
            return _tag("rect", painted, x=item.x, y=item.y, width=item.width, height=item.height, rx=radius)
        case Path():
            if "class" in painted and item.dash:
                painted["stroke-dasharray"] = " ".join(f"{length:g}" for length in item.dash)
            return _tag("polyline", painted, points=" ".join(f"{_n(x)},{_n(y)}" for x, y in item.points))
        case Shape():
            corners = outline(item.marker, item.x, item.y, item.r)
            if not corners:
                return _tag("circle", painted, cx=item.x, cy=item.y, r=item.r)
            return _tag("polygon", painted, points=" ".join(f"{_n(x)},{_n(y)}" for x, y in corners))
        case Text():
            return _text(item, painted)


def _text(item: Text, painted: Attributes) -> str:
    place: Attributes = {"text-anchor": None if item.anchor == "start" else item.anchor}
    if item.turned:
        place["transform"] = f"translate({_n(item.x)} {_n(item.y)}) rotate(-90)"
    else:
        place |= {"x": item.x, "y": item.y}
    text = _clean(item.text)
    whole = _tag("text", place | painted, text)
    if "class" in painted or not STYLES[item.role].halo:
        return whole
    # Not every program paints a stroke before the fill: the halo is a text of its own, behind.
    bg = NEUTRALS["bg"]
    rim: Attributes = {"fill": bg, "stroke": bg, "stroke-width": 4, "stroke-linejoin": "round", "aria-hidden": "true"}
    return _tag("text", place | painted | rim, text) + whole


def _tag(name: str, attributes: Attributes, text: Markup | None = None, /, **geometry: str | float | None) -> str:
    every: Attributes = {**geometry, **attributes}
    written = "".join(
        f' {key}="{_n(value) if isinstance(value, int | float) else _clean(value)}"'
        for key, value in every.items()
        if value is not None
    )
    return f"<{name}{written}/>" if text is None else f"<{name}{written}>{text}</{name}>"


def _n(value: float) -> str:
    """A length, to a tenth of a px (opacities have three digits of their own)."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if 0 < abs(value) < 1 else f"{value:.1f}".removesuffix(".0")


def _clean(text: str) -> Markup:
    """Escaped, and without what no XML file can hold: control characters and halves of surrogate pairs."""
    kept = "".join(
        " " if (kind := unicodedata.category(c)) in {"Cc", "Zl", "Zp"} else "\ufffd" if kind == "Cs" else c
        for c in text
    )
    return escape("".join("\ufffd" if c in "\ufffe\uffff" else c for c in kept))
