"""The page's SVG, the SVG files and the PNGs draw the same primitives, whatever the names hold."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from topfive.benchmark.families import FAMILIES, Family
from topfive.benchmark.report.charts import FORMATS, draw, save, svg
from topfive.benchmark.report.charts.axes import errors, linear
from topfive.benchmark.report.charts.figure import Chart, Figure, Mark, MatrixFigure, RankingFigure, Row, Series
from topfive.benchmark.report.charts.layout import stand_alone
from topfive.benchmark.report.charts.primitives import Item, Line, Rect, Shape, Sheet, Text
from topfive.benchmark.report.charts.raster import image
from topfive.benchmark.report.charts.style import NEUTRALS, STYLES
from topfive.benchmark.report.render import render

from tests.benchmark.report.conftest import CONTENDERS, MakeRun

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    "<script>alert(1)</script>", "</svg><img src=x>", "שלום עולם", "مرحبا", "🐠 fish 🏳️‍🌈", "a\"b'c&amp;d",
    "$\\frac{1}{0}$", "tab\tand\u2028line\x00\x08", "half \ud83d", "\ufffe", "\u202eturned", "", " ", "x" * 300,
)  # fmt: skip


def charts_of(names: tuple[str, ...]) -> list[Chart]:
    """A chart of each kind with these names everywhere."""
    n = len(names)
    series = [
        Series(
            "hand",
            [Mark(i, 0.1, f"tip {name}"), Mark(i, i / n, f"tip {name}", name, low=i / n / 2, high=i / n)],
            name,
            line=True,
        )
        for i, name in enumerate(names)
    ]
    figure = Figure(
        "figure", names[0], " ".join(names), linear(names[1], 0, n, str), errors(names[2], 0, 1), series,
        source=" ".join(names),
    )  # fmt: skip
    ranking = RankingFigure(
        "ranking", names[0], names[1], names[2], [Row(name, "deep", 0.5, 0.4, 0.6) for name in names], [(0, 1)], 0.9,
        errors(names[2], 0, 1), names[3],
    )  # fmt: skip
    square = [[f"{i}" for i in range(n)]] * n
    matrix = MatrixFigure(
        "matrix", names[0], names[1], names, [[0.5] * n] * n, square, [list(names)] * n, names[2], names[3], names[4],
        "other", names[5],
    )  # fmt: skip
    return [figure, ranking, matrix]


def pixels(sheet: Sheet) -> np.ndarray:
    """The PNG, (height, width, 3) RGB."""
    return cv2.imdecode(np.frombuffer(image(sheet, "png"), np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


def at(picture: np.ndarray, x: float, y: float) -> list[int]:
    """The colour at px (x, y) of the sheet: 200 dots to 96 px, with a margin of 16 px."""
    return [int(v) for v in picture[round((y + 16) * 200 / 96), round((x + 16) * 200 / 96)]]


def rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_mark_is_at_the_same_place_and_of_the_same_colour_in_both(family: Family) -> None:
    mark = Shape(70, 30, 12, family.marker, "key", family.tone)
    sheet = Sheet(100, 60, "one mark", [mark])
    picture = pixels(sheet)
    assert picture.shape == (192, 275, 3)
    assert at(picture, 70, 30) == rgb(family.light)
    assert at(picture, 70 - 25, 30) == at(picture, 70, 30 + 25) == [255, 255, 255]
    # The middle of what is not white is the middle of the mark, in both directions.
    rows, columns = np.nonzero((picture != 255).any(axis=2))
    assert (columns.min() + columns.max() + 1) / 2 * 96 / 200 - 16 == pytest.approx(70, abs=0.3)
    (drawn,) = ElementTree.fromstring(svg.document(sheet))[2:]
    assert drawn.get("fill") == family.light
    if family.marker == "circle":
        assert (drawn.tag, drawn.get("cx"), drawn.get("cy"), drawn.get("r")) == (f"{SVG}circle", "70", "30", "12")
    else:
        corners = np.array([[float(v) for v in pair.split(",")] for pair in (drawn.get("points") or "").split()])
        assert (corners[:, 0].min() + corners[:, 0].max()) / 2 == pytest.approx(70, abs=0.06)
        low, high = corners.min(axis=0), corners.max(axis=0)
        assert rows.min() * 96 / 200 - 16 == pytest.approx(low[1], abs=0.6)
        assert (rows.max() + 1) * 96 / 200 - 16 == pytest.approx(high[1], abs=0.6)


def test_lines_bars_and_shades_are_at_the_same_place_in_both() -> None:
    items: list[Item] = [
        Rect(10, 10, 40, 20, "cell", "deep", "tip", shade=1.0),
        Rect(60, 10, 30, 20, "interval", "hand", radius=5),
        Line(10, 50, 90, 50, "whisker"),
        Rect(10, 60, 80, 10, "row", tip="for the pointer only"),
        Text(95, 50, "Words", "title", "start"),
    ]
    picture = pixels(Sheet(160, 80, "", items))

    def blend(colour: str, share: float) -> list[float]:
        return [share * c + (1 - share) * 255 for c in rgb(colour)]

    deep, hand = (next(f.light for f in FAMILIES if f.tone == tone) for tone in ("deep", "hand"))
    assert at(picture, 30, 20) == pytest.approx(blend(deep, 0.58), abs=1)
    assert at(picture, 75, 20) == pytest.approx(blend(hand, 0.32), abs=1)
    assert at(picture, 50, 50) == rgb(NEUTRALS["ink"])
    assert at(picture, 55, 20) == at(picture, 50, 65) == [255, 255, 255]
    words = picture[round((35 + 16) * 200 / 96) : round((54 + 16) * 200 / 96), round((95 + 16) * 200 / 96) :]
    assert (words < 128).any()
    text = svg.document(Sheet(160, 80, "", items)).decode()
    assert f'<rect x="10" y="10" width="40" height="20" fill="{deep}" fill-opacity="0.58"/>' in text
    assert f'<rect x="60" y="10" width="30" height="20" rx="5" fill="{hand}" opacity="0.32"/>' in text
    assert "pointer" not in text
    page = svg.inline(Sheet(160, 80, "", items), 160)
    assert '<rect x="60" y="10" width="30" height="20" rx="5" class="interval t-hand"/>' in page
    assert 'class="m cell t-deep" data-tip="tip" style="--v:1.00"' in page
    assert 'class="m row" data-tip="for the pointer only"' in page


def test_the_page_paints_by_role_and_a_file_by_itself() -> None:
    figure = charts_of(("a", "b", "c", "d", "e", "f"))[0]
    page = str(draw(figure, 600))
    assert "#" not in page
    assert "var(" not in svg.document(stand_alone(figure)).decode()
    roles = {
        name for found in re.findall(r'class="([^"]*)"', page) for name in found.split() if not name.startswith("t-")
    }
    assert roles - {"m", "fig"} <= set(STYLES)
    assert {"mark", "line", "err", "name", "axis", "tick", "grid", "base"} <= roles


@pytest.mark.parametrize("chart", charts_of(HOSTILE), ids=lambda chart: chart.key)
def test_hostile_names_break_nothing(chart: Chart, tmp_path: Path) -> None:
    for room in (872, 352):
        page = str(draw(chart, room))
        ElementTree.fromstring(page)
        assert "<script" not in page
        assert "<img" not in page
    save(chart, tmp_path, ("svg", "png", "pdf"))
    root = ElementTree.parse(tmp_path / f"{chart.key}.svg").getroot()
    written = " ".join(text for text in root.itertext() if text)
    assert "<script>alert(1)</script>" in written
    assert (tmp_path / f"{chart.key}.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / f"{chart.key}.pdf").read_bytes().startswith(b"%PDF")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{chart.key}.{form}" for form in ("pdf", "png", "svg")]


def test_names_from_right_to_left_are_in_the_file_as_they_are() -> None:
    chart = charts_of(("שלום עולם", "b", "c", "🐠 goldfish", "e", "f"))[1]
    root = ElementTree.fromstring(svg.document(stand_alone(chart)))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {"שלום עולם", "🐠 goldfish"} <= set(texts)


@pytest.mark.parametrize("chart", charts_of(("a", "b", "c", "d", "e", "f")), ids=lambda chart: chart.key)
def test_the_same_chart_gives_the_same_bytes(chart: Chart, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        save(chart, tmp_path / name, ("png", "svg", "pdf"), prefix="3-")
    for form in ("png", "svg", "pdf"):
        first, second = (tmp_path / name / f"3-{chart.key}.{form}" for name in ("one", "two"))
        assert first.read_bytes() == second.read_bytes()
    assert draw(chart, 600) == draw(chart, 600)


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="png, svg or pdf, not as 'bmp'"):
        save(charts_of(("a", "b", "c", "d", "e", "f"))[0], tmp_path, ("bmp",))
    assert list(tmp_path.iterdir()) == []


def test_a_chart_wider_than_its_column_is_scrolled_not_shrunk() -> None:
    names = tuple(f"class {i}" for i in range(30))
    matrix = charts_of(names)[2]
    wide = re.search(r'width="([\d.]+)"', draw(matrix, 352))
    assert wide is not None
    assert float(wide[1]) > 352
    assert f"min-width:{float(wide[1]):g}px" in draw(matrix, 352)
    assert "min-width" not in draw(matrix, 872)


def test_every_figure_is_saved_in_all_forms_and_stands_alone(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(contenders=CONTENDERS[:4], n_classes=12, per_class=5, train_per_class=(20, 100), broken=False)
    render([run], tmp_path / "out", FORMATS)
    keys = {
        "ranking", "history", "here", "learning", "cost-seconds", "cost-latency", "cost-memory", "per-class", "top-k",
        "reliability", "training-loss", "training-error", "consistency", "confusion-first", "confusion-second",
    }  # fmt: skip
    folder = tmp_path / "out" / "figures"
    assert {path.name for path in folder.iterdir()} == {"card.png"} | {f"{k}.{form}" for k in keys for form in FORMATS}
    for key in keys:
        root = ElementTree.parse(folder / f"{key}.svg").getroot()
        texts = [element.text or "" for element in root.iter(f"{SVG}text")]
        sizes = [element.get("font-size") for element in root.iter(f"{SVG}text")]
        assert sizes[0] == "15", key  # the title
        assert "10.5" in sizes, key
        footer = " ".join(text for text, size in zip(texts, sizes, strict=True) if size == "10.5")
        if key == "history":  # which is quoted
            assert "Quoted: published results on ImageNet" in footer
        elif key != "learning":  # whose sizes are on its axis
            assert "A slice of tiny-imagenet-mini: 60 validation images, 12 classes, 100 training images" in footer, key
        if key in ("ranking", "here", "learning"):
            assert "Intervals: 95 %, Wilson's." in footer, key
        width, height = (float(root.get(name) or 0) for name in ("width", "height"))
        picture = cv2.imread(str(folder / f"{key}.png"))
        assert picture.shape[:2] == pytest.approx((height * 200 / 96, width * 200 / 96), abs=1.5), key


def test_the_footer_says_where_there_are_seeds(make_run: MakeRun) -> None:
    from topfive.benchmark.report.analysis.contest import contests_of
    from topfive.benchmark.report.charts import ranking
    from topfive.benchmark.results.run import open_run

    run = make_run(contenders=CONTENDERS[:2], n_classes=12, per_class=5, seeds=(0, 1), broken=False)
    chart = ranking.figure(contests_of([open_run(run)])[0])
    assert chart is not None
    assert "Intervals: 95 %, over training seeds and images." in chart.source
