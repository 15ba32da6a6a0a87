"""Every self-check fails on a run that was doctored in the way it looks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from topfive.benchmark.report.analysis.contest import contests_of
from topfive.benchmark.report.analysis.selfcheck import checks
from topfive.benchmark.results.run import open_run
from topfive.benchmark.scoring.metrics import metrics
from topfive.benchmark.scoring.predictions import write_predictions
from topfive.benchmark.scoring.ranking import Ranking, rank

from tests.benchmark.conftest import edit
from tests.benchmark.report.conftest import CONTENDERS, DEEP, FLOOR, HAND, MakeRun

TIES, CONSTANT = "Ties are counted against the contender", "Constant scores earn nothing"
RECOUNT = "Counting the stored predictions again gives the stated errors"
Change = Callable[[Ranking], Ranking]


def results_of(run: Path) -> dict[str, tuple[bool | None, str]]:
    return {check.name: (check.passed, check.found) for check in checks(contests_of([open_run(run)])[0])}


def failing(run: Path) -> list[str]:
    return [name for name, (passed, _) in results_of(run).items() if passed is False]


def doctor(run: Path, method: str, change: Change, *, stated: bool = True) -> None:
    """Replace the stored answers of a contender; ``stated``: and the metrics, as if they had been scored so."""
    stored = open_run(run)
    for record in stored.records:
        if record.method == method:
            found = stored.predictions(record)
            assert found is not None
            ranking = change(found[1])
            write_predictions(run / str(record.predictions), found[0].to_pylist(), ranking)
            if stated:
                stored.put(record.model_copy(update={"metrics": metrics(ranking)}))
    stored.save()


def replaced(ranking: Ranking, **fields: np.ndarray) -> Ranking:
    return Ranking(**{**vars(ranking), **fields})


def by_index(ranking: Ranking) -> Ranking:
    """Ties broken by the class's number: the mistake of those who sort and look for the truth's place."""
    place = (ranking.top_classes == ranking.label[:, None]).argmax(axis=1).astype(np.int32)
    return replaced(ranking, above=place, tied=np.ones_like(ranking.tied))


def in_favour(ranking: Ranking) -> Ranking:
    """As if the truth alone had its score."""
    return replaced(ranking, tied=np.ones_like(ranking.tied))


def coarse(ranking: Ranking) -> Ranking:
    """Honestly ranked scores of which many are alike."""
    n, c = len(ranking.label), ranking.n_classes
    rng = np.random.default_rng(0)
    return rank(rng.integers(0, 4, (n, c)) + 2.0 * np.eye(c)[ranking.label], ranking.label)


def test_an_honest_run_passes_and_says_where_ties_are(make_run: MakeRun) -> None:
    run = make_run(broken=False)
    found = results_of(run)
    assert {passed for passed, _ in found.values()} == {True}
    assert found[TIES][1] == "images with a class tied with the truth: chance 400"
    assert found[CONSTANT][1] == "chance: no hit, as all classes tie"
    doctor(run, "hog", coarse)
    assert failing(run) == []
    assert "hog" in results_of(run)[TIES][1]


def test_nobody_constant_means_no_check_of_constants(make_run: MakeRun) -> None:
    assert CONSTANT not in results_of(make_run(contenders=CONTENDERS[:2], broken=False))


@pytest.mark.parametrize("classes", [20, 30], ids=["all classes are stored", "some classes are stored"])
@pytest.mark.parametrize("change", [by_index, in_favour])
def test_constant_scores_that_earned_hits_are_found(make_run: MakeRun, change: Change, classes: int) -> None:
    run = make_run(contenders=(("net", DEEP, 2.0), ("chance", FLOOR, 0.0)), n_classes=classes, broken=False)
    doctor(run, "chance", change)
    assert CONSTANT in failing(run)
    assert TIES in failing(run)
    assert RECOUNT not in failing(run)
    assert "chance" in results_of(run)[TIES][1]


@pytest.mark.parametrize("change", [by_index, in_favour])
def test_ties_that_were_broken_for_the_contender_are_found(make_run: MakeRun, change: Change) -> None:
    run = make_run(contenders=(("net", DEEP, 2.0), ("hog", HAND, 1.0)), broken=False)
    doctor(run, "hog", coarse)
    doctor(run, "hog", change)
    assert failing(run) == [TIES]
    assert results_of(run)[TIES][1] == "the stored scores say otherwise: hog"


def test_ranks_that_contradict_the_scores_are_found(make_run: MakeRun) -> None:
    run = make_run(contenders=(("net", DEEP, 2.0), ("hog", HAND, 1.0)), broken=False)

    def one_better(ranking: Ranking) -> Ranking:
        above = ranking.above.copy()
        above[np.flatnonzero(above)[0]] -= 1
        return replaced(ranking, above=above)

    doctor(run, "hog", one_better)
    assert failing(run) == [TIES]


def test_a_truth_that_stands_elsewhere_than_its_rank_says_is_found(make_run: MakeRun) -> None:
    run = make_run(contenders=(("net", DEEP, 2.0), ("hog", HAND, 1.0)), broken=False)
    doctor(run, "hog", coarse)

    def one_better(ranking: Ranking) -> Ranking:
        """A tie of three made one of two: its scores allow that, the truth's place behind the two does not."""
        place = (ranking.top_classes == ranking.label[:, None]).argmax(axis=1)
        i = np.flatnonzero((ranking.tied > 2) & (place == ranking.above + ranking.tied - 1))[0]
        tied = ranking.tied.copy()
        tied[i] -= 1
        return replaced(ranking, tied=tied)

    doctor(run, "hog", one_better)
    assert failing(run) == [TIES]


def test_a_stated_number_of_ties_is_counted_again(make_run: MakeRun) -> None:
    run = make_run(broken=False)
    edit(run, lambda r: r.model_copy(update={"metrics": r.metrics | {"tied_images": 3}}) if r.method == "hog" else r)
    assert failing(run) == [TIES]


def test_an_error_that_counts_ties_as_hits_is_found(make_run: MakeRun) -> None:
    run = make_run(broken=False)
    doctor(run, "hog", coarse)
    edit(
        run,
        lambda r: (
            r.model_copy(update={"metrics": r.metrics | {"top5_err": r.metrics["top5_expected_err"]}})
            if r.method == "hog"
            else r
        ),
    )
    assert failing(run) == [RECOUNT]


def test_a_few_that_only_float32_makes_alike_prove_nothing(make_run: MakeRun) -> None:
    run = make_run(contenders=(("net", DEEP, 2.0), ("hog", HAND, 1.0)), broken=False)

    def rounded(ranking: Ranking) -> Ranking:
        scores = ranking.top_scores.copy()
        scores[:4, 1] = scores[:4, 0]  # two different ones in full precision
        return replaced(ranking, top_scores=scores)

    doctor(run, "hog", rounded)
    assert failing(run) == []
