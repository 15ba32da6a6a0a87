"""``topfive run --dry-run``: pilots, and what is foreseen from them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from topfive.benchmark.config import load
from topfive.benchmark.contenders.discovery import discover
from topfive.benchmark.data import open_dataset
from topfive.benchmark.running import engine, pilot
from topfive.benchmark.running.pilot import MARGIN, SLACK, Forecast, Pilot, estimate, foresee, span
from topfive.benchmark.running.runner import run
from topfive.cnn.models import AlexNet


def of(images: int, seconds: float, passes: int = 1) -> Pilot:
    return Pilot(images, images * passes, seconds, 1e9 + images, 10.0 * images, 0.01)


def test_a_dry_run_foresees_and_writes_nothing(
    tmp_path: Path, contenders: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    base = {"data": ["photos[per_class=10]"], "method": ["mean-color", "raises"], "plugin": [contenders]}
    assert run(load(None, base | {"output": str(out), "dry_run": True})) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("photos[per_class=10] · mean-color: ")
    assert "GiB of memory" in said[0]
    assert "failed on a pilot of 13 images a class: RuntimeError: no such luck" in said[1]
    assert "in all, from short pilots" in said[2]
    assert not out.exists()


def test_a_straight_line_with_a_constant_part_lies_within() -> None:
    def seconds(n: int) -> float:
        return 2 + 0.01 * n

    found = foresee([of(250, seconds(250)), of(750, seconds(750))], 20_000, 20_000, 4000)
    assert found.high == pytest.approx((seconds(20_000) + 40) * MARGIN + SLACK)
    assert found.low < seconds(20_000) + 40 < found.high
    assert found.memory == pytest.approx(1e9 + 20_000)
    assert found.disk == pytest.approx(200_000)


def test_a_stage_that_ends_growing_lies_within() -> None:
    def seconds(n: int) -> float:  # a codebook of at most 500 images' patches
        return 0.5 + 0.012 * min(n, 500) + 0.006 * n

    found = foresee([of(260, seconds(260)), of(780, seconds(780))], 2000, 2000, 0)
    assert found.low < seconds(2000) < found.high
    assert found.high / found.low < 3


def test_growth_above_a_line_lies_within() -> None:
    found = foresee([of(100, 1.0), of(300, 3**1.2)], 3000, 3000, 0)
    assert found.low < 30**1.2 < found.high
    assert found.low == pytest.approx((3**1.2 + (3**1.2 - 1) / 200 * 2700) / MARGIN - SLACK)


def test_passes_count_as_images() -> None:
    """Three passes in the pilots, 23 over the whole."""
    found = foresee([of(250, 1 + 0.001 * 750, 3), of(750, 1 + 0.001 * 2250, 3)], 2000 * 23, 2000, 0)
    assert found.high == pytest.approx((1 + 46) * MARGIN + SLACK)
    assert found.low < 47


def test_a_pilot_of_all_images_is_the_run() -> None:
    found = foresee([of(100, 1.0), of(300, 0.5)], 300, 300, 100)
    assert (found.low, found.high) == pytest.approx((0.0, 1.5 * MARGIN + SLACK))
    assert foresee([of(300, 2.0)], 300, 300, 0).high == pytest.approx(2 * MARGIN + SLACK)


def test_one_pilot_alone_says_at_least_what_it_took_and_at_most_twice_in_proportion() -> None:
    found = foresee([of(250, 0.02)], 20_000, 20_000, 0)
    assert (found.low, found.high) == pytest.approx((0.0, 3.2 * MARGIN + SLACK))
    assert found.disk == pytest.approx(200_000)


def test_pilots_grow_until_one_is_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def run_with(rate: float, classes: int, n_train: int, most: float = math.inf) -> list[int]:
        tried.clear()

        def one(task: Any, per_class: int, n: int, say: Any) -> tuple[Pilot, float]:
            images = min(per_class * classes, n_train)
            tried.append(images)
            return of(images, rate * images), n

        monkeypatch.setattr(pilot, "_pilot", one)
        condition = {} if most == math.inf else {"train_per_class": int(most)}
        estimate({"condition": condition}, n_train, 10, classes, lambda message: None)
        return list(tried)

    assert run_with(0.02, 20, 2000) == [260, 1000]  # a further one would take 60 s
    assert run_with(0.0001, 20, 2000) == [260, 1000]  # a trifle, but from 50 a class on another solver learns
    assert run_with(0.0001, 20, 600) == [260, 600]
    assert run_with(0.003, 20, 2000) == [260, 1000, 2000]
    assert run_with(1.0, 200, 20_000) == [800, 5200]
    assert run_with(1.0, 2, 20_000) == [250, 750]  # never fewer than two
    assert run_with(0.001, 20, 100, most=5) == [100]


@pytest.mark.parametrize(
    ("method", "passes"), [("mean-color", {"here": 1, "whole": 1}), ("counts", {"here": 3, "whole": 8})]
)
def test_a_pilot_trains_shorter_and_predicts_fewer(
    method: str,
    passes: dict[str, int],
    contenders: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = discover([contenders])[method]
    photos = open_dataset("photos", per_class=8)
    monkeypatch.setattr(engine, "open_dataset", lambda **how: photos)
    monkeypatch.setattr(engine, "PILOT_PREDICTS", 40)
    cell = {
        "dataset": {}, "method": method, "target": entry.target, "origin": entry.origin, "params": {}, "seed": 0,
        "condition": {"train_per_class": 2}, "probes": [], "device": "cpu", "n_jobs": 1, "cache_dir": str(tmp_path),
        "pilot_of": 4000,
    }  # fmt: skip
    assert engine._run(cell, tmp_path) is None
    record = json.loads((tmp_path / engine.OUTCOME).read_text(encoding="utf-8"))["record"]
    assert record["passes"] == passes
    assert record["n_train"] == 40
    per_second = record["costs"]["images_per_second"]
    assert per_second * record["costs"]["predict_seconds"] == pytest.approx(40)


def test_a_network_says_its_passes() -> None:
    assert AlexNet(device="cpu", epochs=7).passes(2000) == 7
    # 95 % of 2,000 images: three quarters of 12 + 36,000 / 1,900.
    assert AlexNet(device="cpu").passes(2000) == math.ceil(0.75 * (12 + 36_000 // 1900))


def test_a_range_in_words() -> None:
    assert span(Forecast(40, 70)) == "40.0 s to 1:10"
    assert span(Forecast(0.21, 0.22)) == "about 0.2 s"
    assert str(Forecast(reason="failed on a pilot")) == "failed on a pilot"
