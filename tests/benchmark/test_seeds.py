"""Several seeds: the variance of a mean over seeds × images, the size of its test and the coverage of its intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import ttest_ind
from topfive.benchmark.scoring.paired import difference
from topfive.benchmark.scoring.seeds import interval_over_seeds, mean_over_seeds
from topfive.benchmark.scoring.statistics import wilson

Simulated = Callable[[str], None]


LABELS = np.repeat(np.arange(20), 25)
MORE = np.repeat(np.arange(20), 100)


def draw(rng: np.random.Generator, base: np.ndarray, seeds: int, noise: float) -> np.ndarray:
    """(seeds, n) hits of images that are right with probability ``base``, in training runs that differ by ``noise``."""
    runs = np.clip(rng.normal(0, noise, (seeds, 1)), -0.1, 0.1) if noise else 0.0
    return np.asarray(rng.random((seeds, len(base))) < np.clip(base, 0.1, 0.9) + runs)


def test_the_variance_is_that_of_means_drawn_over_and_over(simulated: Simulated) -> None:
    for noise in (0.0, 0.03):
        means = []
        for trial in range(600):
            rng = np.random.default_rng([1, trial])
            means.append(mean_over_seeds([draw(rng, rng.uniform(0.2, 0.8, 500), 3, noise)], [1.0], LABELS))
        truth, said = np.var([m.value for m in means]), np.mean([m.images + m.seeds for m in means])
        simulated(f"noise between runs {noise}: variance of the mean {truth:.2e}, said {said:.2e}")
        assert said == pytest.approx(truth, rel=0.15)


def test_without_noise_from_images_the_test_is_welchs() -> None:
    shares_a, shares_b = [1, 0, 1, 1, 1, 0, 1], [0, 0, 1, 0]
    a = np.repeat(np.array(shares_a, bool)[:, None], 40, axis=1)
    b = np.repeat(np.array(shares_b, bool)[:, None], 40, axis=1)
    found = difference(a, b, np.repeat(np.arange(4), 10))
    welch = ttest_ind(shares_a, shares_b, equal_var=False)
    assert found.p == pytest.approx(welch.pvalue)
    assert found.interval() == pytest.approx((welch.confidence_interval().low, 1), abs=1e-9)


def test_one_seed_a_side_adds_nothing_of_its_own() -> None:
    """Against a closed form: one seed each is the paired, stratified variance of the difference."""
    rng = np.random.default_rng(0)
    a, b = rng.random(500) < 0.7, rng.random(500) < 0.5
    by_class = (a.astype(float) - b).reshape(20, 25)
    mean = mean_over_seeds([a[None], b[None]], [1.0, -1.0], LABELS)
    assert mean.images == pytest.approx(np.sum(25 * by_class.var(axis=1, ddof=1)) / 500**2)
    assert (mean.seeds, mean.freedom) == (0, 480)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_the_test_rejects_a_true_draw_about_as_often_as_it_says(seeds: int, simulated: Simulated) -> None:
    """At 5 %, with and without noise between runs, and with images that are hard for one of the two alone."""
    sizes = {}
    for noise, own in [(0.0, 0.15), (0.02, 0.15), (0.04, 0.15), (0.02, 0.0)]:
        rejected = 0
        for trial in range(300):
            rng = np.random.default_rng([2, trial])
            base = rng.uniform(0.2, 0.8, len(LABELS))
            a, b = (draw(rng, base + own * rng.normal(size=len(base)), seeds, noise) for _ in "ab")
            rejected += difference(a, b, LABELS).p < 0.05
        sizes[noise, own] = rejected / 300
    simulated(f"size at 5 %, {seeds} seeds, by (noise between runs, images of one's own): {sizes}")
    assert all(0.025 <= size <= 0.075 for size in sizes.values())


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_intervals_over_seeds_cover_and_wilsons_do_not(seeds: int, simulated: Simulated) -> None:
    covered, wilsons = {}, {}
    for noise in (0.0, 0.02, 0.04):
        inside = plain = 0
        for trial in range(300):
            rng = np.random.default_rng([3, trial])
            hits = draw(rng, rng.uniform(0.2, 0.8, len(MORE)), seeds, noise)
            low, high = interval_over_seeds(hits, MORE)
            inside += low <= 0.5 <= high
            low, high = wilson(round(hits.mean() * len(MORE)), len(MORE))
            plain += low <= 0.5 <= high
        covered[noise], wilsons[noise] = inside / 300, plain / 300
    simulated(f"coverage at 95 %, {seeds} seeds, by noise between runs: {covered}; Wilson's of the mean: {wilsons}")
    assert all(0.88 <= share <= 0.99 for share in covered.values())
    assert wilsons[0.04] < 0.75  # of 2,000 images, which leave the runs as the greater noise


def test_the_interval_stays_within_0_and_1() -> None:
    labels = np.repeat(np.arange(4), 25)
    never, always = np.zeros((3, 100), bool), np.ones((3, 100), bool)
    assert interval_over_seeds(never, labels) == pytest.approx(wilson(0, 100), abs=1e-9)
    assert interval_over_seeds(always, labels) == pytest.approx(wilson(100, 100), abs=1e-9)
    rare = never.copy()
    rare[0, 0] = True
    low, high = interval_over_seeds(rare, labels)
    assert 0 <= low < 1 / 300 < high < 0.1
