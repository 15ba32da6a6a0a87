"""What a reader takes along or reaches: tables in three forms, a link to what is shown, the images of a mark.

In a real browser, as nothing else runs the page's script.
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from topfive.benchmark.probes.occlusion import Occlusion as Probe
from topfive.benchmark.report.analysis.contest import contests_of
from topfive.benchmark.report.analysis.occluded import occluded
from topfive.benchmark.report.render import render
from topfive.benchmark.report.sections.explorer import explore
from topfive.benchmark.results.run import open_run

from tests.benchmark.report.analysis.test_attacked import put
from tests.benchmark.report.analysis.test_occluded import ReadsOnePatch
from tests.benchmark.report.conftest import DEEP, HAND, build_run

CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
THREE = (("net", DEEP, 2.1), ("sift", HAND, 1.3), ("hog", HAND, 0.9))
NAMES = ["50 % & more_or_less", "a | b", *(f"class {i}" for i in range(10))]
MAPPED = 4


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve classes; the probe "occlusion" asked two contenders about four images."""
    out = build_run(
        tmp_path_factory.mktemp("run") / "run", contenders=THREE, n_classes=12, per_class=15, class_names=NAMES,
        broken=False,
    )  # fmt: skip
    ids = list(open_run(out).thumbnails("tiny-imagenet-mini"))[:MAPPED]
    images = [np.full((16, 16, 3), 200, np.uint8)] * MAPPED
    for name, place in (("net", 2), ("sift", 6)):
        tables = Probe(images=MAPPED, cells=4, steps=4).ask(ReadsOnePatch(place, place), images, np.ones(MAPPED, int))
        put(out, name, "occlusion", dict(tables), ids)
    return out


@pytest.fixture(scope="module")
def path(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render([run], tmp_path_factory.mktemp("page"), formats=())


@pytest.fixture(scope="module")
def context(path: Path) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as p:
        yield p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]).new_context()


@pytest.fixture
def page(context: Any, path: Path) -> Iterator[Any]:
    """Fails the test on any console message or error."""
    found = context.new_page()
    said: list[str] = []
    found.on("console", lambda message: said.append(message.text))
    found.on("pageerror", lambda error: said.append(str(error)))
    found.goto(path.as_uri())
    yield found
    found.close()
    assert said == []


def unfolded(page: Any) -> Any:
    """The explorer, with all that is folded open."""
    page.evaluate("document.querySelectorAll('details.fold').forEach(fold => fold.open = true)")
    return page.locator(".explorer")


def saved(page: Any, table: str, form: str) -> str:
    with page.expect_download() as waiting:
        page.locator(f"#t-{table} .{form}").evaluate("button => button.click()")
    assert waiting.value.suggested_filename == f"{table}.{form}"
    return Path(waiting.value.path()).read_text(encoding="utf-8")


def test_tables_as_markdown_and_latex(page: Any) -> None:
    rows = saved(page, "s1-classes", "md").splitlines()
    assert len(rows) == 14
    cells = [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]
    assert {len(row) for row in cells} == {len(cells[0])}
    assert cells[0][0].strip() == "class"
    assert {cell.strip() for cell in cells[1]} == {"---", "---:"}
    assert r" a \| b " in {row[0] for row in cells}
    assert r" 50 % & more\_or\_less " in {row[0] for row in cells}
    tex = saved(page, "s1-classes", "tex")
    assert tex.count(r"\begin{tabular}{l") == tex.count(r"\end{tabular}") == 1
    body = tex.partition(r"\midrule")[2].partition(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == 12
    assert all(line.strip().endswith(r"\\") for line in body)
    assert any(line.strip().startswith(r"50 \% \& more\_or\_less & ") for line in body)
    assert r"\caption{Top-5 error in every class}" in tex
    assert "\u00a0" not in tex
    assert not re.search(r"(?<!\\)%", tex.partition("\n")[2])  # nothing is lost in a comment


def test_a_link_restores_pair_class_and_sorting(page: Any, context: Any) -> None:
    box = unfolded(page)
    box.locator("select").nth(1).select_option(label="HOG")
    box.locator("fieldset button").nth(2).click()
    box.locator(".pick input").fill("class 1")
    heading = page.locator("#t-s1-contenders th").nth(2).get_by_role("button")
    for _ in range(2):
        heading.evaluate("button => button.click()")
    order = page.locator("#t-s1-contenders tbody td:first-child").all_text_contents()
    cards = box.locator(".cells > li").all_inner_texts()
    assert cards
    other = context.new_page()
    other.goto(page.url)
    theirs = other.locator(".explorer")
    assert theirs.is_visible()  # it is unfolded
    assert [theirs.locator("select").nth(i).evaluate("s => s.selectedOptions[0].text") for i in (0, 1)] == [
        box.locator("select").nth(i).evaluate("s => s.selectedOptions[0].text") for i in (0, 1)
    ]
    assert theirs.locator("select").nth(1).evaluate("s => s.selectedOptions[0].text") == "HOG"
    assert theirs.locator("fieldset button").nth(2).get_attribute("aria-pressed") == "true"
    assert theirs.locator(".pick input").input_value() == "class 1"
    assert theirs.locator(".cells > li").all_inner_texts() == cards
    assert other.locator("#t-s1-contenders th").nth(2).get_attribute("aria-sort") == "descending"
    assert other.locator("#t-s1-contenders tbody td:first-child").all_text_contents() == order
    # An anchor keeps what was chosen, and a plain address has nothing behind it.
    other.evaluate("location.hash = '#s1-cost'")
    other.wait_for_timeout(200)
    assert other.evaluate("location.hash").startswith("#s1-cost?")
    other.close()
    fresh = context.new_page()
    fresh.goto(page.url.partition("#")[0])
    assert fresh.evaluate("location.hash") == ""
    fresh.close()


def shown(box: Any) -> list[str]:
    more = box.locator(".more-button")
    while more.is_visible():
        more.click()
    return list(box.locator(".cells .truth bdi").all_inner_texts())


def test_a_cell_of_the_confusion_opens_its_images(page: Any, run: Path) -> None:
    (contest,) = contests_of([open_run(run)])
    assert contest.headline_pair is not None
    assert contest.labels is not None
    first = contest.ranked[contest.headline_pair[0]].first
    assert first is not None
    wrong = [(int(t), int(g)) for t, g in zip(contest.labels, first, strict=True) if t != g]
    truth, guess = max(set(wrong), key=wrong.count)
    cell = page.locator(f'#f-s1-confusion-first .wide [data-open="of={truth}&as={guess}&by=0"]')
    cell.dispatch_event("click")
    box = page.locator(".explorer")
    name = contest.ranked[contest.headline_pair[0]].name
    assert shown(box) == [NAMES[truth]] * wrong.count((truth, guess))
    assert box.locator(".only span").inner_text() == f"Only {NAMES[truth]} that {name} takes for {NAMES[guess]}."
    for mine in box.locator(".both > div:first-child").all():
        assert mine.locator("li bdi").first.inner_text() == NAMES[guess]  # its first guess, with a score beside it
        assert mine.locator("li small").first.inner_text()
    assert box.locator(".only button").evaluate("button => button === document.activeElement")
    assert "explorer.of=" in page.url
    box.locator(".only button").click()
    assert not box.locator(".only").is_visible()
    assert len(shown(box)) == len(contest.labels)


def test_the_keyboard_walks_a_chart_along_x_and_opens_a_class(page: Any) -> None:
    unfolded(page)
    plot = page.locator("#f-s1-per-class .plot")
    plot.focus()
    seen = []
    for _ in range(page.locator("#f-s1-per-class .wide .m").count()):
        plot.press("ArrowRight")
        at = page.evaluate("(b => [b.x, b.width])(document.querySelector('.m.on').getBoundingClientRect())")
        seen.append(at[0] + at[1] / 2)
    assert len(seen) > 3
    assert all(b >= a - 0.5 for a, b in pairwise(seen))
    said = page.locator("#live").inner_text()
    plot.press("Enter")
    assert set(shown(page.locator(".explorer"))) <= {name for name in NAMES if name in said}


def test_the_explorer_is_within_ten_tab_stops(page: Any) -> None:
    page.evaluate("document.activeElement.blur()")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").startswith("To the images"):
            page.keyboard.press("Enter")
        if page.evaluate("document.activeElement.closest('.explorer') !== null"):
            break
    assert page.evaluate("document.activeElement.tagName") == "SELECT"


def test_the_explorer_holds_the_maps_of_its_contenders(run: Path) -> None:
    (contest,) = contests_of([open_run(run)])
    explored, looked = explore(contest, contest.pictures()), occluded(contest)
    assert explored is not None
    assert looked is not None
    assert {explored["ids"][int(place)] for place in explored["maps"]} == {*looked.ids}
    places = {c.title: i for i, c in enumerate(contest.ranked)}
    for place, maps in explored["maps"].items():
        image = looked.ids.index(explored["ids"][int(place)])
        for shown_as, packed in zip(explored["contenders"], maps, strict=True):
            mine = looked.maps.get(places[shown_as["name"]])
            if mine is None:
                assert (shown_as["name"], packed) == ("HOG", None)
                continue
            rows, columns, text = packed
            shares = np.frombuffer(base64.b64decode(text), "u1").reshape(rows, columns)
            assert np.array_equal(shares, np.rint(255 * np.clip(mine[image] / mine[image].max(), 0, 1)))


def test_maps_lie_beside_their_pictures_in_the_colours_of_both(page: Any, run: Path) -> None:
    (contest,) = contests_of([open_run(run)])
    ids = list(open_run(run).thumbnails("tiny-imagenet-mini"))[:MAPPED]
    box = unfolded(page)
    box.evaluate("box => box.only(new URLSearchParams())")  # whoever gets them, of any class
    while box.locator(".more-button").is_visible():
        box.locator(".more-button").click()
    with_maps = box.locator(".cells > li:has(.maps)")
    assert set(with_maps.locator(".truth small").all_inner_texts()) == set(ids)
    card = with_maps.first
    assert card.locator("canvas").count() == 2
    assert contest.headline_pair is not None
    assert card.locator(".maps bdi").all_inner_texts() == [contest.ranked[i].name for i in contest.headline_pair]
    # Grey where nothing depends on it, coloured where something does.
    page.wait_for_timeout(300)
    url = page.evaluate("document.querySelector('.maps canvas').toDataURL()")
    pixels = cv2.imdecode(np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8), cv2.IMREAD_UNCHANGED)
    spread = np.ptp(pixels[pixels[..., 3] == 255][:, :3].astype(int), axis=1)
    assert spread.min() < 12
    assert spread.max() > 60
