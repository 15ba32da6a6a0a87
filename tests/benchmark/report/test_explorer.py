"""Where they disagree: true counts of all images, samples for every pair, and what a reader can do with them."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from topfive.benchmark.families import DEEP, HAND
from topfive.benchmark.report.analysis.contest import Contest
from topfive.benchmark.report.render import render
from topfive.benchmark.report.sections import explorer
from topfive.benchmark.report.sections.explorer import arrange, explore

from tests.benchmark.report.conftest import MakeRun, build_run, contest_of

CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
THREE = (("net", DEEP, 2.1), ("sift", HAND, 1.7), ("hog", HAND, 0.9))


def decoded(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def test_hits_and_labels_are_those_of_all_images(make_run: MakeRun) -> None:
    contest = contest_of(make_run(contenders=THREE, broken=False))
    explored = explore(contest, {})
    assert explored is not None
    labels = decoded(explored["labels"], "<u2")
    assert contest.labels is not None
    assert np.array_equal(np.bincount(labels), np.bincount(contest.labels))
    ids = contest.ids.to_pylist() if contest.ids is not None else []
    at = [ids.index(name) for name in explored["ids"]]
    assert len(at) == 400
    for shown in explored["contenders"]:
        mine = next(c for c in contest.ranked if c.title == shown["name"])
        bits = np.unpackbits(decoded(shown["hits"], "u1"), bitorder="little")[:400].astype(bool)
        assert np.array_equal(bits, mine.hits(5)[0][at])
        stored = mine.results[0].predictions()
        assert stored is not None
        best, scores = stored[1].top_classes[at, :5], stored[1].top_scores[at, :5]
        assert np.array_equal(decoded(shown["guesses"], "<u2").reshape(400, 5), best)
        assert np.array_equal(decoded(shown["scores"], "<f4").reshape(400, 5), scores)
        assert shown["probable"] == (shown["name"] == "net")
        assert np.array_equal(decoded(shown["first"], "u1"), stored[1].top_classes[at, 0])
    assert explored["maps"] == {}


def test_where_room_is_short_every_pair_gets_its_own_samples() -> None:
    """Who gets them differs from pair to pair: what is rare for one pair must not be left to luck."""
    rng = np.random.default_rng(0)
    hits = rng.random((3, 3000)) < np.array([[0.5], [0.5], [0.97]])
    order, kept = arrange(hits, np.zeros(3000, bool), 300)
    assert kept == 300
    assert np.array_equal(np.sort(order), np.arange(3000))
    shown = hits[:, order[:kept]]
    for a, b in combinations(shown, 2):
        for kind in (a & ~b, b & ~a, ~a & ~b, a & b):
            assert kind.sum() >= 20
    rare = (hits[0] & ~hits[2]).sum()  # about 45 of 3,000, of which a plain sample would hold 4 or 5
    assert rare < 70
    assert (shown[0] & ~shown[2]).sum() >= 20


def test_pictures_come_first_and_keep_to_their_room() -> None:
    rng = np.random.default_rng(0)
    pictured = rng.random(1000) < 0.3
    order, kept = arrange(rng.random((2, 1000)) < 0.5, pictured, 200)
    assert pictured[order[:kept]].all()
    order, kept = arrange(rng.random((2, 1000)) < 0.5, pictured, 5000)
    assert kept == 1000
    assert pictured[order[: pictured.sum()]].all()
    mapped = pictured & (np.arange(1000) < 50)  # those with an occlusion map come before all others
    order, _ = arrange(rng.random((2, 1000)) < 0.5, pictured.astype(int) + mapped, 5000)
    assert mapped[order[: mapped.sum()]].all()


def test_a_page_of_many_images_and_contenders_stays_small(monkeypatch: pytest.MonkeyPatch, make_run: MakeRun) -> None:
    many = tuple((f"c{i}", HAND if i % 2 else DEEP, 0.8 + i / 10) for i in range(14))
    contest = contest_of(make_run(contenders=many, per_class=60, broken=False))
    pictures = {name: bytes(4000) for name in (contest.ids.to_pylist() if contest.ids is not None else [])[:1000]}
    explored = explore(contest, pictures)
    assert explored is not None
    assert len(explored["contenders"]) == 12
    assert 3_000_000 < sum(map(len, explored["pictures"])) < 3_700_000
    monkeypatch.setattr(explorer, "GUESSES", 40_000)
    few = explore(contest, pictures)
    assert few is not None
    assert len(few["ids"]) == int(40_000 / (30 * 12 + 60))
    assert len(decoded(few["labels"], "<u2")) == 1200


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = [f"{word} {i}" for i in range(10) for word in ("goldfish", "tabby cat")]
    return build_run(tmp_path_factory.mktemp("run") / "run", contenders=THREE, class_names=names, broken=False)


@pytest.fixture(scope="module")
def box(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The explorer of a page that has room for 120 of 400 images."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with pytest.MonkeyPatch.context() as patch, playwright.sync_playwright() as p:
        patch.setattr(explorer, "GUESSES", 120 * (30 * 3 + 60))
        path = render([run], tmp_path_factory.mktemp("page"), formats=())
        page = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]).new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details.fold').forEach(fold => fold.open = true)")
        yield page.locator(".explorer")
        assert said == []


def counts(contest: Contest, one: str, other: str, word: str = "") -> list[int]:
    a, b = (next(c for c in contest.ranked if c.title == name).hits(5)[0] for name in (one, other))
    assert contest.labels is not None
    wanted = np.array([word in name for name in contest.dataset.class_names])[contest.labels]
    return [int((wanted & kind).sum()) for kind in (a & ~b, b & ~a, ~a & ~b, a & b)]


def told(box: Any) -> list[int]:
    found = [re.search(r"\(([\d,]+)\)$", text) for text in box.locator("fieldset button").all_inner_texts()]
    return [int(match.group(1).replace(",", "")) for match in found if match is not None]


def test_the_buttons_say_true_counts_for_any_pair_and_class(box: Any, run: Path) -> None:
    contest = contest_of(run)
    first, second, search = box.locator("select").nth(0), box.locator("select").nth(1), box.locator("input")
    for one, other in (("sift", "net"), ("HOG", "net"), ("sift", "HOG"), ("HOG", "sift")):
        first.select_option(label=one)
        second.select_option(label=other)
        for word in ("", "tabby", "goldfish 3"):
            search.fill(word)
            assert told(box) == counts(contest, one, other, word)
    search.fill("")
    for i, count in enumerate(told(box)):
        box.locator("fieldset button").nth(i).click()
        shown = re.match(
            r"showing (\d+) of (\d+)(?:; this page holds (\d+) of them)?$", box.locator(".count").inner_text()
        )
        assert shown is not None
        assert int(shown[2]) == count
        assert int(shown[1]) == min(12, int(shown[3] or count)) == box.locator(".cells > li").count()
    box.locator("fieldset button").nth(0).click()


def test_an_empty_result_says_so(box: Any) -> None:
    box.locator("input").fill("no such class")
    assert box.locator(".cells > li").count() == 0
    said = box.locator(".nothing").inner_text()
    assert re.match("There is no image of a class with “no such class” in its name that only .* gets.", said)
    assert not box.locator(".more-button").is_visible()
    box.locator("input").fill("")
    assert not box.locator(".nothing").is_visible()


def test_scores_are_shown_and_pictures_enlarged(box: Any) -> None:
    box.locator("select").nth(0).select_option(label="sift")
    box.locator("select").nth(1).select_option(label="net")
    card = box.locator(".cells > li").first
    sift, net = (card.locator(".both > div").nth(i).locator("small").all_inner_texts() for i in (0, 1))
    assert len(sift) == len(net) == 5
    scores = [float(text.replace("−", "-")) for text in sift]
    assert scores == sorted(scores, reverse=True)
    assert all(re.fullmatch(r"(\d+|<1) %", text) for text in net)  # this one answers with probabilities
    card.locator(".zoom").click()
    assert box.locator("dialog").is_visible()
    assert box.locator("dialog img").bounding_box()["width"] > 300
    assert card.locator(".truth bdi").inner_text() in box.locator("dialog p").inner_text()
    box.page.keyboard.press("Escape")
    assert not box.locator("dialog").is_visible()
