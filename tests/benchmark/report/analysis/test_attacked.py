"""Attacks as errors that can be compared, what fools one tried on another, and the page's pictures of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from topfive.benchmark.probes.attack import Attack as Probe
from topfive.benchmark.probes.transfer import Transfer
from topfive.benchmark.report.analysis.attacked import at_the_end, attacked, epsilon_told_of, transferred
from topfive.benchmark.report.analysis.robustness import estimate
from topfive.benchmark.report.sections.attack import Attack
from topfive.benchmark.report.sections.parts import Html
from topfive.benchmark.results.run import open_run

from tests.benchmark.conftest import add
from tests.benchmark.report.conftest import DEEP, HAND, MakeRun, contest_of

TWO = (("alexnet", DEEP, 2.4), ("sift", HAND, 2.4))
N = 40


class Brightness:
    """Class 1 where the mean is above ``threshold``; with a gradient, if it is asked for."""

    def __init__(self, threshold: float, gradient: bool) -> None:
        self.threshold, self.has_gradient = threshold, gradient

    def scores(self, images: Any) -> np.ndarray[Any, Any]:
        over = np.asarray(images, float).mean(axis=(1, 2, 3)) - self.threshold
        return np.stack([-over, over], axis=1)

    def hook(self, name: str) -> Any:
        return self.gradient if name == "input_gradient" and self.has_gradient else None

    def gradient(self, pixels: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.where(labels == 1, -1.0, 1.0)[:, None, None, None] * np.ones_like(pixels)


def put(run: Path, method: str, probe: str, tables: dict[str, pa.Table], ids: list[str]) -> None:
    """Store what a probe answered, as the harness does."""
    (run / "probes").mkdir(exist_ok=True)
    plain = next(r for r in open_run(run).records if r.probe is None and r.method == method)
    files = {}
    for name, table in {"asked": pa.table({"image_id": ids, "label": np.zeros(len(ids), int)}), **tables}.items():
        files[name] = f"probes/{method}.{probe}.{name}.parquet"
        pq.write_table(table, run / files[name])
    changed = {"probe": probe, "tables": files, "predictions": None, "metrics": {}}
    add(run, plain.model_copy(update=changed))


@pytest.fixture
def asked(make_run: MakeRun) -> Path:
    """Of flat images "alexnet" needs a mean above 98.8, "sift" one above 94: the first is nearer to its edge."""
    run = make_run(contenders=TWO, broken=False)
    means = np.repeat([102, 99, 95, 80], N // 4)
    images = np.stack([np.full((8, 8, 3), m, np.uint8) for m in means])
    labels, ids = np.ones(N, int), [f"val/{i}" for i in range(N)]
    probe = Probe(epsilons="2+8", queries=40, draws=3, steps=8, images=N)
    contenders = {"alexnet": Brightness(98.8, True), "sift": Brightness(94, False)}
    found = {name: probe.ask(contender, images, labels) for name, contender in contenders.items()}
    for name, contender in contenders.items():
        put(run, name, "attack", dict(found[name]), ids)
        put(run, name, "transfer", dict(Transfer().ask_about(contender, found)), ids)
    return run


def test_errors_rise_from_the_plain_one_to_the_end_of_the_budget(asked: Path) -> None:
    contest = contest_of(asked)
    found = attacked(contest)
    assert found is not None
    panels = {contest.ranked[p.contender].name: p for p in found.panels}
    assert {name: round(p.errors[0, 0], 3) for name, p in panels.items()} == {"alexnet": 0.5, "sift": 0.25}
    square, noise = (at_the_end(found, name, 2) for name in ("square", "noise"))
    assert [found.conditions[i]["queries"] for i in (*square, *noise)] == [40, 3]
    assert panels["alexnet"].mean(square)[0] >= 0.65  # those at 99 are a fifth of a level away
    assert panels["sift"].mean(square)[0] == pytest.approx(0.25)  # a whole level, half of what may be changed
    assert panels["alexnet"].mean(noise)[0] <= 0.55  # noise leaves a mean as it is, or nearly
    for panel in panels.values():  # more queries never mend an answer
        steps = [panel.errors[0, 1 + i] for i in found.columns(attack="square", epsilon=8)]
        assert steps == sorted(steps)
    assert epsilon_told_of(found) == 2  # as near to 4 as 8 is, and less
    white = attacked(contest, ("pgd",))
    assert white is not None
    assert [contest.ranked[p.contender].name for p in white.panels] == ["alexnet"]
    assert estimate(white.panels[0].mean(at_the_end(white, "pgd", 8))).value == pytest.approx(1)


def test_what_fools_the_harder_one_fools_the_easier_one(asked: Path) -> None:
    contest = contest_of(asked)
    counted = transferred(contest)
    assert counted is not None
    shown, counts = counted
    a, b = (shown.index(i) for i in (contest.best(DEEP), contest.best(HAND)))
    assert counts[a][a][0] == counts[a][a][1] > 0
    assert counts[b][b][0] == counts[b][b][1] > 0
    assert counts[b][a][0] == counts[b][a][1]  # what is below 94 is below 98.8
    assert 0 <= counts[a][b][1] < counts[a][b][0]


def test_the_section_says_who_breaks_first_and_shows_it_where_pictures_may_be_shown(asked: Path) -> None:
    section = Attack().build(contest_of(asked))
    assert section is not None
    assert section.sentence.startswith("A Square attack (40 queries, pixels changed by at most 2/255) costs AlexNet ")
    assert "more than sift (95 % interval" in section.sentence
    assert "The best of 3 draws of noise of that size costs" in section.sentence
    assert "no gradient: sift" in str(section.parts[-1])
    assert [chart.key for chart in section.charts()] == ["attack-queries", "attack-epsilon", "transfer"]
    assert any(isinstance(part, Html) for part in section.parts)
    for picture in (asked / "thumbnails").iterdir():
        picture.unlink()
    hidden = Attack().build(contest_of(asked))
    assert hidden is not None
    assert not any(isinstance(part, Html) for part in hidden.parts)
