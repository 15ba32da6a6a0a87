"""What the first screen says, and what it must not leave out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from topfive.benchmark.families import DEEP, HAND
from topfive.benchmark.report.analysis.verdict import verdict
from topfive.benchmark.results.run import load_run
from topfive.benchmark.scoring.metrics import metrics
from topfive.benchmark.scoring.power import images_needed
from topfive.benchmark.scoring.predictions import read_predictions

from tests.benchmark.report.conftest import MakeRun, contest_of

TWO = (("net", DEEP, 1.6), ("sift", HAND, 1.6))


def change_dataset(run: Path, **values: Any) -> None:
    loaded = load_run(run)
    name = next(iter(loaded.datasets))
    loaded.datasets[name] = loaded.datasets[name].model_copy(update=values)
    loaded.save()


def test_leakage_is_a_caveat_of_the_first_screen(make_run: MakeRun) -> None:
    run = make_run(contenders=TWO, broken=False)
    leak = "Leakage: 7 of the validation images are byte for byte among the training images, for instance a = b."
    change_dataset(run, notes=["Classes are in numeric order.", leak])
    caveats = verdict(contest_of(run)).caveats
    assert leak in caveats
    assert not any("numeric order" in line for line in caveats)


def test_rivals_are_named_and_allowed_for(make_run: MakeRun) -> None:
    alike = (("net", DEEP, 2.6), ("sift", HAND, 1.50), ("surf", HAND, 1.50), ("weak", HAND, 0.3))
    contest = contest_of(make_run(contenders=alike, broken=False))
    assert contest.candidates == 3
    told = verdict(contest)
    (said,) = [line for line in told.more if "might as well" in line]
    other = contest.ranked[contest.rivals[0][1]].name
    assert said == (
        f"The images that compare the two also chose them, and {other} might as well have stood here: the interval "
        "and p allow for 3 candidates in two places."
    )
    clear = contest_of(make_run("clear", contenders=(*TWO, ("weak", HAND, 0.2)), broken=False))
    assert clear.candidates == 2
    assert any("could stand here is clearly behind" in line for line in verdict(clear).more)
    alone = contest_of(make_run("alone", contenders=TWO, broken=False))
    assert not any("chose" in line for line in verdict(alone).more)


def alike(run: Path) -> None:
    """Make both contenders miss equally many images: the second gets the answers of the first, of other images."""
    loaded = load_run(run)
    first, second = loaded.records
    ids, ranking = read_predictions(run / str(first.predictions))
    turn = np.arange(len(ids)) ^ 1  # neighbours, of one class, are exchanged
    table = pq.read_table(run / str(first.predictions))
    turned = table.take(pa.array(turn)).set_column(0, "image_id", ids)
    pq.write_table(turned, run / str(second.predictions))
    loaded.put(second.model_copy(update={"metrics": metrics(ranking)}))
    loaded.save()


def test_an_observed_zero_is_not_taken_for_a_true_one(make_run: MakeRun) -> None:
    run = make_run(contenders=TWO, broken=False)
    alike(run)
    contest = contest_of(run)
    (pair,) = contest.pairs
    assert pair.gap.value == 0
    assert pair.only_a == pair.only_b > 10
    (said,) = [line for line in verdict(contest).more if "equally many" in line]
    found = re.fullmatch(
        r"They miss equally many images here, but the true difference may be as large as ([\d.]+) points. One of a "
        r"single point would take about ([\d,]+) images to show four times in five.",
        said,
    )
    assert found is not None
    assert float(found[1]) == pytest.approx(100 * pair.gap.high, abs=0.051)
    # Half a point more to one and less to the other, at the share of images that tell the two apart here.
    share = 2 * pair.only_a / 400
    needed = images_needed(round(5e5 * (share + 0.01)), round(5e5 * (share - 0.01)), 10**6)
    assert needed is not None
    assert float(found[2].replace(",", "")) == pytest.approx(needed, rel=0.02)
    assert "no number of images" not in said


def test_the_headline_never_contradicts_its_interval(make_run: MakeRun) -> None:
    decided = set()
    for i, skill in enumerate((1.6, 1.75, 1.85, 1.95, 2.1)):
        contest = contest_of(make_run(f"r{i}", contenders=(("net", DEEP, skill), TWO[1]), broken=False))
        told = verdict(contest)
        found = re.findall(r"\(95 % interval (−?[\d.]+) to (−?[\d.]+)\)", told.more[0])[0]
        low, high = (float(x.replace("−", "-")) for x in found)
        apart = told.headline != "Too close to call."
        assert ("luck does not explain" in told.sentence) == apart
        assert apart == (low >= 0 or high <= 0)  # as printed: an end of 0.0 is one that was rounded
        decided.add(apart)
    assert decided == {True, False}


def test_several_seeds_have_an_interval_that_agrees_with_their_test(make_run: MakeRun) -> None:
    contest = contest_of(make_run(contenders=(*TWO, ("weak", HAND, 0.8)), seeds=(0, 1, 2), broken=False))
    assert any(pair.told_apart for pair in contest.pairs)
    for pair in contest.pairs:
        assert pair.told_apart == (not pair.gap.low <= 0 <= pair.gap.high)


def test_the_second_measure_has_the_noise_of_seeds_in_it_too(make_run: MakeRun) -> None:
    contest = contest_of(make_run(contenders=TWO, seeds=(0, 1, 2), broken=False))
    for i, contender in enumerate(contest.ranked):
        wilson = contender.mean("top1_err_low"), contender.mean("top1_err_high")
        e = contest.error(i, 1)
        assert e.low < e.value < e.high
        assert (e.low, e.high) != pytest.approx(wilson, abs=1e-4)
