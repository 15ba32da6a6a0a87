"""The same figures as files at publication quality: PNG, and SVG or PDF on request.

matplotlib's object interface only: no global state, no display, and nothing of the user's own style.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patheffects import withStroke
from matplotlib.typing import RcKeyType

from .figures import Figure, Matrix, Ranking, Tone, lanes
from .labels import place
from .numbers import percent, short

# Two hues that stay apart under every common colour blindness (blue and vermilion, after Okabe & Ito); the rest is
# quieter. The page's style sheet has the same.
COLOURS: dict[Tone, str] = {
    "hand": "#b4480a",
    "deep": "#0b62ab",
    "shallow": "#70509c",
    "floor": "#6b6b65",
    "other": "#4d4d4a",
    "ink": "#8f8f89",
}
MARKERS: dict[Tone, str] = {"hand": "s", "deep": "o", "shallow": "D", "floor": "^", "other": "o", "ink": "o"}
DASHES: tuple[tuple[float, ...], ...] = ((), (6, 3), (2, 3), (7, 3, 2, 3), (11, 3), (1, 2))
HALO = withStroke(linewidth=3, foreground="white")  # so that a line behind a name does not run through it
STYLE: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9a9a94",
    "axes.labelcolor": "#4d4d4a",
    "xtick.color": "#4d4d4a",
    "ytick.color": "#4d4d4a",
    "grid.color": "#e4e4df",
    "text.parse_math": False,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


def save(figure: Figure | Ranking | Matrix, folder: Path, formats: Sequence[str] = ("png",), prefix: str = "") -> None:
    """Write ``<prefix><key>.<format>`` for each format into ``folder``, 200 dots per inch."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        sheet = _sheet(figure)
        for name in formats:
            # No date inside: the same results give the same file.
            metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(name)
            sheet.savefig(folder / f"{prefix}{figure.key}.{name}", dpi=200, metadata=metadata)


def _sheet(figure: Figure | Ranking | Matrix) -> Sheet:
    if isinstance(figure, Ranking):
        return _ranking(figure)
    return _matrix(figure) if isinstance(figure, Matrix) else _xy(figure)


def _xy(figure: Figure) -> Sheet:
    wide, high = (5.2, 5.2) if figure.square else (4.8, 3.5) if figure.small else (7.2, 4.0)
    sheet = Sheet(figsize=(wide, high))
    left = 0.42 + 0.075 * max((len(text) for _, text in figure.y.ticks), default=0)
    axes = _axes(sheet, left, 0.2 if figure.small else 0.3, 0.36, 0.56)
    for which, axis in (("x", figure.x), ("y", figure.y)):
        getattr(axes, f"set_{which}scale")("log" if axis.log else "linear")
        getattr(axes, f"set_{which}lim")(axis.low, axis.high)
        getattr(axes, f"set_{which}ticks")(
            [v for v, _ in axis.ticks], [printable(t) for _, t in axis.ticks], minor=False
        )
        getattr(axes, f"{which}axis").minorticks_off()
        getattr(axes, f"set_{which}label")(printable(axis.label))
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    if figure.band:
        axes.axvspan(*figure.band, color="#8f8f89", alpha=0.18, lw=0)
    if figure.diagonal:
        axes.plot([figure.x.low, figure.x.high], [figure.y.low, figure.y.high], color="#9a9a94", lw=1, dashes=(4, 3))
    for rule in figure.rules:
        line = axes.axhline if rule.axis == "y" else axes.axvline
        line(rule.value, color="#9a9a94", lw=1, dashes=(4, 3))
        if rule.label:
            at = (
                (figure.x.low if rule.left else figure.x.high, rule.value)
                if rule.axis == "y"
                else (rule.value, figure.y.high)
            )
            ha, va = ("left" if rule.left else "right", "bottom") if rule.axis == "y" else ("left", "top")
            axes.text(
                *at,
                f" {printable(rule.label)} ",
                ha=ha,
                va=va,
                fontsize=8,
                color="#4d4d4a",
                path_effects=[HALO],
                zorder=4,
            )
    for series in figure.series:
        colour = COLOURS[series.tone]
        xs, ys = [m.x for m in series.marks], [m.y for m in series.marks]
        if series.line:
            axes.plot(xs, ys, color=colour, lw=1.5, dashes=DASHES[series.dash % len(DASHES)] or (None, None))
        for m in series.marks:
            if m.low is not None and m.high is not None:
                axes.plot([m.x, m.x], [m.low, m.high], color=colour, lw=1.2, alpha=0.7)
        if series.points:
            face = "white" if series.hollow else colour
            sizes = [30 * m.weight for m in series.marks]
            axes.scatter(xs, ys, s=sizes, c=face, edgecolors=colour if series.hollow else "white",
                         linewidths=1.2 if series.hollow else 0.6, marker=MARKERS[series.tone], zorder=3)  # fmt: skip
    _title(axes, figure.title)
    _names(axes, figure)
    return sheet


def _names(axes: Axes, figure: Figure) -> None:
    """Names beside their points, where there is room; in points, y downwards, as the placing wants it."""
    marks = [(m, s.tone) for s in figure.series for m in s.marks]
    marks.sort(key=lambda pair: not pair[0].label)
    if len(marks) > 400:
        marks = [pair for pair in marks if pair[0].label]
    sheet = axes.get_figure()
    assert sheet is not None
    unit = 72 / sheet.dpi
    top = sheet.bbox.height * unit
    spots = [axes.transData.transform((m.x, m.y)) * unit for m, _ in marks]
    texts = [printable(short(m.label, 24)) for m, _ in marks]
    box = axes.bbox
    frame = (box.x0 * unit, top - box.y1 * unit - 6, box.x1 * unit + 8, top - box.y0 * unit)
    kept = []
    for rule in figure.rules:
        if rule.axis == "y" and rule.label:
            width = 4.9 * (len(rule.label) + 2)
            y = top - float(axes.transData.transform((figure.x.low, rule.value))[1]) * unit
            left = frame[0] if rule.left else frame[2] - 8 - width
            kept.append((left, y - 11, left + width, y))
    placed = place([(x, top - y) for x, y in spots], texts, frame, char=4.9, height=9, gap=6, kept=kept)
    for (_, tone), text, spot in zip(marks, texts, placed, strict=True):
        if spot is not None:
            x, y, anchor = spot
            at = axes.transData.inverted().transform((x / unit, (top - y) / unit))
            ha = {"start": "left", "middle": "center", "end": "right"}[anchor]
            axes.text(at[0], at[1], text, ha=ha, va="baseline", fontsize=8, color=COLOURS[tone], path_effects=[HALO])


def _ranking(figure: Ranking) -> Sheet:
    rows = len(figure.rows)
    sheet = Sheet(figsize=(7.2, 1.3 + 0.3 * max(rows, 2)))
    longest = max((len(short(row.name, 34)) for row in figure.rows), default=0)
    axes = _axes(sheet, 0.25 + 0.078 * longest, 0.75, 0.36, 0.56)
    for i, row in enumerate(figure.rows):
        colour = COLOURS[row.tone]
        axes.plot([row.low, row.high], [i, i], color=colour, lw=5, alpha=0.3, solid_capstyle="round")
        axes.scatter(
            [row.value], [i], s=32, c=colour, marker=MARKERS[row.tone], zorder=3, edgecolors="white", linewidths=0.6
        )
        axes.text(1.02, i, percent(row.value), transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
    for j, lane in enumerate(lanes(figure.groups, rows)):
        x = figure.axis.low + (0.012 + 0.014 * j) * (figure.axis.high - figure.axis.low)
        for i, word in enumerate(lane):
            ends = (i - (0.25 if "first" in word else 0.5), i + (0.25 if "last" in word else 0.5))
            if word:
                axes.plot([x, x], ends, color="#4d4d4a", lw=2.2, solid_capstyle="butt")
    axes.axvline(figure.chance, color="#9a9a94", lw=1, dashes=(4, 3))
    axes.text(
        figure.chance, -0.75, f"chance {percent(figure.chance)} ", ha="right", va="center", fontsize=8, color="#4d4d4a"
    )
    room = 0.012 * (figure.axis.high - figure.axis.low)  # a mark at the very end is not cut in half
    axes.set_xlim(figure.axis.low, figure.axis.high + room)
    axes.set_xticks([v for v, _ in figure.axis.ticks], [t for _, t in figure.axis.ticks])
    axes.set_ylim(max(rows, 1) - 0.4, -1.1)
    axes.set_yticks(range(rows), [printable(short(row.name, 34)) for row in figure.rows])
    for tick, row in zip(axes.get_yticklabels(), figure.rows, strict=True):
        tick.set_color(COLOURS[row.tone])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.set_xlabel(figure.axis.label + (", bars join those that cannot be told apart" if figure.groups else ""))
    _title(axes, figure.title)
    return sheet


def _matrix(figure: Matrix) -> Sheet:
    n = len(figure.names)
    room = 0.5 + 0.075 * max(len(short(name, 20)) for name in figure.names)  # inches for names, on both sides
    sheet = Sheet(figsize=(max(room + 0.3 * n + 0.2, 5.6), room + 0.3 * n + 0.4))
    axes = _axes(sheet, room, sheet.get_figwidth() - room - 0.3 * n, 0.4, room)
    values = [[float("nan") if v is None else v for v in row] for row in figure.values]
    axes.imshow(values, cmap="Greys", vmin=0, vmax=1.25)
    names = [printable(short(name, 20)) for name in figure.names]
    axes.set_xticks(range(n), names, rotation=90)
    axes.set_yticks(range(n), names)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for i, row in enumerate(figure.texts):
        for j, text in enumerate(row):
            dark = (figure.values[i][j] or 0) > 0.7
            axes.text(j, i, text, ha="center", va="center", fontsize=7, color="white" if dark else "#26261f")
    axes.set_xlabel(figure.columns_are)
    axes.set_ylabel(figure.rows_are)
    _title(axes, figure.title)
    return sheet


def _axes(sheet: Sheet, left: float, right: float, top: float, bottom: float) -> Axes:
    """Axes with margins in inches: known without drawing first, and the same every time."""
    wide, high = sheet.get_size_inches()
    return sheet.add_axes((left / wide, bottom / high, 1 - (left + right) / wide, 1 - (top + bottom) / high))


def _title(axes: Axes, text: str) -> None:
    axes.set_title(printable(short(text, 80)), loc="left", fontsize=10.5, fontweight="bold", color="#26261f")


def printable(text: str) -> str:
    """What the font has; the rest as a box, control characters as spaces: a figure never fails over a name."""
    has = _glyphs()
    spaced = "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} else c for c in text)
    return "".join(c if ord(c) in has else "□" for c in spaced)


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap())
