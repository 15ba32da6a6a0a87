"""The page in a real browser: no error, no request, and everything a reader may touch."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from topfive.benchmark.report.render import render

from tests.benchmark.report.conftest import build_run

CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
NASTY = ["<b>bold</b>", "=1+1", "rtl שלום", "🐠", 'quote " comma ,', *(f"class {i}" for i in range(15))]


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page")
    run = build_run(out / "run", class_names=NASTY, train_per_class=(10, 100), per_class=15, branches=True)
    return render([run], out, formats=())


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as p:
        yield p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture
def opened(browser: Any, page_path: Path) -> Iterator[Any]:
    """The page, opened from disk; fails the test on any console message, error or request."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, color_scheme="light")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(("data:", "blob:")) else said.append(request.url))
    page.goto(page_path.as_uri())
    unfold(page)
    yield page
    context.close()
    assert set(said) == {page_path.as_uri()}


def unfold(page: Any) -> None:
    """Open every part of the page that is folded."""
    page.evaluate("document.querySelectorAll('details.fold').forEach(fold => fold.open = true)")


def column(page: Any, table: str, index: int) -> list[str]:
    """Texts of a column's shown rows."""
    return list(page.locator(f"#{table} tbody tr:not([hidden]) td:nth-child({index})").all_inner_texts())


def test_first_screen_holds_verdict_and_ranking(opened: Any) -> None:
    assert opened.locator(".verdict").inner_text() == "Too close to call."
    assert opened.locator(".said").inner_text().startswith("On these 20 classes with 100 training images each, AlexNet")
    names = opened.locator("#f-s1-ranking .wide .who").all_text_contents()
    assert names[:2] == ["AlexNet", "SIFT with Fisher vectors"]
    assert len(names) == 7
    assert opened.locator(".strip img").count() == 20
    for seen in (".gap svg", "#f-s1-ranking .wide svg"):
        assert opened.locator(seen).bounding_box()["y"] < 700
    assert opened.evaluate("document.documentElement.scrollWidth") <= 1200
    ids = opened.locator("[id]").evaluate_all("nodes => nodes.map(node => node.id)")
    assert len(ids) == len(set(ids))
    targets = opened.locator("nav a").evaluate_all("links => links.map(link => link.hash.slice(1))")
    assert set(targets) <= set(ids)


def test_sorting(opened: Any) -> None:
    heading = opened.locator("#t-s1-contenders th", has_text="top-5 error").first
    heading.get_by_role("button").click()
    up = [float(text.split()[0]) for text in column(opened, "t-s1-contenders", 3)]
    assert up == sorted(up)
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.get_by_role("button").press("Enter")  # by the keyboard too
    assert [float(text.split()[0]) for text in column(opened, "t-s1-contenders", 3)] == sorted(up, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"
    opened.locator("#t-s1-contenders th button", has_text="contender").click()
    names = column(opened, "t-s1-contenders", 1)
    assert names == sorted(names, key=str.casefold)  # as they are shown, not as their specifications


def test_filtering(opened: Any) -> None:
    opened.locator("#t-s1-pairs input").fill("hog alexnet")
    shown = [f"{a} {b}" for a, b in zip(column(opened, "t-s1-pairs", 1), column(opened, "t-s1-pairs", 2), strict=True)]
    assert [" ".join(pair.split()) for pair in shown] == ["AlexNet HOG"]
    assert opened.locator("#t-s1-pairs .count").inner_text() == "1 of 21 rows"
    opened.locator("#t-s1-pairs input").fill("sift-fisher")  # what the command line calls it
    assert 0 < len(column(opened, "t-s1-pairs", 1)) < 21
    opened.locator("#t-s1-pairs input").fill("")
    assert len(column(opened, "t-s1-pairs", 1)) == 21


def test_csv_export_holds_the_shown_rows_and_no_formula(opened: Any) -> None:
    with opened.expect_download() as waiting:
        opened.locator("#t-s1-classes .csv").click()
    assert waiting.value.suggested_filename == "s1-classes.csv"
    rows = list(csv.reader(io.StringIO(Path(waiting.value.path()).read_text(encoding="utf-8-sig"))))
    assert rows[0][:3] == ["class", "id", "branch"]
    assert len(rows) == 21
    names = {row[0] for row in rows[1:]}
    assert {"<b>bold</b>", "'=1+1", "rtl שלום", 'quote " comma ,'} <= names
    assert all(0 <= float(row[4]) <= 1 for row in rows[1:])  # numbers, not "12 %"


def test_theme(opened: Any) -> None:
    def ground() -> str:
        return str(opened.evaluate("getComputedStyle(document.body).backgroundColor"))

    light = ground()
    opened.emulate_media(color_scheme="dark")
    dark = ground()
    assert dark != light
    button = opened.locator(".theme")
    button.click()
    assert (ground(), button.get_attribute("aria-label")) == (light, "Theme: light. Change it")
    opened.emulate_media(color_scheme="light")
    button.click()
    assert ground() == dark
    opened.reload()
    assert ground() == dark  # remembered
    button.click()
    assert ground() == light


def test_explorer(opened: Any, page_path: Path) -> None:
    box = opened.locator(".explorer")
    kinds = box.locator("fieldset button")
    assert kinds.nth(0).inner_text().startswith("only SIFT with Fisher vectors (")
    assert kinds.nth(0).get_attribute("aria-pressed") == "true"
    cards = box.locator(".cells > li")
    assert cards.count() == 12
    first = cards.nth(0)
    # Who gets it: the truth is among the five of the first and not among the five of the second.
    assert first.locator(".both > div").nth(0).locator("li.hit").count() == 1
    assert first.locator(".both > div").nth(1).locator("li.hit").count() == 0
    assert first.locator("ol").nth(0).locator("li").count() == 5
    assert first.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    truth = first.locator(".truth bdi").inner_text()
    assert first.locator("li.hit bdi").inner_text() == truth
    kinds.nth(1).click()
    assert cards.nth(0).locator(".both > div").nth(1).locator("li.hit").count() == 1
    box.get_by_role("button", name="Show more").click()
    assert cards.count() > 12
    box.locator("input").fill("bold")
    assert set(box.locator(".truth bdi").all_inner_texts()) <= {"<b>bold</b>"}
    box.locator("input").fill("")
    box.locator("select").nth(0).select_option(label="HOG")
    assert kinds.nth(0).inner_text().startswith("only HOG (")


def test_charts_say_their_numbers(opened: Any) -> None:
    mark = opened.locator("#f-s1-history .wide .m").first
    mark.scroll_into_view_if_needed()
    mark.hover()
    assert "quoted: 3.57 % top-5 error" in opened.locator("#tip").inner_text()
    opened.mouse.move(0, 0)  # else the page scrolls under the pointer, which then has its say between the two arrows
    plot = opened.locator("#f-s1-per-class .plot")
    plot.focus()
    plot.press("ArrowRight")
    first = opened.locator("#tip").inner_text()
    plot.press("ArrowRight")
    assert opened.locator("#tip").inner_text() != first
    assert opened.locator("#live").inner_text() == opened.locator("#tip").inner_text()
    plot.press("Escape")
    assert not opened.locator("#tip").is_visible()
    # And every figure has them in a table.
    for figure in opened.locator("figure.chart:has(svg.fig)").all():
        assert figure.locator("details tbody tr").count() >= 2


@pytest.mark.parametrize("width", [390, 320])
def test_phone(browser: Any, page_path: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto(page_path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#f-s1-history .narrow").is_visible()
    assert not page.locator("#f-s1-history .wide").is_visible()
    # Every part of the page is in sight in the navigation, and no name in a matrix is cut: they begin within it.
    for link in page.locator("nav a").all():
        box = link.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    names = page.locator("#f-s1-confusion-first .narrow text.small-class:not([transform])")
    assert names.all_text_contents() == [name.split(",")[0].strip() for name in NASTY]
    left = page.locator("#f-s1-confusion-first .narrow svg").bounding_box()["x"]
    assert all(name.bounding_box()["x"] >= left for name in names.all())
    page.close()


def test_what_is_folded_can_be_reached(browser: Any, page_path: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(page_path.as_uri())
    assert page.evaluate("document.documentElement.scrollHeight") < 6500
    assert page.evaluate("document.body.innerText.split(/\\s+/).length") < 1500
    table = page.locator("#t-s1-pairs")
    assert not table.is_visible()
    page.evaluate("location.hash = 't-s1-pairs'")
    table.wait_for(state="visible")
    for _ in range(50):  # it scrolls there
        if table.bounding_box()["y"] < 900:
            break
        page.wait_for_timeout(100)
    assert table.bounding_box()["y"] < 900
    # Wide tables stay in the column and begin with what decides; the rest comes when it is asked for.
    box = page.locator("main").bounding_box()
    for heading in ("better", "worse", "difference", "told apart", "p, corrected"):
        cell = table.locator("th", has_text=heading).first.bounding_box()
        assert cell["x"] + cell["width"] <= box["x"] + box["width"]
    assert not table.locator("th", has_text="images needed").is_visible()
    table.locator(".all-columns").click()
    assert table.locator("th", has_text="images needed").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    rows = table.locator("tbody tr")
    assert (rows.nth(9).is_visible(), rows.nth(10).is_visible()) == (True, False)
    table.locator("input").fill("color-histogram chance")
    assert table.locator("tbody tr:visible").count() == 1
    table.locator("input").fill("")
    more = table.locator(".all-rows")
    more.click()
    assert rows.nth(20).is_visible()
    assert (more.inner_text(), more.get_attribute("aria-expanded")) == ("Fewer rows", "true")
    # Printing opens all of it for as long as it takes.
    glossary = page.locator("#reading dl")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert glossary.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not glossary.is_visible()
    assert table.is_visible()  # it was open before
    page.close()


def test_print(browser: Any, page_path: Path) -> None:
    page = browser.new_page(viewport={"width": 760, "height": 1000}, color_scheme="dark")
    page.goto(page_path.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for gone in (".bar", ".tools", ".pick"):
        assert not page.locator(gone).first.is_visible()
    assert page.locator(".verdict").is_visible()
    assert page.locator("#f-s1-history .wide").is_visible()
    heading = page.locator("#t-s1-contenders th").first  # a button would be missing where the head is printed again
    assert not heading.get_by_role("button").is_visible()
    assert heading.evaluate("th => getComputedStyle(th, '::after').content") == '"contender"'
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page[^s]", pdf)) <= 25
    page.close()


def test_without_script_the_numbers_are_still_there(browser: Any, page_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_path.as_uri())
    assert page.locator("#t-s1-contenders tbody tr").count() == 7
    assert not page.locator(".theme").is_visible()
    page.locator("#s1-explorer summary").first.click()  # what is folded opens all the same
    assert page.locator("noscript p").is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(browser: Any, page_path: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)  # axe is a script put into the page
    page = context.new_page()
    page.goto(page_path.as_uri())
    unfold(page)
    found = axe.Axe().run(page).response["violations"]
    context.close()
    serious = [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []


def test_the_ranking_and_the_matrices_are_charts_like_the_others(opened: Any) -> None:
    said = opened.locator("#tip")
    # The pointer anywhere in a row of the ranking; the arrow keys row by row.
    row = opened.locator("#f-s1-ranking .wide .row").first
    box = row.bounding_box()
    opened.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)
    assert re.fullmatch(r"AlexNet \(alexnet\): [\d.]+\s% \(95 % interval [\d.]+\s% to [\d.]+\s%\)", said.inner_text())
    opened.mouse.move(0, 0)
    plot = opened.locator("#f-s1-ranking .plot")
    plot.focus()
    for name in ("AlexNet (alexnet)", "SIFT with Fisher vectors (sift-fisher)"):
        plot.press("ArrowDown")
        assert opened.locator("#live").inner_text().startswith(f"{name}: ")
    # A cell of a confusion matrix says truth, guess and how often.
    matrix = opened.locator("#f-s1-confusion-first .plot")
    matrix.focus()
    matrix.press("ArrowRight")
    assert re.fullmatch(
        r"<b>bold</b>(, right| taken for .+): \d+ of 15 images \(click, or Enter: these images\)", said.inner_text()
    )
    cells = opened.locator("#f-s1-confusion-first .wide .cell")
    shades = cells.evaluate_all("cells => cells.map(cell => Number(getComputedStyle(cell).fillOpacity))")
    assert 0 < min(shades) < max(shades) <= 0.58
    # And a screen reader is told the whole ranking.
    label = opened.locator("#f-s1-ranking .wide svg").get_attribute("aria-label")
    assert label.startswith("Top-5 error, best first: AlexNet ")
    assert label.endswith("Chance level 75.0\u00a0%.")
    assert opened.locator("#f-s1-ranking details tbody tr").count() == 7
