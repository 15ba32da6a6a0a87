"""From what a chart says to where everything stands: ``lay_out`` for the page, ``stand_alone`` for a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from ...families import MARKERS, PAINTED, Tone
from .axes import Axis
from .figure import Chart, Figure, Mark, MatrixFigure, Rule, Series, WaterfallFigure
from .labels import Box, Spot, box_of, place
from .layout_matrix import matrix
from .layout_ranking import ranking
from .layout_waterfall import waterfall
from .primitives import Item, Line, Path, Rect, Shape, Sheet, Text, lower
from .style import DASHES, STYLES
from .text import width, wrap

LINE = 15.0  # px from one line of 12 px text to the next
RADIUS = 4.5  # px of an ordinary point
NAME = 44  # characters of a name beside its point; a longer one stands in the key below
AWAY = 8  # px between an axis and the data, where a mark would lie on it


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
    for line in wrap(chart.title, wide, STYLES["title"].size, bold=True):
        y += 20
        items.append(Text(0, y - 4, line, "title"))
    for line in wrap(chart.subtitle, wide, STYLES["subtitle"].size) if chart.subtitle else []:
        y += 16
        items.append(Text(0, y - 2, line, "subtitle"))
    y += 8
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


def legend_of(tones: Sequence[Tone]) -> list[tuple[Tone, str]]:
    """(tone, label) of the families that are there, in their order."""
    return [(family.tone, family.label) for family in PAINTED if family.tone in tones]


def _legend(chart: Chart, room: float) -> tuple[list[Item], float]:
    """What the chart's colours mean, in rows, and how high they are."""
    explained = [] if isinstance(chart, MatrixFigure) else legend_of(chart.tones)
    if isinstance(chart, Figure) and chart.key_to:
        explained = list(chart.key_to)
    items: list[Item] = []
    x = y = 0.0
    for tone, label in explained:
        taken = 15 + width(label, 12) + 16
        if x and x + taken > room:
            x, y = 0.0, y + LINE + 3
        items.append(Shape(x + 5, y + 8, RADIUS, MARKERS[tone], "key", tone))
        items.append(Text(x + 15, y + 12, label, "legend"))
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
        away=14 if figure.square else AWAY if _touches(figure) else 0,
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


def _touches(figure: Figure) -> bool:
    """Whether a mark would lie on an axis, half of it among the ticks."""
    shown = [mark for series in figure.series if series.points for mark in series.marks]
    return any(min(figure.x.place(mark.x), figure.y.place(mark.y)) < 0.02 for mark in shown)


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
        role = "step" if series.tone == "ink" else "line"
        items.append(Path(points, role, series.tone, DASHES[series.dash % len(DASHES)]))
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
        items.append(Shape(frame.x(m.x), frame.y(m.y), r, MARKERS[series.tone], role, series.tone, m.tip, m.opens))
    return items


@dataclass(frozen=True)
class _Unnamed:
    """What has its name in the key: a line, or the point that has ``number`` beside it."""

    name: str
    series: Series
    number: str = ""


def _names(figure: Figure, frame: _Frame, kept: list[Box]) -> tuple[list[Item], list[_Unnamed]]:
    """Names beside their points, where there is room; and whose names found none: their points have a number there."""
    marks = [(mark, series) for series in figure.series for mark in series.marks]
    # Points without a name still stand in the way of names.
    marks.sort(key=lambda pair: not pair[0].label)
    if len(marks) > 400:
        marks = [pair for pair in marks if pair[0].label]
    kept = [*kept, *_intervals(figure, frame), *_lines(figure, frame)]
    put = partial(
        place,
        [(frame.x(m.x), frame.y(m.y)) for m, _ in marks],
        frame=(frame.left, frame.top - 8, frame.right + 12, frame.bottom),
        measure=partial(width, size=STYLES["name"].size, bold=True),
        height=13,
    )
    texts = ["" if len(mark.label) > NAME else mark.label for mark, _ in marks]
    spots = put(texts, kept=kept)
    unnamed: list[_Unnamed] = []
    numbers = [""] * len(marks)
    for i, ((mark, series), spot) in enumerate(zip(marks, spots, strict=True)):
        if mark.label and spot is None:
            numbers[i] = "" if series.line else str(1 + sum(bool(one.number) for one in unnamed))
            unnamed.append(_Unnamed(series.name if series.line else mark.label, series, numbers[i]))
    measure = partial(width, size=STYLES["name"].size, bold=True)
    taken = [box_of(spot, measure(text), 13) for spot, text in zip(spots, texts, strict=True) if spot is not None]
    beside = put(numbers, kept=[*kept, *taken])
    items: list[Item] = []
    for (mark, series), text, spot, number, other in zip(marks, texts, spots, numbers, beside, strict=True):
        if spot is not None:
            items.append(_name(spot, text, series))
        elif number:
            items.append(_name(other or _right_of(mark, frame), number, series))
    return items, unnamed


def _name(spot: Spot, text: str, series: Series) -> Text:
    return Text(spot[0], spot[1], text, "name", spot[2], series.tone)


def _right_of(mark: Mark, frame: _Frame) -> Spot:
    """Where a number stands that found no room: it is short, and better upon something than nowhere."""
    return frame.x(mark.x) + 7, frame.y(mark.y) - 4, "start"


def _key(unnamed: list[_Unnamed], room: float, top: float) -> tuple[list[Item], float]:
    """A sample, or the number, and the whole name of each, in rows below the figure; where they end."""
    items: list[Item] = []
    x, y = 0.0, top
    for one in unnamed:
        start = 36.0 if one.series.line else 16 + width(one.number, 12)
        lines = wrap(one.name, room - start, 12)
        taken = start + max(width(line, 12) for line in lines) + 18
        if x and x + taken > room:
            x, y = 0.0, y + LINE + 3
        if one.series.line:
            dash = DASHES[one.series.dash % len(DASHES)]
            items.append(Path([(x, y), (x + 30, y)], "line", one.series.tone, dash))
        else:
            items.append(Shape(x + 5, y, RADIUS, MARKERS[one.series.tone], "key", one.series.tone))
            items.append(Text(x + 12, y + 4, one.number, "name", tone=one.series.tone))
        items += [Text(x + start, y + 4 + LINE * i, line, "legend") for i, line in enumerate(lines)]
        y += LINE * (len(lines) - 1)
        x = room if len(lines) > 1 else x + taken
    return items, y + 12


def _intervals(figure: Figure, frame: _Frame) -> list[Box]:
    """The boxes of the intervals, which no name may cross."""
    return [
        (frame.x(m.x) - 2, frame.y(m.high), frame.x(m.x) + 2, frame.y(m.low))
        for series in figure.series
        for m in series.marks
        if m.low is not None and m.high is not None
    ]


def _lines(figure: Figure, frame: _Frame) -> list[Box]:
    """Small boxes all along the lines, and whole ones where a line runs along an axis: no name is written on a line."""
    boxes = []
    for series in figure.series:
        corners = [(frame.x(m.x), frame.y(m.y)) for m in series.marks] if series.line else []
        for (x1, y1), (x2, y2) in pairwise(corners):
            along = 1 if min(abs(x1 - x2), abs(y1 - y2)) < 0.5 else math.ceil(math.hypot(x1 - x2, y1 - y2) / 9)
            for n in range(along):
                a, b = n / along, (n + 1) / along
                left, right = sorted((x1 + a * (x2 - x1), x1 + b * (x2 - x1)))
                top, bottom = sorted((y1 + a * (y2 - y1), y1 + b * (y2 - y1)))
                boxes.append((left - 0.5, top - 0.5, right + 0.5, bottom + 0.5))
    return boxes
