"""Test and interval of a difference: against published figures, and that they never contradict each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binom, norm
from topfive.benchmark.scoring.paired import Tables, difference, holm_levels, mcnemar, tango
from topfive.benchmark.scoring.statistics import holm

Simulated = Callable[[str], None]


@pytest.mark.parametrize(
    ("only_a", "only_b", "n", "level", "expected"),
    [
        (1, 7, 21, 0.95, (-0.517, -0.026)),  # Fagerland, Lydersen and Laake 2014, airway hyper-responsiveness
        (28, 25, 618, 0.90, (-0.0148, 0.0247)),  # PropCIs 0.3, scoreci.mp(25, 28, 618, 0.90)
    ],
)
def test_tangos_interval_as_published(
    only_a: int, only_b: int, n: int, level: float, expected: tuple[float, float]
) -> None:
    digits = 3 if level == 0.95 else 4
    assert tuple(round(end, digits) for end in tango(only_a, only_b, n, norm.ppf((1 + level) / 2))) == expected


def test_tangos_ends_are_where_a_score_test_against_them_just_rejects() -> None:
    """The likelihood under a given difference maximised by search, not by Tango's formula."""
    z = 1.959964
    for only_a, only_b, n in [(9, 5, 32), (12, 0, 50), (0, 3, 40), (53, 16, 160)]:
        for d in tango(only_a, only_b, n, z):

            def minus_likelihood(q: float, d: float = d, a: int = only_a, b: int = only_b, n: int = n) -> float:
                rest = 1 - 2 * q - d
                terms = [(a, q + d), (b, q), (n - a - b, rest)]
                return -sum(count * np.log(p) for count, p in terms if count)

            bounds = (max(0.0, -d) + 1e-9, (1 - d) / 2 - 1e-9)
            q = minimize_scalar(minus_likelihood, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
            statistic = (only_a - only_b - n * d) / np.sqrt(n * (2 * q + d - d**2))
            assert abs(statistic) == pytest.approx(z, rel=2e-3)


def test_mid_p_by_hand() -> None:
    # 1 against 7: 2 · (C(8,0) + C(8,1) / 2) / 2^8 = 10/256; as published (0.039) with the interval above.
    assert mcnemar(1, 7) == pytest.approx(10 / 256)
    assert mcnemar(np.array([0, 3, 0]), np.array([0, 3, 10])) == pytest.approx([1, 1, 1 / 2**10])


def test_the_test_rejects_a_true_draw_about_as_often_as_it_says(simulated: Simulated) -> None:
    """Exact, over all tables of 500 images: the exact test falls to half of it."""
    sizes = {}
    for discordant in (0.02, 0.05, 0.1, 0.2, 0.4):
        m = np.arange(1, 500)[:, None]
        a = np.arange(0, 500)[None]
        weight = binom.pmf(m, 500, discordant) * np.where(a <= m, binom.pmf(a, m, 0.5), 0)
        p = mcnemar(np.minimum(a, m), np.maximum(m - a, 0))
        sizes[discordant] = float(weight[p < 0.05].sum())
    simulated(f"size of the mid-p test at 5 %, 500 images, by discordant share: {sizes}")
    assert all(0.04 <= size <= 0.051 for size in sizes.values())


def test_tangos_interval_covers(simulated: Simulated) -> None:
    """Five hundred draws of 500 images each; 95 % is promised."""
    found = {}
    for a, b in [(0.05, 0.05), (0.12, 0.06), (0.3, 0.1), (0.02, 0.0)]:
        rng = np.random.default_rng(0)
        draws = rng.multinomial(500, [a, b, 1 - a - b], size=500)
        ends = [Tables(int(x), int(y), 500).interval() for x, y, _ in draws]
        found[a, b] = float(np.mean([low <= a - b <= high for low, high in ends]))
    simulated(f"coverage of the interval of a difference, 500 images, by the shares that only one gets: {found}")
    assert all(0.93 <= share <= 0.98 for share in found.values())


def holds_zero(table: Tables, alpha: float) -> bool:
    low, high = table.interval(alpha)
    assert -1 <= low <= table.value <= high <= 1
    return low <= 0 <= high


@given(st.integers(1, 3000), st.data(), st.sampled_from([0.05, 0.025, 0.05 / 15, 0.05 / 325, 0.3]))
@settings(max_examples=150, deadline=None)
def test_the_interval_holds_zero_exactly_when_the_test_does_not_reject(
    n: int, data: st.DataObject, alpha: float
) -> None:
    only_a = data.draw(st.integers(0, n))
    table = Tables(only_a, data.draw(st.integers(0, n - only_a)), n)
    assert holds_zero(table, alpha) == (table.p >= alpha)


def test_also_on_the_tables_about_which_score_and_mid_p_differ(simulated: Simulated) -> None:
    z, rare, every = norm.isf(0.025), 0, 0
    for m in range(1, 301):
        fewer = np.arange(m // 2 + 1)
        every += len(fewer)
        differ = (m - 2 * fewer > z * np.sqrt(m)) != (mcnemar(m - fewer, fewer) < 0.05)
        for b in fewer[differ].tolist():
            rare += 1
            for table in (Tables(m - b, b, 2 * m), Tables(b, m - b, 2 * m)):
                assert holds_zero(table, 0.05) == (table.p >= 0.05)
    simulated(f"mid-p and score test differ on {rare} of {every} tables of up to 300 discordant images")
    assert rare == 10


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.sampled_from([0.05, 0.2]))
@settings(max_examples=50, deadline=None)
def test_holms_levels_reject_what_holms_adjusted_p_do(p: list[float], alpha: float) -> None:
    adjusted, levels = holm(p), holm_levels(p, alpha)
    near = np.abs(adjusted - alpha) < 1e-12
    assert ((np.array(p) < levels) == (adjusted < alpha))[~near].all()


def test_holms_levels_by_hand() -> None:
    assert holm_levels([0.001, 0.04, 0.02]) == pytest.approx([0.05 / 3, 0.05, 0.025])
    assert holm_levels([0.001, 0.04, 0.03]) == pytest.approx([0.05 / 3, 0.025, 0.025])  # 0.03 stops it
    assert holm_levels([]).size == 0


def test_one_seed_and_several_go_their_own_ways() -> None:
    labels = np.repeat(np.arange(4), 10)
    a, b = np.arange(40) < 30, np.arange(40) < 20
    assert difference(a, b, labels) == Tables(10, 0, 40)
    several = difference(np.stack([a, ~b]), b, labels)
    assert several.value == pytest.approx((0.75 + 0.5) / 2 - 0.5)


def test_intervals_and_tests_over_seeds_agree_too() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(5), 20)
    decided = 0
    for trial, alpha in itertools.product(range(150), (0.05, 0.005)):
        better = 0.5 + 0.1 * (trial % 3)
        found = difference(rng.random((3, 100)) < better, rng.random((2, 100)) < 0.5, labels)
        low, high = found.interval(alpha)
        assert (low <= 0 <= high) == (found.p >= alpha)
        decided += found.p < alpha
    assert 40 < decided < 260  # both kinds occurred
