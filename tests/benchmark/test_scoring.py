"""The scorer against hand-worked cases."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import top_k_accuracy_score
from topfive.benchmark.scoring.metrics import metrics
from topfive.benchmark.scoring.predictions import read_predictions, write_predictions
from topfive.benchmark.scoring.ranking import ScoreError, align, confidence_of, rank
from topfive.benchmark.scoring.statistics import calibration


def test_hand_worked_ranks_and_ties() -> None:
    scores = np.array(
        [
            [9, 8, 7, 6, 5, 4, 3],  # truth 0: first
            [9, 8, 7, 6, 5, 4, 3],  # truth 5: five above, sixth
            [1, 1, 1, 1, 1, 0, 0],  # truth 2: tied with five, none above: inside the five best whatever the order
            [1, 1, 1, 1, 1, 1, 0],  # truth 2: tied with six: counted as a miss, expected credit 5/6
            [2, 2, 2, 1, 1, 1, 1],  # truth 6: three above, four tied: a miss, expected credit (5 - 3) / 4
        ],
        dtype=float,
    )
    ranking = rank(scores, np.array([0, 5, 2, 2, 6]))
    assert ranking.above.tolist() == [0, 5, 0, 0, 3]
    assert ranking.tied.tolist() == [1, 1, 5, 6, 4]
    result = metrics(ranking)
    assert result["top1_err"] == pytest.approx(4 / 5)
    assert result["top5_err"] == pytest.approx(3 / 5)
    assert result["top1_expected_err"] == pytest.approx(1 - (1 + 0 + 1 / 5 + 1 / 6 + 0) / 5)
    assert result["top5_expected_err"] == pytest.approx(1 - (1 + 0 + 1 + 5 / 6 + 1 / 2) / 5)
    assert (result["n"], result["n_classes"], result["tied_images"]) == (5, 7, 3)
    assert result["chance_top1"] == pytest.approx(6 / 7)
    assert result["chance_top5"] == pytest.approx(2 / 7)
    assert result["top5_err_low"] < 3 / 5 < result["top5_err_high"]


def test_scores_that_cannot_be_ranked_say_their_cure() -> None:
    """The same words in a run and in `topfive check`."""
    with pytest.raises(
        ScoreError, match=r"shape \(3, 2\), expected \(3, 4\); answer one finite score per image and cl"
    ):
        align(np.zeros((3, 2)), np.arange(4), 3, 4)


def test_constant_scores_score_no_hits() -> None:
    result = metrics(rank(np.zeros((50, 20)), np.arange(50) % 20))
    assert result["top1_err"] == result["top5_err"] == 1
    assert result["top5_expected_err"] == pytest.approx(result["chance_top5"]) == pytest.approx(0.75)


def test_without_ties_it_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(300, 12)), rng.integers(12, size=300)
    result = metrics(rank(scores, labels))
    for k in (1, 5):
        assert result[f"top{k}_err"] == pytest.approx(1 - top_k_accuracy_score(labels, scores, k=k))


def test_fewer_than_five_classes_leave_no_top5_error() -> None:
    result = metrics(rank(np.eye(3), np.array([1, 2, 0])))
    assert (result["top1_err"], result["top5_err"], result["chance_top5"]) == (1, 0, 0)


def test_hierarchical_error_is_the_cheapest_of_the_five_guesses() -> None:
    costs = np.array([[0.0, 0.25, 1.0], [0.25, 0.0, 1.0], [1.0, 1.0, 0.0]])
    one = metrics(rank(np.eye(3)[[1, 2]], np.array([0, 0])), np.repeat(costs, 1, axis=0))
    assert one["hierarchical_err"] == 0  # all three classes are among the guesses
    costs6 = np.ones((6, 6)) - np.eye(6)
    costs6[0, 1:] = [0.5, 0.75, 1, 1, 1]
    missed = metrics(rank(np.array([[0.0, 6, 5, 4, 3, 2]]), np.array([0])), costs6)
    assert missed["hierarchical_err"] == 0.5


def by_hand(scores: list[float], costs: list[float]) -> float:
    """The largest value that the least cost among five guesses can take, whichever way ties are broken."""
    order = np.array(scores)
    best = 0.0
    for chosen in itertools.combinations(range(len(scores)), min(5, len(scores))):
        rest = [c for c in range(len(scores)) if c not in chosen]
        if not rest or order[list(chosen)].min() >= order[rest].max():
            best = max(best, min(costs[c] for c in chosen))
    return best


@pytest.mark.parametrize("seed", range(6))
def test_of_guesses_that_tie_for_the_last_place_the_costliest_count(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (40, 9)).astype(float)
    costs = rng.integers(0, 5, (9, 9)) / 4
    np.fill_diagonal(costs, 0)
    labels = rng.integers(0, 9, 40)
    found = metrics(rank(scores, labels), costs)["hierarchical_err"]
    expected = np.mean([by_hand(list(s), list(costs[label])) for s, label in zip(scores, labels, strict=True)])
    assert found == pytest.approx(expected)
    # By class index, as before, it was smaller: the tie was broken in the contender's favour.
    first = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    assert expected > np.take_along_axis(costs[labels], first, axis=1).min(axis=1).mean()


def test_constant_scores_earn_no_nearness_in_the_tree() -> None:
    costs = np.full((60, 60), 0.5)
    np.fill_diagonal(costs, 0)
    costs[0, 50:] = 1.0  # beyond the stored ranks, and still among the guesses
    assert metrics(rank(np.zeros((1, 60)), np.array([0])), costs)["hierarchical_err"] == 1.0
    costs[0, 54:] = 0.5
    assert metrics(rank(np.zeros((1, 60)), np.array([0])), costs)["hierarchical_err"] == 0.5  # four are not five


def test_columns_are_put_in_the_order_of_the_data_set() -> None:
    scores = np.array([[0.1, 0.2, 0.3]])
    assert align(scores, np.array([2, 0, 1]), 1, 3).tolist() == [[0.2, 0.3, 0.1]]
    assert align(np.array([0.5, -1.0]), np.array([0, 1]), 2, 2).tolist() == [[-0.5, 0.5], [1.0, -1.0]]


@pytest.mark.parametrize(
    ("scores", "classes", "message"),
    [
        (np.zeros((3, 4)), np.arange(5), "shape"),
        (np.zeros((2, 5)), np.arange(5), "shape"),
        (np.full((3, 5), np.nan), np.arange(5), "15 of 15 scores are not finite"),
        (np.array([[0.0] * 5, [0.0] * 4 + [np.inf], [0.0] * 5]), np.arange(5), "first for image 1"),
        (np.zeros((3, 5)), np.array([0, 1, 2, 3, 3]), "classes_"),
        (np.zeros((3, 5)), np.array(["a", "b", "c", "d", "e"]), "classes_"),
        (np.full((3, 5), "x"), np.arange(5), "real numbers"),
    ],
)
def test_what_cannot_be_ranked_is_an_error(scores: np.ndarray, classes: np.ndarray, message: str) -> None:
    with pytest.raises(ScoreError, match=message):
        align(scores, classes, 3, 5)


def test_predictions_survive_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    ranking = rank(rng.normal(size=(40, 30)).round(1), rng.integers(30, size=40))
    write_predictions(tmp_path / "p.parquet", [f"ü{i}.jpg" for i in range(40)], ranking)
    ids, again = read_predictions(tmp_path / "p.parquet")
    assert ids[3].as_py() == "ü3.jpg"
    assert again.top_classes.shape == (40, 20)
    assert metrics(again) == metrics(ranking)
    np.testing.assert_array_equal(again.top_scores, ranking.top_scores)


def test_probabilities_are_recognised() -> None:
    both = np.array([[0.25, 0.75], [1.0, 0.0]])
    assert confidence_of(both) == "probability"
    assert confidence_of(np.array([[0.25, 0.80]])) is None
    assert confidence_of(np.array([[-0.5, 1.5]])) is None
    with np.errstate(divide="ignore"):
        assert confidence_of(np.log(both[:1])) == "log-probability"
    assert confidence_of(np.log(both[:1]) - 0.1) is None
    assert confidence_of(np.zeros((0, 4))) is None


@pytest.mark.parametrize(
    ("row", "taken"),
    [
        ([1.0005, 0, 0], True),
        ([0.9995, 0, 0], True),
        ([1.002, 0, 0], False),
        ([0.998, 0, 0], False),
        ([1.0005, -0.0005, 0], True),
        ([1.002, -0.002, 0], False),
    ],
)
def test_one_tolerance_says_what_is_a_probability(row: list[float], taken: bool) -> None:
    assert confidence_of(np.array([row] * 4)) == ("probability" if taken else None)
    if taken:  # whatever is recognised can be calibrated, as it is stored
        first = rank(np.array([row] * 4), np.zeros(4, np.int64)).top_scores[:, 0]
        assert calibration(first, np.ones(4)).ece == pytest.approx(1 - min(row[0], 1), abs=1e-6)
    elif row[0] > 1:
        with pytest.raises(ValueError, match="confidences are probabilities"):
            calibration(np.array(row[:1]), np.ones(1))
