"""One place says how the families look; nobody may mistake one for another, and everybody reads it there."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest
from topfive.benchmark import families
from topfive.benchmark.errors import InputError
from topfive.benchmark.families import FAMILIES, MARKERS, PAINTED, family_of, tone_of
from topfive.benchmark.report import charts
from topfive.benchmark.report.charts.primitives import outline
from topfive.benchmark.report.charts.style import COLOURS, NEUTRALS, style_sheet
from topfive.benchmark.running.scorefile import score

STYLE = (Path(charts.__file__).parents[1] / "page" / "style.css").read_text(encoding="utf-8")


def rgb(colour: str) -> tuple[int, int, int]:
    assert re.fullmatch("#[0-9a-f]{6}", colour)
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def test_no_two_families_share_a_marker_a_colour_or_a_name() -> None:
    for a, b in combinations(PAINTED, 2):
        assert a.marker != b.marker
        assert outline(a.marker, 0, 0, 1) != outline(b.marker, 0, 0, 1)
        assert len({a.name, b.name}) == len({a.label, b.label}) == len({a.tone, b.tone}) == 2
        for one, other in ((a.light, b.light), (a.dark, b.dark)):
            assert sum((x - y) ** 2 for x, y in zip(rgb(one), rgb(other), strict=True)) ** 0.5 > 40
    assert len(set(MARKERS.values())) == len(MARKERS) == len(PAINTED) + 1  # and what belongs to no family has its own


def test_a_family_nobody_knows_is_other() -> None:
    assert tone_of("hand-engineered") == "hand"
    assert family_of("my own kind").name == families.OTHER
    assert {family.name for family in FAMILIES} == {
        families.HAND, families.DEEP, families.PRETRAINED, families.SHALLOW, families.FLOOR, families.OTHER,
    }  # fmt: skip


def test_page_and_files_paint_a_family_in_its_colour() -> None:
    sheet = style_sheet()
    dark = re.search(r':root\[data-theme="dark"\]\{(--hand.*?)\}', sheet)
    assert dark is not None
    for family in FAMILIES:
        assert COLOURS[family.tone] == family.light
        assert f".t-{family.tone}{{--tone:var(--{family.tone})}}" in sheet
        assert f"--{family.tone}:{family.dark};" in dark[1]
        # Once for the light theme and once for print, which is light whatever the theme.
        assert sheet.count(f"--{family.tone}:{family.light};") == 2
        assert f"--{family.tone}:" not in STYLE  # and no second place says otherwise


def test_the_neutrals_of_files_are_those_of_the_light_page() -> None:
    light = STYLE[: STYLE.index("@media")]
    for name in ("ink", "soft", "line"):
        assert f"--{name}: {NEUTRALS[name]};" in light


def test_score_takes_the_families_and_no_others(tmp_path: Path) -> None:
    for name in (family.name for family in FAMILIES):
        with pytest.raises(InputError) as refused:
            score(tmp_path / "none.csv", str(tmp_path), name=None, family=name, output=None)
        assert "--family" not in str(refused.value)  # refused later, for the missing data
    with pytest.raises(InputError, match="--family 'hand': give one of 'hand-engineered', 'deep', 'pre-trained'"):
        score(tmp_path / "none.csv", str(tmp_path), name=None, family="hand", output=None)
