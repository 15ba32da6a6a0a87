"""How well maps point: areas against controls, ranks of two maps, the pointing game, and what the page says of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import spearmanr
from topfive.benchmark.probes.occlusion import Occlusion as Probe
from topfive.benchmark.report.analysis.contest import Contest, contests_of
from topfive.benchmark.report.analysis.occluded import correlations, mean, occluded, pointing
from topfive.benchmark.report.sections.occlusion import Occlusion, overlaid
from topfive.benchmark.report.sections.parts import Html
from topfive.benchmark.results.run import open_run

from tests.benchmark.conftest import edit
from tests.benchmark.report.analysis.test_attacked import put
from tests.benchmark.report.conftest import DEEP, FLOOR, HAND, MakeRun

THREE = (("alexnet", DEEP, 2.4), ("sift", HAND, 2.4), ("alexnet-shuffled", FLOOR, 0.0))
N = 8


class ReadsOnePatch:
    """Class 1 where a patch of 8 pixels is bright."""

    def __init__(self, top: int, left: int) -> None:
        self.window = (slice(top, top + 8), slice(left, left + 8))

    def scores(self, images: Any) -> np.ndarray[Any, Any]:
        bright = np.array([image[self.window].mean() for image in images]) - 150
        return np.stack([-bright, bright], axis=1) / 50


def asked(run: Path, boxes: list[list[int] | None]) -> Contest:
    """Both sides read patches: "alexnet" the one at the upper left, "sift" the middle, the control the lower right."""
    images = [np.random.default_rng(i).integers(40, 140, (32, 32, 3), dtype=np.uint8) for i in range(N)]
    ids = open_run(run).predictions(next(r for r in open_run(run).records if r.predictions))
    assert ids is not None
    for image in images:
        for top in (4, 12, 20):
            image[top : top + 8, top : top + 8] = 230
    places = {"alexnet": 4, "sift": 12, "alexnet-shuffled": 20}
    for name, place in places.items():
        tables = dict(Probe(images=N, cells=8, steps=16).ask(ReadsOnePatch(place, place), images, np.arange(N) // 2))
        names = ids[0].to_pylist()[:N]
        boxed = pa.table({"image_id": names, "label": np.ones(N, int), "box": pa.array(boxes, pa.list_(pa.int64()))})
        put(run, name, "occlusion", tables | {"asked": boxed}, names)
    (contest,) = contests_of([open_run(run)])
    return contest


def place_of(contest: Contest, name: str) -> int:
    return next(i for i, c in enumerate(contest.ranked) if c.name == name)


def test_maps_point_sooner_than_chance_and_at_their_own_places(make_run: MakeRun) -> None:
    contest = asked(make_run(contenders=THREE, broken=False), [[0, 0, 11, 11]] * (N - 1) + [None])
    found = occluded(contest)
    assert found is not None
    net, sift = place_of(contest, "alexnet"), place_of(contest, "sift")
    assert (found.gain(net) > 0.1).all()
    assert mean(found.gain(sift, "centre")).value < 0.1  # what it reads is the middle, and no map is needed
    hits, middle, chance = pointing(found, net) or (None, None, None)
    assert hits is not None
    assert middle is not None
    assert chance is not None
    assert np.isnan(hits[-1])
    assert hits[:-1].tolist() == [1.0] * (N - 1)
    assert set(middle[:-1].tolist()) == {0.0}  # 15.5 is 4.5 px from the box in both directions, a disc has 2.1
    assert chance[0] == pytest.approx(12 / 64, abs=0.1)
    section = Occlusion().build(contest)
    assert section is not None
    assert "Sanity check" in str(section.parts[-1])
    assert "Pointing game on 7 images" in str(section.parts[-1])
    assert {chart.key for chart in section.charts()} == {"occlusion-deletion", "occlusion-insertion", "looks-alike"}
    pictures = section.lead_parts[1]
    assert isinstance(pictures, Html)
    titles = re.findall(r"</?span>([^<]+)</span>", str(pictures.markup))
    assert len(titles) == len(set(titles)) == 3, "in sight are images of different classes"


def test_without_boxes_and_pictures_the_section_says_so_and_shows_none(make_run: MakeRun) -> None:
    run = make_run(contenders=THREE[:2], broken=False, thumbnails=False)
    edit(run)
    section = Occlusion().build(asked_two(run))
    assert section is not None
    assert "No pointing game" in str(section.parts[-1])
    assert not any(part.kind == "html" for part in section.parts)


def asked_two(run: Path) -> Contest:
    return asked_of(run, {"alexnet": 4, "sift": 12})


def asked_of(run: Path, places: dict[str, int]) -> Contest:
    images = [np.full((16, 16, 3), 230, np.uint8)] * 2
    stored = open_run(run)
    ids = stored.predictions(stored.records[0])
    assert ids is not None
    for name, place in places.items():
        probe = Probe(images=2, cells=4, steps=4)
        tables = dict(probe.ask(ReadsOnePatch(place // 2, place // 2), images, np.ones(2, int)))
        put(run, name, "occlusion", tables, ids[0].to_pylist()[:2])
    (contest,) = contests_of([open_run(run)])
    return contest


def test_rank_correlations_of_the_same_and_of_different_images() -> None:
    rng = np.random.default_rng(0)
    maps = [rng.normal(size=(6, 6)) for _ in range(12)]
    same, crossed = correlations(maps, [np.exp(one) for one in maps])
    assert same.tolist() == pytest.approx([1] * 12)  # ranks alone count
    assert abs(crossed) < 0.1
    opposite, _ = correlations(maps[:2], [-one for one in maps[:2]])
    assert opposite.tolist() == pytest.approx([-1, -1])
    flat, _ = correlations([np.zeros((3, 3))], [maps[0][:3, :3]])
    assert np.isnan(flat[0])
    tied, other = rng.integers(0, 4, (5, 5)).astype(float), rng.integers(0, 4, (5, 5)).astype(float)
    assert correlations([tied], [other])[0] == pytest.approx(spearmanr(tied.ravel(), other.ravel()).statistic)
    e = mean(np.array([0.0, 1.0, np.nan]))
    assert (e.value, e.low, e.high) == (0.5, 0.0, 1.0)


def test_an_overlay_is_coloured_where_it_matters_and_grey_elsewhere() -> None:
    pixels = np.full((8, 8, 3), 100, np.uint8)
    loss = np.zeros((2, 2))
    loss[0, 1], loss[1, 0] = 2.0, -5.0
    drawn = overlaid(pixels, loss, "#b4480a")
    assert np.ptp(drawn[-1, 0].astype(int)) == 0  # where hiding helps it stays grey
    blue, green, red = drawn[0, -1].tolist()
    assert red > green > blue
