"""Images needed: the stated power is the exact one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom
from topfive.benchmark.scoring.paired import Means, mcnemar
from topfive.benchmark.scoring.power import images_needed, power
from topfive.benchmark.scoring.seeds import Mean


def test_power_by_summing_over_every_table() -> None:
    n, a, b, alpha = 60, 0.25, 0.1, 0.05
    total = 0.0
    for m in range(n + 1):
        counts = np.arange(m + 1)
        rejected = mcnemar(counts, m - counts) < alpha
        total += binom.pmf(m, n, a + b) * binom.pmf(counts, m, a / (a + b))[rejected].sum()
    assert power(n, a, b, alpha) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize(
    ("only_a", "only_b", "n", "alpha"), [(60, 40, 1000, 0.05), (40, 25, 500, 0.05 / 15), (30, 0, 500, 0.05)]
)
def test_images_needed_have_a_power_of_four_in_five_and_one_fewer_has_not(
    only_a: int, only_b: int, n: int, alpha: float
) -> None:
    needed = images_needed(only_a, only_b, n, alpha)
    assert needed is not None
    a, b = only_a / n, only_b / n
    print(f"{needed} images: power {power(needed, a, b, alpha):.4f}, one fewer {power(needed - 1, a, b, alpha):.4f}")
    assert power(needed, a, b, alpha) >= 0.8 > power(needed - 1, a, b, alpha)


def test_images_needed_by_trial() -> None:
    needed = images_needed(60, 40, 1000)
    assert needed == 1949  # Miettinen's formula: 1960
    counts = np.random.default_rng(0).multinomial(needed, [0.06, 0.04, 0.9], size=20_000)
    assert np.mean(mcnemar(counts[:, 0], counts[:, 1]) < 0.05) == pytest.approx(0.8, abs=0.01)


def test_no_number_of_images_shows_a_difference_of_none() -> None:
    assert images_needed(5, 5, 100) is None


def test_over_seeds_more_images_help_only_against_what_images_vary() -> None:
    # δ / (1.959964 + 0.841621) = 0.02855, squared 8.153e-4; less 3e-4 of the seeds: 5.153e-4. 500 · 1e-3 / that = 970.3
    mean = Mean(0.08, images=1e-3, seeds=3e-4, freedom=4)
    assert Means(mean, 500).needed() == 971
    assert Means(Mean(0.08, images=1e-3, seeds=9e-4, freedom=4), 500).needed() is None
