"""The bootstraps against closed forms, and the crossing of curves against cases worked by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from topfive.benchmark.scoring.resampling import crossing, interval, resampled_errors

Simulated = Callable[[str], None]


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


def test_crossing_by_hand() -> None:
    """Errors .6 .4 .2 against .4 .3 .3 at 10, 100, 1000: the gap goes from +.2 over +.1 to −.1, so they meet half-way
    between 100 and 1,000 on the logarithm: at 316."""
    n = 100
    labels = np.repeat(np.arange(10), 10)

    def hits(errors: list[float]) -> np.ndarray:
        return np.stack([np.arange(n) >= round(e * n) for e in errors])

    meet = crossing(np.array([10, 100, 1000]), each(hits([0.6, 0.4, 0.2])), each(hits([0.4, 0.3, 0.3])), labels)
    assert meet.at == pytest.approx(10**2.5)
    assert 100 <= meet.low <= meet.at <= meet.high <= 1000
    assert meet.share == pytest.approx(1, abs=0.05)


def each(hits: np.ndarray) -> list[np.ndarray]:
    """(k, n) of one seed → k arrays of (1, n)."""
    return [row[None] for row in hits]


def test_curves_that_do_not_meet_are_not_extrapolated() -> None:
    labels = np.repeat(np.arange(10), 10)
    better, worse = np.ones((2, 100), bool), np.zeros((2, 100), bool)
    meet = crossing(np.array([5, 50]), each(better), each(worse), labels)
    # The better leads at the largest size and everywhere else: were there a crossing, it would be below.
    assert (meet.at, meet.low, meet.high, meet.share) == (None, 0.0, 0.0, 0.0)


def test_resamples_that_do_not_cross_count_as_crossing_outside_the_sizes() -> None:
    """Two images of 100 tell the leads at both ends: about one resample in seven has no image that tells the one at the
    small end, and another such share none that tells the one at the large end."""
    labels = np.zeros(100, dtype=int)
    a, b = np.ones((2, 100), bool), np.ones((2, 100), bool)
    a[0, :2] = False  # b ahead at the small size by two images
    b[1, 2:4] = False  # a ahead at the large one
    meet = crossing(np.array([10, 100]), each(a), each(b), labels, rounds=2000)
    assert meet.at == pytest.approx(10**1.5)
    lost = 0.98**99  # no draw of 99 falls on either of the two
    assert meet.share == pytest.approx((1 - lost) ** 2, abs=0.03)
    assert (meet.low, meet.high) == (0.0, np.inf)


def test_crossings_need_increasing_sizes() -> None:
    with pytest.raises(ValueError, match="increasing"):
        crossing(np.array([5, 5]), each(np.ones((2, 4))), each(np.ones((2, 4))), np.zeros(4))


@pytest.mark.parametrize("noise", [0.0, 0.019])
def test_the_interval_of_a_crossing_covers_with_the_noise_of_seeds_in_it(noise: float, simulated: Simulated) -> None:
    """Three seeds at five sizes, 500 images, curves that truly meet half-way along the logarithm."""
    sizes, labels, trials = np.array([5, 10, 25, 50, 100]), np.repeat(np.arange(20), 25), 40
    log_size = np.log(sizes)
    errors = [np.interp(log_size, log_size[[0, -1]], ends) for ends in ([0.8, 0.4], [0.7, 0.5])]
    truth = np.exp(log_size[[0, -1]].mean())
    covered = by_images = 0
    for trial in range(trials):
        rng = np.random.default_rng([5, trial])
        a, b = (
            [rng.random((3, 500)) < 1 - error + (rng.normal(0, noise, (3, 1)) if noise else 0) for error in side]
            for side in errors
        )
        meet = crossing(sizes, a, b, labels, rounds=120, seed=trial)
        covered += meet.low <= truth <= meet.high
        alone = crossing(sizes, [h[:1] for h in a], [h[:1] for h in b], labels, rounds=120, seed=trial)
        by_images += alone.low <= truth <= alone.high
    shares = f"{covered / trials:.2f}; of one seed {by_images / trials:.2f}"
    simulated(f"coverage of the interval of a crossing, noise between runs {noise}: {shares}")
    assert covered / trials >= 0.9
