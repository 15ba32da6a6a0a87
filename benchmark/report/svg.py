"""Figures as inline SVG for the page. Colours come from the page's style sheet, so that they follow its theme."""

from __future__ import annotations

import math

from markupsafe import Markup, escape

from .figures import Axis, Figure, Mark, Rule, Series, Tone
from .labels import Box, place
from .numbers import short

CHAR, LINE = 6.6, 13.0  # mean width and height of a character at 12 px, in the system fonts
DASHES = ("", "7 4", "2 4", "9 4 2 4", "14 4", "1 3")


def draw(figure: Figure, width: int) -> Markup:
    """One SVG ``width`` px wide; the page holds a wide and a narrow one and shows the one that fits."""
    height = (
        width if figure.square else round(min(430, max(250, width * (0.66 if width < 500 else 0.5)))) + 70 * figure.tall
    )
    y_width = max((len(text) for _, text in figure.y.ticks), default=0) * CHAR
    left, top, right, bottom = y_width + 12, 26, width - 16, height - 44
    parts = [
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(figure.summary)}" class="fig" style="--wide:{width}px">'
    ]
    xs = [left + (right - left) * figure.x.place(v) for v, _ in figure.x.ticks]
    ys = [bottom - (bottom - top) * figure.y.place(v) for v, _ in figure.y.ticks]
    # The y label lies flat above its axis: nobody likes to turn the head.
    parts.append(f'<text class="axis" x="0" y="11">{escape(figure.y.label)}</text>')
    for y, (_, text) in zip(ys, figure.y.ticks, strict=True):
        parts.append(f'<line class="grid" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{left - 7:.1f}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>')
    last = -math.inf
    for x, (_, text) in zip(xs, figure.x.ticks, strict=True):
        half = len(text) * CHAR / 2
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom:.1f}" y2="{bottom + 4:.1f}"/>')
        if x - half > last + 4:
            anchor, at = ("end", min(x + half, width)) if x + half > width else ("middle", x)
            parts.append(
                f'<text class="tick" x="{at:.1f}" y="{bottom + 18:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
            )
            last = x + half
    parts.append(f'<line class="base" x1="{left:.1f}" x2="{right:.1f}" y1="{bottom:.1f}" y2="{bottom:.1f}"/>')
    parts.append(
        f'<text class="axis" x="{right:.1f}" y="{height - 6:.1f}" text-anchor="end">{escape(figure.x.label)}</text>'
    )
    frame = _Frame(figure.x, figure.y, left, top, right, bottom)
    if figure.band:
        a, b = (frame.x(v) for v in figure.band)
        parts.append(f'<rect class="band" x="{a:.1f}" y="{top}" width="{max(b - a, 1):.1f}" height="{bottom - top}"/>')
    if figure.diagonal:
        parts.append(f'<line class="rule" x1="{left:.1f}" y1="{bottom:.1f}" x2="{right:.1f}" y2="{top}"/>')
    parts += [_rule(rule, frame) for rule in figure.rules]
    parts += [_series(series, frame) for series in figure.series]
    parts += [_note(rule, frame)[0] for rule in figure.rules if rule.label]
    parts += _labels(figure, frame)
    parts.append("</svg>")
    return Markup("".join(parts))


class _Frame:
    def __init__(self, x: Axis, y: Axis, left: float, top: float, right: float, bottom: float) -> None:
        self._x, self._y = x, y
        self.left, self.top, self.right, self.bottom = left, top, right, bottom

    def x(self, value: float) -> float:
        return self.left + (self.right - self.left) * min(max(self._x.place(value), 0), 1)

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * min(max(self._y.place(value), 0), 1)


def _rule(rule: Rule, frame: _Frame) -> str:
    if rule.axis == "y":
        y = frame.y(rule.value)
        return f'<line class="rule" x1="{frame.left:.1f}" x2="{frame.right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
    x = frame.x(rule.value)
    return f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top}" y2="{frame.bottom:.1f}"/>'


def _note(rule: Rule, frame: _Frame) -> tuple[str, Box]:
    """What is written at a rule, and the box it takes."""
    width = len(rule.label) * CHAR
    if rule.axis == "y":
        y = frame.y(rule.value)
        at, anchor = (frame.left + 4, "start") if rule.left else (frame.right, "end")
        base = y - 5 if y > frame.top + 14 else y + 13
    else:
        x, base = frame.x(rule.value), frame.top + 10
        at, anchor = (x + 6, "start") if width < frame.right - x - 6 else (x - 6, "end")
    left = at if anchor == "start" else at - width
    return (
        f'<text class="note" x="{at:.1f}" y="{base:.1f}" text-anchor="{anchor}">{escape(rule.label)}</text>',
        (left, base - LINE * 0.8, left + width, base + LINE * 0.2),
    )


def _series(series: Series, frame: _Frame) -> str:
    out = [f'<g class="t-{series.tone}{" hollow" if series.hollow else ""}">']
    if series.line and len(series.marks) > 1:
        path = " ".join(f"{frame.x(m.x):.1f},{frame.y(m.y):.1f}" for m in series.marks)
        dash = f' stroke-dasharray="{DASHES[series.dash % len(DASHES)]}"' if series.dash % len(DASHES) else ""
        out.append(f'<polyline class="line" points="{path}"{dash}/>')
    for mark in series.marks:
        if mark.low is not None and mark.high is not None:
            x, low, high = frame.x(mark.x), frame.y(mark.low), frame.y(mark.high)
            out.append(f'<line class="err" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>')
    out += [_mark(mark, series.tone, frame, visible=series.points) for mark in series.marks]
    return "".join(out) + "</g>"


def _mark(mark: Mark, tone: Tone, frame: _Frame, *, visible: bool) -> str:
    x, y, r = frame.x(mark.x), frame.y(mark.y), 4.5 * math.sqrt(mark.weight)
    tip = f'class="m{"" if visible else " quiet"}" data-tip="{escape(mark.tip)}"'
    return shape(tone, x, y, r, tip)


def shape(tone: Tone, x: float, y: float, r: float, attributes: str) -> str:
    """Each family has its own shape as well as its hue."""
    if tone == "hand":
        side = 1.8 * r
        return (
            f'<rect {attributes} x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" width="{side:.1f}" height="{side:.1f}"/>'
        )
    if tone == "shallow":
        d = 1.25 * r
        return f'<path {attributes} d="M{x:.1f} {y - d:.1f}l{d:.1f} {d:.1f}l{-d:.1f} {d:.1f}l{-d:.1f} {-d:.1f}z"/>'
    if tone == "floor":
        return f'<path {attributes} d="M{x:.1f} {y - 1.15 * r:.1f}l{1.15 * r:.1f} {2 * r:.1f}h{-2.3 * r:.1f}z"/>'
    return f'<circle {attributes} cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"/>'


def _labels(figure: Figure, frame: _Frame) -> list[str]:
    marks = [(mark, series.tone) for series in figure.series for mark in series.marks]
    # Points without a name still stand in the way of names.
    marks.sort(key=lambda pair: not pair[0].label)
    if len(marks) > 400:
        marks = [pair for pair in marks if pair[0].label]
    spots = place(
        [(frame.x(m.x), frame.y(m.y)) for m, _ in marks],
        [short(m.label, 22) for m, _ in marks],
        (frame.left, frame.top - 8, frame.right + 12, frame.bottom),
        char=CHAR,
        height=LINE,
        kept=[_note(rule, frame)[1] for rule in figure.rules if rule.label],
    )
    return [
        f'<text class="name t-{tone}" x="{spot[0]:.1f}" y="{spot[1]:.1f}" text-anchor="{spot[2]}">'
        f"{escape(short(mark.label, 22))}</text>"
        for (mark, tone), spot in zip(marks, spots, strict=True)
        if spot is not None
    ]
