"""Every number on the first screens of the reference reports is found again by ``tests.recount``, which shares no code.

By hand: ``python -m tests.recount reports/reference/photos``.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest
from scipy import stats

from tests.recount.__main__ import differences
from tests.recount.count import Recount
from tests.recount.papers import images_needed, mid_p, power, runs_not_told_apart, tango, wilson
from tests.recount.screen import DESCRIBED

ROOT = Path(__file__).parents[3]
NAMES = ("photos", "tiny-imagenet-mini")
# Where the first screen has numbers: in its text, and in what its charts and tables say.
SAID = re.compile(r'>([^<>]*\d[^<>]*)<|(?:data-tip|aria-label|data-v)="([^"]*\d[^"]*)"')


@cache
def recount_of(name: str) -> Recount:
    return Recount(ROOT / "reports" / "reference" / name)


def page_of(name: str) -> str:
    """The first screen, and where the next section begins."""
    html = (ROOT / "reports" / "reference" / name / "report.html").read_text(encoding="utf-8")
    start = html.index('<div class="ranking"')
    return DESCRIBED.sub("", html[start : html.index("<section", start) + len("<section")])


def numbers_of(html: str) -> list[int]:
    """Where the last digits of all numbers of the first screen stand."""
    said = [match.span(1 if match.group(1) else 2) for match in SAID.finditer(html)]
    return [m.end() - 1 for a, b in said for m in re.compile(r"\d[\d,]*(\.\d+)?").finditer(html, a, b)]


def test_it_imports_nothing_of_this_project() -> None:
    allowed = {"numpy", "scipy", "statsmodels", "pandas", "pyarrow", *sys.stdlib_module_names}
    for file in (ROOT / "tests" / "recount").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed, file
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert str(node.module).split(".")[0] in allowed, file


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_first_screen_is_found_again(name: str) -> None:
    assert differences(recount_of(name), page_of(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_any_number_changed_is_noticed(name: str) -> None:
    html, recount = page_of(name), recount_of(name)
    places, chart = numbers_of(html), html.index("<figure")
    assert len(places) > 60
    # All in words and, as the chart says the same many times, some of its own.
    places = [place for place in places if not chart < place < html.index("</figure>")] + places[::5]
    for place in places:
        changed = f"{html[:place]}{(int(html[place]) + 1) % 10}{html[place + 1 :]}"
        assert differences(recount, changed), html[place - 60 : place + 20]


def test_a_decision_turned_a_name_exchanged_and_a_bar_moved_are_noticed() -> None:
    html, recount = page_of("tiny-imagenet-mini"), recount_of("tiny-imagenet-mini")
    bars = re.findall(r'<rect x="([\d.]+)"([^>]*class="interval)', html)
    assert len(bars) == 5  # of the difference, and of each contender for wide and narrow columns
    for old, new in (
        ("SIFT with Fisher vectors still beats deep learning", "AlexNet beats hand-engineered features"),
        ("luck does not explain the", "luck alone could make that"),
        ("SIFT with Fisher vectors misses", "AlexNet misses"),
        ("SIFT with Fisher vectors is ahead", "AlexNet is ahead"),
        ("Every pair of contenders can be told apart", "Every pair of contenders cannot be told apart"),
        *((f'<rect x="{x}"{rest}', f'<rect x="{float(x) + 3:.1f}"{rest}') for x, rest in bars),
    ):
        assert old in html
        assert differences(recount, html.replace(old, new, 1)), old


def test_its_statistics_are_those_of_the_papers() -> None:
    assert wilson(3, 10) == pytest.approx((0.10779, 0.60322), abs=1e-5)
    # Fagerland, Lydersen and Laake (2013), table 1 with table 2: airway hyper-responsiveness, 1 and 7 of 21.
    assert mid_p(1, 7) == pytest.approx(0.0391, abs=5e-5)
    assert tango(1, 7, 21, 0.05) == pytest.approx((-0.517, -0.026), abs=1e-3)
    assert mid_p(4, 4) == 1
    tables = [(b, c) for b in range(13) for c in range(13 - b)]
    chances = stats.multinomial.pmf([(b, c, 12 - b - c) for b, c in tables], 12, [0.6, 0.1, 0.3])
    rejected = [mid_p(b, c) < 0.05 for b, c in tables]
    assert power(12, 0.6, 0.1, 0.05) == pytest.approx(float(chances @ rejected), abs=1e-9)
    low, high = images_needed(25, 10, 100, 0.05) or (0, 0)
    assert low < high < 1.2 * low
    assert power(low, 0.25, 0.1, 0.05) < 0.8 < power(high, 0.25, 0.1, 0.05)
    assert runs_not_told_apart(4, {(0, 2), (0, 3), (1, 3)}) == [(0, 1), (1, 2), (2, 3)]
