"""The lesson: the same results as a story in steps."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from topfive.benchmark.errors import InputError
from topfive.benchmark.families import DEEP, HAND
from topfive.benchmark.report.analysis.verdict import verdict
from topfive.benchmark.report.lesson import EXAMPLES, examples, lesson, write_lesson

from tests.benchmark.report.conftest import CONTENDERS, MakeRun, contest_of

TWO = (("alexnet", DEEP, 1.2), ("sift-fisher", HAND, 2.0))
CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)


def test_the_steps_are_in_order_and_in_one_file(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(contenders=TWO, broken=False)
    page = write_lesson([run], tmp_path / "out")
    assert page == tmp_path / "out" / "lesson.html"
    html = page.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=\s*["'](?!#|data:)""", html)
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    titles = re.findall(r'<section class="step" id="step-(\d+)"><h2>([^<]+)</h2>', html)
    assert [int(number) for number, _ in titles] == list(range(1, 11))
    words = [
        "which see better",
        "2011",
        "see?",
        "Predict",
        "Who got it",
        "The result",
        "data",
        "compute",
        "algorithms",
        "next",
    ]
    assert all(word in title for word, (_, title) in zip(words, titles, strict=True))
    # Nothing tells the result before it has been predicted.
    before, result = html.split('<section class="step" id="step-6">')
    said = verdict(contest_of(run))
    assert said.headline in result
    assert said.sentence in result
    assert said.headline not in before
    assert not re.search(r"\d+\.\d\u00a0%", before[before.index("Predict") :])
    # Of what came after 2011 the last step alone speaks.
    assert [error for _, _, error in lesson(contest_of(run)).winners] == ["28.2 %", "25.8 %"]
    assert html.index("one trained human") > html.index("What happened next")


def test_examples_are_images_that_one_of_the_two_gets(make_run: MakeRun) -> None:
    contest = contest_of(make_run(contenders=TWO, broken=False))
    shown = examples(contest)
    assert len(shown) == 2 * EXAMPLES
    for shot in shown:
        assert {right for *_, right in shot.guesses} == {True, False}
        assert shot.picture.startswith("data:image/jpeg;base64,")
        assert [name for name, *_ in shot.guesses] == ["SIFT with Fisher vectors", "AlexNet"]
    assert sum(shot.guesses[0][3] for shot in shown) == EXAMPLES
    assert shown == examples(contest)


def test_without_pictures_there_is_a_lesson_without_them(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(contenders=TWO, broken=False, thumbnails=False)
    html = write_lesson([run], tmp_path / "out").read_text(encoding="utf-8")
    assert "<img" not in html
    assert re.findall(r'id="step-(\d+)"', html) == [str(i) for i in range(1, 10)]


def test_the_factors_tell_what_the_run_knows(make_run: MakeRun) -> None:
    contest = contest_of(make_run(contenders=CONTENDERS[:3], train_per_class=(5, 25, 100), broken=False))
    data, compute, algorithms = lesson(contest).factors
    assert data.here == ["2,000 training images of 20 classes", "100 a class"]
    assert data.chart is not None
    assert "SIFT with Fisher vectors: 2 min 10 s of training" in compute.here
    assert algorithms.here[0].startswith("SIFT with Fisher vectors: Edge directions")


def test_one_contender_makes_no_lesson(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(contenders=TWO[:1], broken=False, thumbnails=False)
    with pytest.raises(InputError, match="two contenders"):
        write_lesson([run], tmp_path)


def test_arrow_keys_move_from_step_to_step(make_run: MakeRun, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    page_path = write_lesson([make_run(contenders=TWO, broken=False)], tmp_path / "out")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(page_path.as_uri())

        def shown() -> list[str]:
            return list(page.locator("section.step:visible").evaluate_all("steps => steps.map(step => step.id)"))

        assert shown() == ["step-1"]
        for key, step in (
            ("ArrowRight", 2),
            ("PageDown", 3),
            (" ", 4),
            ("ArrowLeft", 3),
            ("End", 10),
            ("ArrowRight", 10),
        ):
            page.keyboard.press(key)
            assert shown() == [f"step-{step}"], key
        assert page.url.endswith("#step-10")
        page.goto(page_path.as_uri() + "#step-4")
        page.locator(".votes input").nth(0).fill("7")
        page.keyboard.press("PageDown")
        page.keyboard.press("PageDown")
        assert page.locator(".voted").inner_text() == "You said: SIFT with Fisher vectors 7"
        assert said == []
        browser.close()
