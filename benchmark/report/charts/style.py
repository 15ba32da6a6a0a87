"""How each role is painted, once: the page's style sheet is written from it, and the files' own light style is read."""

from __future__ import annotations

from dataclasses import dataclass

from ...families import PAINTED, Tone

FONTS = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif'
)
# A file is printed or put into a paper: its ground is white. The page's own neutrals are in style.css.
NEUTRALS = {"bg": "#ffffff", "ink": "#1c1c19", "soft": "#5a5a54", "line": "#e2e1da"}
COLOURS: dict[Tone, str] = {**{family.tone: family.light for family in PAINTED}, "ink": NEUTRALS["soft"]}
SHADE = 0.58  # opacity of a matrix's strongest cell on a light ground; the page's --mix
DASHES: tuple[tuple[float, ...], ...] = ((), (7, 4), (9, 4, 2, 4), (14, 4), (1, 3), (2, 4))  # the last: DOTTED


@dataclass(frozen=True)
class Style:
    """Paints are "none", "tone" or a neutral's name; lengths are px. ``size``: of a text. ``halo``: a rim around it."""

    fill: str = "none"
    stroke: str = "none"
    width: float = 1.0
    dash: tuple[float, ...] = ()
    opacity: float = 1.0
    size: float = 0.0
    weight: int = 400
    halo: bool = False


def _text(size: float, fill: str = "soft", weight: int = 400, *, halo: bool = False) -> Style:
    return Style(fill=fill, size=size, weight=weight, halo=halo)


STYLES: dict[str, Style] = {
    "grid": Style(stroke="line"),
    "base": Style(stroke="soft", opacity=0.6),
    "rule": Style(stroke="soft", opacity=0.75, dash=(4, 3)),
    "band": Style(fill="soft", opacity=0.13),
    "line": Style(stroke="tone", width=1.8),
    "step": Style(stroke="tone", width=1.3, opacity=0.8),
    "err": Style(stroke="tone", width=1.6, opacity=0.55),
    "lane": Style(stroke="soft", width=1.2),
    "row": Style(fill="soft", opacity=0),  # catches the pointer anywhere in a row
    "interval": Style(fill="tone", opacity=0.32),
    "bar": Style(fill="tone", opacity=0.85),
    "cell": Style(fill="tone"),
    "mark": Style(fill="tone", stroke="bg"),
    "hollow": Style(fill="bg", stroke="tone", width=1.7),
    "quiet": Style(fill="tone", opacity=0),  # a point of a line that is shown without points
    "key": Style(fill="tone"),
    "title": _text(15, "ink", 600),
    "subtitle": _text(12.5),
    "source": _text(10.5),
    "legend": _text(12),
    "axis": _text(12),
    "tick": _text(12),
    "note": _text(11.5, halo=True),
    "name": _text(12, "tone", 550, halo=True),
    "who": _text(15, "ink"),
    "value": _text(15, "ink", 600),
    "range": _text(12.5),
    "class": _text(12, "ink"),
    "number": _text(11, "ink"),
    "small-class": _text(10, "ink"),
    "small-number": _text(9, "ink"),
    "card-title": _text(54, "ink", 600),
    "card-title-2": _text(42, "ink", 600),
    "card-title-3": _text(32, "ink", 600),
    "card-text": _text(27, "ink"),
    "card-value": _text(30, "ink", 600),
    "card-note": _text(20),
    "whisker": Style(stroke="ink", width=2),
}


def paint(name: str, tone: Tone) -> str:
    """The colour of a paint in a file, or "none"."""
    return "none" if name == "none" else COLOURS[tone] if name == "tone" else NEUTRALS[name]


def style_sheet() -> str:
    """CSS of the charts on the page: the families' colours in both themes and in print, and every role."""
    light, dark = ("".join(f"--{f.tone}:{getattr(f, theme)};" for f in PAINTED) for theme in ("light", "dark"))
    rules = [
        f":root{{--sans:{FONTS};{light}}}",
        f'@media (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{dark}}}}}',
        f':root[data-theme="dark"]{{{dark}}}',
        f'@media print{{:root,:root[data-theme="dark"],:root:not([data-theme="light"]){{{light}}}}}',
        *(f".t-{family.tone}{{--tone:var(--{family.tone})}}" for family in PAINTED),
        ".t-ink{--tone:var(--soft)}",
        *(f".fig .{role}{{{_declarations(style)}}}" for role, style in STYLES.items()),
    ]
    return "\n".join(rules) + "\n"


def _declarations(style: Style) -> str:
    fill, stroke = (name if name == "none" else f"var(--{name})" for name in (style.fill, style.stroke))
    out = [f"fill:{fill}"]
    if style.size:
        out.append(f"font:{style.weight} {style.size:g}px var(--sans)")
    if style.halo:
        out.append("paint-order:stroke;stroke:var(--bg);stroke-width:4px;stroke-linejoin:round")
    if style.stroke != "none":
        out.append(f"stroke:{stroke};stroke-width:{style.width:g}")
    if style.dash:
        out.append(f"stroke-dasharray:{' '.join(map('{:g}'.format, style.dash))}")
    if style.opacity != 1:
        out.append(f"opacity:{style.opacity:g}")
    return ";".join(out)
