"""From what a chart says to where everything stands: ``lay_out`` for the page, ``stand_alone`` for a file."""

from __future__ import annotations

import math
from functools import partial

from ...families import FAMILIES, MARKERS
from .axes import Axis
from .figure import Chart, Figure, MatrixFigure, Rule, Series, WaterfallFigure
from .labels import Box, place
from .layout_matrix import matrix
from .layout_ranking import ranking
from .layout_waterfall import waterfall
from .primitives import Item, Line, Path, Rect, Shape, Sheet, Text, lower
from .style import DASHES, STYLES
from .text import shortened, width, wrap

LINE = 15.0  # px from one line of 12 px text to the next
RADIUS = 4.5  # px of an ordinary point
NAME = 26  # characters of a point's name


def lay_out(chart: Chart, room: float) -> Sheet:
    """The chart at ``room`` px wide; a matrix may come out narrower, or wider where its numbers need it."""
    if isinstance(chart, Figure):
        return _xy(chart, room)
    if isinstance(chart, WaterfallFigure):
        return waterfall(chart, room)
    return matrix(chart, room) if isinstance(chart, MatrixFigure) else ranking(chart, room)


def stand_alone(chart: Chart) -> Sheet:
    """The chart for a file: with its title, a legend of families, its source below, and a margin."""
    body = lay_out(chart, _file_width(chart))
    wide = max(body.width, 420.0)
    items: list[Item] = []
    y = 0.0
    for line in wrap(chart.title, wide, STYLES["title"].size, lines=3, bold=True):
        y += 20
        items.append(Text(0, y - 4, line, "title"))
    y += 6
    legend, high = _legend(chart, wide)
    items += [lower(item, y) for item in legend]
    y += high
    items += [lower(item, y) for item in body.items]
    y += body.height + 6
    for line in wrap(chart.source, wide, STYLES["source"].size) if chart.source else []:
        y += 14
        items.append(Text(0, y, line, "source"))
    return Sheet(wide, y + 4, f"{chart.title}. {chart.summary}", items)


def _file_width(chart: Chart) -> float:
    if isinstance(chart, Figure) and (chart.small or chart.square):
        return 520.0
    return 760.0


def _legend(chart: Chart, room: float) -> tuple[list[Item], float]:
    """The families that the chart shows, in rows, and how high they are."""
    present = [] if isinstance(chart, MatrixFigure) else chart.tones
    items: list[Item] = []
    x = y = 0.0
    for family in (f for f in FAMILIES if f.tone in present):
        taken = 15 + width(family.label, 12) + 16
        if x and x + taken > room:
            x, y = 0.0, y + LINE + 3
        items.append(Shape(x + 5, y + 8, RADIUS, family.marker, "key", family.tone))
        items.append(Text(x + 15, y + 12, family.label, "legend"))
        x += taken
    return items, y + LINE + 9 if items else 0.0


class _Frame:
    """The area of the data, in px. The axes stand ``away`` from it, so that marks at 0 lie on no tick."""

    def __init__(
        self, x: Axis, y: Axis, left: float, top: float, right: float, bottom: float, away: float = 0.0
    ) -> None:
        self._x, self._y = x, y
        self.left, self.top, self.right, self.bottom = left + away, top, right, bottom - away
        self.axis_left, self.axis_bottom = left, bottom

    def x(self, value: float) -> float:
        return self.left + (self.right - self.left) * min(max(self._x.place(value), 0), 1)

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * min(max(self._y.place(value), 0), 1)


def _xy(figure: Figure, room: float) -> Sheet:
    # The y label lies flat above its axis: nobody likes to turn the head.
    above, below = (wrap(axis.label, room - 4, 12, lines=3) for axis in (figure.y, figure.x))
    plot = room if figure.square else round(min(430, max(250, room * (0.66 if room < 500 else 0.5)))) + 70 * figure.tall
    height = plot + LINE * (len(above) - 1 + len(below) - 1)
    frame = _Frame(
        figure.x,
        figure.y,
        left=max((width(text, 12) for _, text in figure.y.ticks), default=0) + 12,
        top=26 + LINE * (len(above) - 1),
        right=room - 16,
        bottom=height - 44 - LINE * (len(below) - 1),
        away=14 if figure.square else 0,
    )
    items: list[Item] = [Text(0, 11 + LINE * i, line, "axis") for i, line in enumerate(above)]
    for i, line in enumerate(reversed(below)):
        items.append(Text(frame.right, height - 6 - LINE * i, line, "axis", "end"))
    items += [*_ticks(figure, frame, room), *_ground(figure, frame)]
    for series in figure.series:
        items += _series(series, frame)
    notes = [_note(rule, frame) for rule in figure.rules if rule.label]
    items += [text for text, _ in notes]
    names, unnamed = _names(figure, frame, [box for _, box in notes])
    key, below_it = _key(unnamed, room, height + 13)
    return Sheet(room, below_it if unnamed else height, figure.summary, [*items, *names, *key])


def _ticks(figure: Figure, frame: _Frame, room: float) -> list[Item]:
    items: list[Item] = []
    for value, text in figure.y.ticks:
        y = frame.y(value)
        items.append(Line(frame.axis_left, y, frame.right, y, "grid"))
        items.append(Text(frame.axis_left - 7, y + 4, text, "tick", "end"))
    last = -math.inf
    for value, text in figure.x.ticks:
        x, half = frame.x(value), width(text, 12) / 2
        items.append(Line(x, frame.axis_bottom, x, frame.axis_bottom + 4, "grid"))
        middle = min(x, room - half)
        if middle - half > last + 4:
            items.append(Text(middle, frame.axis_bottom + 18, text, "tick", "middle"))
            last = middle + half
    items.append(Line(frame.axis_left, frame.axis_bottom, frame.right, frame.axis_bottom, "base"))
    return items


def _ground(figure: Figure, frame: _Frame) -> list[Item]:
    """What lies behind the data: the band, the diagonal and the reference lines."""
    items: list[Item] = []
    if figure.band:
        low, high = (frame.x(value) for value in figure.band)
        items.append(Rect(low, frame.top, max(high - low, 1), frame.bottom - frame.top, "band"))
    if figure.diagonal:
        items.append(Line(frame.left, frame.bottom, frame.right, frame.top, "rule"))
    for rule in figure.rules:
        if rule.axis == "y":
            items.append(Line(frame.left, frame.y(rule.value), frame.right, frame.y(rule.value), "rule"))
        else:
            items.append(Line(frame.x(rule.value), frame.top, frame.x(rule.value), frame.bottom, "rule"))
    return items


def _note(rule: Rule, frame: _Frame) -> tuple[Text, Box]:
    """What is written at a rule, and the box it takes."""
    size = STYLES["note"].size
    wide = width(rule.label, size)
    if rule.axis == "y":
        y = frame.y(rule.value)
        left = frame.left + 4 if rule.left else frame.right - wide
        base = y - 5 if y > frame.top + 14 else y + 13
    else:
        x, base = frame.x(rule.value), frame.top + 10
        left = x + 6 if wide < frame.right - x - 6 else x - 6 - wide
    # Anchored where the line is, so that a narrower font leaves no gap there.
    at_end = (rule.axis == "y" and not rule.left) or (rule.axis == "x" and left < frame.x(rule.value))
    text = Text(left + wide, base, rule.label, "note", "end") if at_end else Text(left, base, rule.label, "note")
    return text, (left, base - size, left + wide, base + 3)


def _series(series: Series, frame: _Frame) -> list[Item]:
    items: list[Item] = []
    if series.line and len(series.marks) > 1:
        points = [(frame.x(m.x), frame.y(m.y)) for m in series.marks]
        items.append(Path(points, "line", series.tone, DASHES[series.dash % len(DASHES)]))
    items += [
        Line(frame.x(m.x), frame.y(m.low), frame.x(m.x), frame.y(m.high), "err", series.tone)
        for m in series.marks
        if m.low is not None and m.high is not None
    ]
    role = "quiet" if not series.points else "hollow" if series.hollow else "mark"
    for m in series.marks:
        if role == "quiet" and not m.tip:
            continue  # points that are not drawn are there only to be asked
        r = RADIUS * (1.0 if role == "quiet" else math.sqrt(m.weight))
        items.append(Shape(frame.x(m.x), frame.y(m.y), r, MARKERS[series.tone], role, series.tone, m.tip))
    return items


def _names(figure: Figure, frame: _Frame, kept: list[Box]) -> tuple[list[Item], list[Series]]:
    """Names beside their points, where there is room; and the lines whose names found none."""
    marks = [(mark, series) for series in figure.series for mark in series.marks]
    # Points without a name still stand in the way of names.
    marks.sort(key=lambda pair: not pair[0].label)
    if len(marks) > 400:
        marks = [pair for pair in marks if pair[0].label]
    texts = shortened([mark.label for mark, _ in marks], NAME)
    spots = place(
        [(frame.x(m.x), frame.y(m.y)) for m, _ in marks],
        texts,
        (frame.left, frame.top - 8, frame.right + 12, frame.bottom),
        measure=partial(width, size=STYLES["name"].size, bold=True),
        height=13,
        kept=[*kept, *_intervals(figure, frame)],
    )
    items: list[Item] = []
    unnamed = []
    for (_, series), text, spot in zip(marks, texts, spots, strict=True):
        if spot is not None:
            items.append(Text(spot[0], spot[1], text, "name", spot[2], series.tone))
        elif text and series.line:
            unnamed.append(series)
    return items, unnamed


def _key(unnamed: list[Series], room: float, top: float) -> tuple[list[Item], float]:
    """A sample and the name of each line that has no name beside it, in rows below the figure; where they end."""
    items: list[Item] = []
    x, y = 0.0, top
    for series, name in zip(unnamed, shortened([s.name for s in unnamed], int(room / 9)), strict=True):
        taken = 36 + width(name, 12) + 18
        if x and x + taken > room:
            x, y = 0.0, y + LINE + 3
        dash = DASHES[series.dash % len(DASHES)]
        items.append(Path([(x, y), (x + 30, y)], "line", series.tone, dash))
        items.append(Text(x + 36, y + 4, name, "legend"))
        x += taken
    return items, y + 12


def _intervals(figure: Figure, frame: _Frame) -> list[Box]:
    """The boxes of the intervals, which no name may cross."""
    return [
        (frame.x(m.x) - 2, frame.y(m.high), frame.x(m.x) + 2, frame.y(m.low))
        for series in figure.series
        for m in series.marks
        if m.low is not None and m.high is not None
    ]
