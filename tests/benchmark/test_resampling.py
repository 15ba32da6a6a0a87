"""The bootstraps against closed forms, and the crossing of curves against cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_ind
from topfive.benchmark.scoring.resampling import crossing, interval, resampled_errors, seeds_test


def test_the_spread_of_a_difference_is_that_of_the_stratified_closed_form() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(40), 5)  # few images a class: where drawing all of them would be 10 % too narrow
    a, b = rng.random(200) < 0.7, rng.random(200) < 0.5
    samples = resampled_errors([a[None], b[None]], labels, rounds=6000)
    gaps = samples[:, 1] - samples[:, 0]
    outcome = (a.astype(float) - b).reshape(40, 5)
    standard_error = np.sqrt(np.sum(5 * outcome.var(axis=1, ddof=1))) / 200
    assert gaps.mean() == pytest.approx(a.mean() - b.mean(), abs=4 * standard_error / np.sqrt(6000))
    assert gaps.std() == pytest.approx(standard_error, rel=0.04)


def test_pairing_narrows_the_difference() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(10), 30)
    a = rng.random(300) < 0.6
    b = a.copy()
    b[:6] = ~b[:6]
    samples = resampled_errors([a[None], b[None]], labels)
    assert np.ptp(interval(samples[:, 1] - samples[:, 0])) < 0.5 * np.ptp(interval(samples[:, 0]))


def test_resampling_repeats_itself_and_covers_the_truth() -> None:
    labels = np.repeat(np.arange(20), 20)
    covered = 0
    for trial in range(60):
        rng = np.random.default_rng(trial)
        difficulty = rng.random(400)
        a, b = difficulty < 0.6, rng.permutation(difficulty) < 0.5
        samples = resampled_errors([a[None], b[None]], labels, rounds=400, seed=trial)
        low, high = interval(samples[:, 1] - samples[:, 0])
        covered += low <= 0.1 <= high
    assert covered >= 52  # 57 expected
    again = resampled_errors([a[None], b[None]], labels, rounds=400, seed=59)
    assert np.array_equal(samples, again)


def test_seeds_add_their_own_spread() -> None:
    """Seeds that all hit or all miss: the images add nothing, and the spread of a mean of S seeds remains."""
    a = np.repeat(np.array([[1], [0], [1], [1], [0]], dtype=bool), 100, axis=1)
    labels = np.repeat(np.arange(10), 10)
    samples = resampled_errors([a], labels, rounds=8000)[:, 0]
    assert samples.mean() == pytest.approx(0.4, abs=0.01)
    assert samples.std() == pytest.approx(np.sqrt(a[:, 0].var(ddof=1) / 5), rel=0.04)


def test_a_class_of_one_image_gives_up_the_strata_not_the_spread() -> None:
    labels = np.arange(50)
    hits = np.arange(50) % 2 == 0
    samples = resampled_errors([hits[None]], labels, rounds=4000)[:, 0]
    assert samples.std() == pytest.approx(np.sqrt(hits.var(ddof=1) / 50), rel=0.06)


def test_without_noise_from_images_the_seeds_test_is_welchs() -> None:
    shares_a, shares_b = [1, 0, 1, 1, 1, 0, 1], [0, 0, 1, 0]
    a = np.repeat(np.array(shares_a, bool)[:, None], 40, axis=1)
    b = np.repeat(np.array(shares_b, bool)[:, None], 40, axis=1)
    labels = np.repeat(np.arange(4), 10)
    assert seeds_test(a, b, labels) == pytest.approx(ttest_ind(shares_a, shares_b, equal_var=False).pvalue)


def test_the_seeds_test_rarely_cries_wolf() -> None:
    alarms, labels = 0, np.repeat(np.arange(20), 10)
    for trial in range(300):
        rng = np.random.default_rng(trial)
        skill = rng.random(200)
        a, b = (rng.random((3, 200)) < skill for _ in range(2))
        alarms += seeds_test(a, b, labels) < 0.05
    assert alarms <= 25  # 15 expected; it errs to the careful side
    assert seeds_test(a, a, labels) == pytest.approx(1)


def test_crossing_by_hand() -> None:
    """Errors .6 .4 .2 against .4 .3 .3 at 10, 100, 1000: the gap goes from +.2 over +.1 to −.1, so they meet half-way
    between 100 and 1,000 on the logarithm: at 316."""
    n = 100
    labels = np.repeat(np.arange(10), 10)

    def hits(errors: list[float]) -> np.ndarray:
        return np.stack([np.arange(n) >= round(e * n) for e in errors])

    meet = crossing(np.array([10, 100, 1000]), hits([0.6, 0.4, 0.2]), hits([0.4, 0.3, 0.3]), labels)
    assert meet.at == pytest.approx(10**2.5)
    assert meet.low is not None
    assert meet.high is not None
    assert 100 <= meet.low <= meet.at <= meet.high <= 1000
    assert meet.share == pytest.approx(1, abs=0.05)


def test_curves_that_do_not_meet_are_not_extrapolated() -> None:
    labels = np.repeat(np.arange(10), 10)
    better, worse = np.ones((2, 100), bool), np.zeros((2, 100), bool)
    meet = crossing(np.array([5, 50]), better, worse, labels)
    assert (meet.at, meet.low, meet.high, meet.share) == (None, None, None, 0.0)


def test_crossings_need_increasing_sizes() -> None:
    with pytest.raises(ValueError, match="increasing"):
        crossing(np.array([5, 5]), np.ones((2, 4)), np.ones((2, 4)), np.zeros(4))
