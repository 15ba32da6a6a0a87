"""Where things stand, in px, from what a chart says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from topfive.benchmark.report.charts.axes import Axis, errors, linear
from topfive.benchmark.report.charts.figure import Figure, Mark, MatrixFigure, RankingFigure, Row, Rule, Series
from topfive.benchmark.report.charts.layout import AWAY, lay_out, stand_alone
from topfive.benchmark.report.charts.primitives import Item, Line, Path, Rect, Shape, Sheet, Text
from topfive.benchmark.report.charts.style import STYLES
from topfive.benchmark.report.charts.text import width

MARKS = (Mark(0, 0.0, "at nothing"), Mark(5, 0.5, "half", "half", low=0.25, high=0.75), Mark(10, 1.0, "all"))
FIGURE = Figure(
    key="plain",
    title="A title",
    summary="A summary.",
    x=linear("epochs", 0, 10, str),
    y=errors("error", 0, 1),
    series=[Series("deep", MARKS, "net", line=True)],
    rules=[Rule("y", 0.75, "chance 75 %")],
    source="Where it is from.",
)
ROWS = (
    Row("alexnet", "deep", 0.2, 0.1, 0.3),
    Row("hog", "hand", 0.4, 0.35, 0.45),
    Row("sift", "hand", 0.5, 0.5, 0.5),
    Row("chance", "floor", 0.75, 0.7, 0.8),
)
RANKING = RankingFigure(
    "ranking", "Top-5 error on it", "Best first.", "top-5 error", ROWS, [(0, 1), (1, 2)], 0.75,
    errors("top-5 error", 0, 1), "Four hundred images.",
)  # fmt: skip
NAMES = ("cat", "dog", "a long name of a class")
MATRIX = MatrixFigure(
    "matrix", "What it takes for what", "Mostly right.", NAMES,
    [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [None, 0.5, 0.5]], [["2", "1", "1"], ["", "4", ""], ["", "2", "2"]],
    [["a", "b", "c"], ["", "d", ""], ["", "e", "f"]], "truth", "first guess", "images", "hand",
)  # fmt: skip


def grid(sheet: Sheet) -> list[Line]:
    """The horizontal grid lines, from the lowest value up."""
    lines = [i for i in sheet.items if isinstance(i, Line) and i.role == "grid" and i.y1 == i.y2]
    return sorted(lines, key=lambda line: -line.y1)


def rects(sheet: Sheet, role: str) -> list[Rect]:
    return [item for item in sheet.items if isinstance(item, Rect) and item.role == role]


def lines(sheet: Sheet, role: str) -> list[Line]:
    return [item for item in sheet.items if isinstance(item, Line) and item.role == role]


def inside(item: Item, sheet: Sheet) -> bool:
    """Whether a text is within the sheet, by its measured width."""
    if not isinstance(item, Text):
        return True
    size = 15 if item.role in ("who", "value", "title") else 12
    left = item.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[item.anchor] * width(item.text, size)
    if item.turned:
        return 0 <= item.x <= sheet.width and 0 <= item.y <= sheet.height
    return left >= -1 and left + width(item.text, size) <= sheet.width + 13 and 0 <= item.y <= sheet.height


@pytest.mark.parametrize("room", [872, 416, 352])
def test_marks_stand_at_their_values(room: int) -> None:
    sheet = lay_out(FIGURE, room)
    assert sheet.width == room
    levels = grid(sheet)  # at 0, 20, … 100 %
    assert len(levels) == 6
    bottom, top = levels[0].y1, levels[-1].y1
    assert (bottom, top) == (sheet.height - 44 - AWAY, 26)  # a mark at nothing does not lie on the axis
    low, half, high = sheet.shapes("mark")
    assert (low.y, half.y, high.y) == pytest.approx((bottom, (bottom + top) / 2, top))
    left, right = levels[0].x1 + AWAY, levels[0].x2
    assert (low.x, half.x, high.x) == pytest.approx((left, (left + right) / 2, right))
    (interval,) = lines(sheet, "err")
    assert (interval.x1, interval.x2) == (half.x, half.x)
    assert interval.y1 == pytest.approx(bottom + 0.25 * (top - bottom))
    assert interval.y2 == pytest.approx(bottom + 0.75 * (top - bottom))
    (rule,) = lines(sheet, "rule")
    assert rule.y1 == rule.y2 == pytest.approx(interval.y2)
    (path,) = (item for item in sheet.items if isinstance(item, Path))
    assert list(path.points) == [(mark.x, mark.y) for mark in (low, half, high)]
    assert {(mark.marker, mark.tone) for mark in (low, half, high)} == {("circle", "deep")}
    assert [mark.tip for mark in (low, half, high)] == ["at nothing", "half", "all"]
    assert sheet.texts("name") == ["half"]
    assert sheet.texts("note") == ["chance 75 %"]
    assert all(inside(item, sheet) for item in sheet.items)


def test_a_logarithmic_axis_places_by_the_logarithm() -> None:
    x = Axis("seconds", 1, 10_000, [(1, "1"), (100, "100"), (10_000, "10,000")], log=True)
    sheet = lay_out(replace(FIGURE, x=x, series=[Series("hand", [Mark(1, 0, "a"), Mark(100, 0, "b")])]), 600)
    first, second = sheet.shapes("mark")
    left, right = grid(sheet)[0].x1 + AWAY, grid(sheet)[0].x2
    assert first.x == pytest.approx(left)
    assert second.x == pytest.approx((left + right) / 2)


def test_a_weight_is_an_area_and_a_hidden_point_can_still_be_asked() -> None:
    weighed = replace(FIGURE, series=[Series("hand", [Mark(1, 0.5, "one"), Mark(2, 0.5, "four", weight=4)])])
    one, four = lay_out(weighed, 600).shapes("mark")
    assert four.r == pytest.approx(2 * one.r)
    quiet = replace(FIGURE, series=[Series("hand", [*MARKS, Mark(3, 0.1, "")], line=True, points=False)])
    sheet = lay_out(quiet, 600)
    assert [shape.tip for shape in sheet.shapes("quiet")] == ["at nothing", "half", "all"]
    assert not any(item in sheet.visible for item in sheet.shapes("quiet"))


def test_a_line_without_room_for_its_name_is_named_below() -> None:
    crowd = [
        Series("deep", [Mark(0, 0.5, "", ""), Mark(10, 0.5, "", f"network {i}")], f"network {i}", line=True, dash=i)
        for i in range(12)
    ]
    sheet = lay_out(replace(FIGURE, rules=(), series=crowd), 416)
    beside, below = sheet.texts("name"), sheet.texts("legend")
    assert beside
    assert below
    assert sorted([*beside, *below]) == sorted(series.name for series in crowd)
    paths = [item for item in sheet.items if isinstance(item, Path)]
    drawn, samples = paths[: len(crowd)], paths[len(crowd) :]
    dash_of = {series.name: item.dash for series, item in zip(crowd, drawn, strict=True)}
    assert [item.dash for item in samples] == [dash_of[name] for name in below]
    plot = lay_out(FIGURE, 416).height
    assert all(plot < y < sheet.height for item in samples for _, y in item.points)


@pytest.mark.parametrize("room", [872, 352])
def test_ranking_rows(room: int) -> None:
    sheet = lay_out(RANKING, room)
    ticks = [item for item in sheet.items if isinstance(item, Text) and item.role == "tick"]
    zero, end = ticks[0], ticks[-1]
    verticals = sorted({line.x1 for line in lines(sheet, "grid")})
    left, right = verticals[0], verticals[-1]
    assert (zero.text, end.text) == ("0 %", "100 %")

    def at(value: float) -> float:
        return left + (right - left) * value

    marks, bars = sheet.shapes("mark"), rects(sheet, "interval")
    assert [mark.x for mark in marks] == pytest.approx([at(row.value) for row in ROWS])
    assert [(mark.tone, mark.marker) for mark in marks] == [
        ("deep", "circle"), ("hand", "square"), ("hand", "square"), ("floor", "triangle"),
    ]  # fmt: skip
    for row, mark, bar in zip(ROWS, marks, bars, strict=True):
        if row.high > row.low:
            assert (bar.x, bar.x + bar.width) == pytest.approx((at(row.low), at(row.high)))
        assert bar.width >= 3  # an interval of no width is still seen
        assert bar.x <= mark.x <= bar.x + bar.width
        assert bar.y < mark.y < bar.y + bar.height
    assert [mark.y for mark in marks] == sorted(mark.y for mark in marks)
    assert {round(line.x1, 6) for line in lines(sheet, "rule")} == {round(at(0.75), 6)}
    assert sheet.texts("note") == ["chance 75.0\u00a0%"]
    assert sheet.texts("who") == [row.name for row in ROWS]
    assert sheet.texts("value") == ["20.0\u00a0%", "40.0\u00a0%", "50.0\u00a0%", "75.0\u00a0%"]
    assert sheet.texts("range")[0] == "10.0–30.0"
    rows = rects(sheet, "row")
    assert rows[0].tip == "alexnet: 20.0\u00a0% (95 % interval 10.0\u00a0% to 30.0\u00a0%)"
    assert all(row.y < mark.y < row.y + row.height for row, mark in zip(rows, marks, strict=True))
    # Two groups that overlap stand in two lanes and reach over the rows they join, and no further.
    first, second = (line for line in lines(sheet, "lane") if line.x1 == line.x2)
    assert first.x1 < second.x1
    assert rows[0].y < first.y1 < first.y2 < rows[1].y + rows[1].height
    assert rows[1].y < second.y1 < second.y2 < rows[2].y + rows[2].height
    assert second.y1 < first.y2
    assert all(inside(item, sheet) for item in sheet.items)


@pytest.mark.parametrize("room", [872, 352])
def test_long_names_of_contenders_wrap_and_stay_different(room: int) -> None:
    names = [f"fisher[{'descriptor=sift,' * 20}random_state={i}]" for i in range(3)] + ["hog", "w" * 300]
    rows = [Row(name, "hand", 0.2 + i / 10, 0.1, 0.9) for i, name in enumerate(names)]
    sheet = lay_out(replace(RANKING, rows=rows, groups=[]), room)
    bands = rects(sheet, "row")
    written = [
        [
            item.text
            for item in sheet.items
            if isinstance(item, Text) and item.role == "who" and band.y < item.y < band.y + band.height
        ]
        for band in bands
    ]
    assert len({"".join(lines) for lines in written}) == len(names)
    assert written[3] == ["hog"]
    assert len(written[0]) > 1
    assert sum(len(lines) for lines in written) == len(sheet.texts("who"))  # every line in the row of its contender
    assert all(inside(item, sheet) for item in sheet.items)
    tracks = min(line.x1 for line in lines(sheet, "grid"))
    if room == 872:
        assert all(
            item.x + width(item.text, 15) < tracks
            for item in sheet.items
            if isinstance(item, Text) and item.role == "who"
        )


@pytest.mark.parametrize("room", [872, 352])
def test_no_turned_name_stands_in_the_corner_of_a_small_matrix(room: int) -> None:
    sheet = lay_out(replace(MATRIX, names=("astronaut", "b", "c")), room)
    texts = [item for item in sheet.items if isinstance(item, Text)]
    corner = [item for item in texts if item.role == "axis"]
    turned = [item for item in texts if item.turned]
    assert len(corner) == 2
    for name in turned:
        right = name.x - 12 > max(width(item.text, 12) for item in corner)
        below = name.y - width(name.text, STYLES[name.role].size) > max(item.y for item in corner)
        assert right or below


def test_matrix_cells() -> None:
    sheet = lay_out(MATRIX, 872)
    cells = rects(sheet, "cell")
    assert [(cell.tip, cell.shade) for cell in cells] == [
        ("a", 0.5), ("b", 0.25), ("c", 0.25), ("d", 1.0), ("e", 0.5), ("f", 0.5),
    ]  # fmt: skip
    a, b, c, d, _, f = cells
    assert (b.x - a.x, c.x - b.x) == pytest.approx((a.width, a.width))
    assert (d.x, f.x) == pytest.approx((b.x, c.x))
    assert (d.y - a.y, f.y - d.y) == pytest.approx((a.height, a.height))
    assert {cell.tone for cell in cells} == {"hand"}
    assert (f.x + f.width, f.y + f.height) == pytest.approx((sheet.width, sheet.height - 2))
    texts = [item for item in sheet.items if isinstance(item, Text)]
    # Each name in the middle of its row and, turned, of its column; each number in the middle of its cell.
    across = [t for t in texts if t.role == "class" and not t.turned]
    down = [t for t in texts if t.turned]
    assert [t.text for t in across] == [t.text for t in down] == list(NAMES)
    assert all(cell.y < t.y < cell.y + cell.height for t, cell in zip(across, (a, d, f), strict=True))
    assert all(cell.x < t.x < cell.x + cell.width for t, cell in zip(down, (a, b, c), strict=True))
    numbers = [t for t in texts if t.role == "number"]
    assert [t.text for t in numbers] == ["2", "1", "1", "4", "2", "2"]
    assert [t.x for t in numbers] == pytest.approx([cell.x + cell.width / 2 for cell in cells])
    assert sheet.texts("axis") == ["truth ↓", "first guess →"]


def test_twenty_classes_fit_on_a_phone_and_more_keep_their_size() -> None:
    def of(n: int) -> Sheet:
        names = [f"class number {i}" for i in range(n)]
        square = [["25"] * n for _ in range(n)]
        return lay_out(replace(MATRIX, names=names, values=[[1.0] * n] * n, texts=square, tips=square), 352)

    assert of(20).width <= 352
    assert of(30).width > 352
    assert rects(of(30), "cell")[0].width >= width("25", 9)


def test_classes_that_begin_alike_keep_different_names() -> None:
    names = [f"{'a very long name of a class, ' * 3}{i}" for i in range(3)]
    for room in (872, 352):
        sheet = lay_out(replace(MATRIX, names=names), room)
        written = sheet.texts("class") or sheet.texts("small-class")
        assert len(set(written)) == 3


@pytest.mark.parametrize("chart", [FIGURE, RANKING, replace(MATRIX, source="Counted by hand.")])
def test_a_file_stands_alone(chart: Figure | RankingFigure | MatrixFigure) -> None:
    page, file = lay_out(chart, 760), stand_alone(chart)
    assert page.texts("title") == page.texts("source") == page.texts("legend") == []
    assert file.texts("title") == [chart.title]
    assert " ".join(file.texts("source")) == chart.source
    assert file.texts("axis")
    expected = {"plain": ["deep"], "ranking": ["hand-engineered", "deep", "floor"], "matrix": []}[chart.key]
    assert file.texts("legend") == expected
    texts = [item for item in file.items if isinstance(item, Text)]
    assert texts[0].role == "title"
    title, body = texts[0].y, min(item.y for item in texts if item.role in ("axis", "tick"))
    footer = min(item.y for item in texts if item.role == "source")
    assert title < body < footer <= file.height
    assert all(shape.y < footer for shape in file.shapes("mark"))


def test_lowered_items_move_down_only() -> None:
    file, page = stand_alone(FIGURE), lay_out(FIGURE, 760)
    moved = [item for item in file.items if isinstance(item, Shape) and item.role == "mark"]
    down = {round(b.y - a.y, 6) for a, b in zip(page.shapes("mark"), moved, strict=True)}
    assert len(down) == 1
    assert down.pop() > 0
    assert [a.x for a in page.shapes("mark")] == [b.x for b in moved]
    (err,), (lowered,) = lines(page, "err"), lines(file, "err")
    assert lowered.y1 - err.y1 == pytest.approx(moved[0].y - page.shapes("mark")[0].y)
