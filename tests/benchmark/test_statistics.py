"""Every statistic of the report against an outside reference or a case worked by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.multitest import multipletests
from topfive.benchmark.scoring.statistics import (
    calibration,
    discordant,
    error_consistency,
    expected_credit,
    hits_at,
    holm,
    tie_groups,
    wilson,
)


@given(st.integers(1, 5000), st.data())
@settings(max_examples=60, deadline=None)
def test_wilson_is_scipys(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    reference = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == pytest.approx((reference.low, reference.high), abs=1e-9)


def test_wilson_by_hand() -> None:
    # Newcombe 1998, table I, method 3: 81 of 263 and 0 of 20.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


@pytest.mark.parametrize(("hits", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_share(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match="0 <= hits <= n"):
        wilson(hits, n)


def test_hits_and_credit_by_hand() -> None:
    #                 clear 1st, clear 5th, 6th, tie for 5th-6th, tie over 1st-10th, constant over 20
    above = np.array([0, 4, 5, 4, 0, 0])
    tied = np.array([1, 1, 1, 2, 10, 20])
    assert hits_at(above, tied, 5).tolist() == [True, True, False, False, False, False]
    assert hits_at(above, tied, 1).tolist() == [True, False, False, False, False, False]
    assert expected_credit(above, tied, 5) == pytest.approx([1, 1, 0, 0.5, 0.5, 0.25])
    assert expected_credit(above, tied, 1) == pytest.approx([1, 0, 0, 0, 0.1, 0.05])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(max_examples=20, deadline=None)
def test_holm_is_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-15)


def test_holm_by_hand() -> None:
    # Sorted .005 .01 .03 .04 times 4 3 2 1 = .02 .03 .06 .04, and never below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])
    assert holm([]).size == 0


def test_discordant_counts_by_hand() -> None:
    a, b = [1, 1, 1, 0, 0], [1, 0, 0, 1, 0]
    assert discordant(np.array([a, b])).tolist() == [[0, 2], [1, 0]]


def test_consistency_is_cohens_kappa() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random(500) < 0.7, rng.random(500) < 0.6
    b[:250] = a[:250]
    assert error_consistency(a, b) == pytest.approx(cohen_kappa_score(a, b))
    assert error_consistency(a, a) == pytest.approx(1)
    assert error_consistency(np.array([True, False]), np.array([False, True])) == pytest.approx(-1)
    assert error_consistency(np.ones(4, bool), np.ones(4, bool)) is None


def test_calibration_by_hand() -> None:
    # Two bins of five: (0.2, 0.4] holds 0.3 and 0.4 with one right, (0.8, 1] holds 0.9 and 1.0 with two.
    curve = calibration(np.array([0.3, 0.4, 0.9, 1.0]), np.array([True, False, True, True]), bins=5)
    assert curve.count.tolist() == [0, 2, 0, 0, 2]
    assert curve.confidence[[1, 4]] == pytest.approx([0.35, 0.95])
    assert curve.accuracy[[1, 4]] == pytest.approx([0.5, 1.0])
    assert curve.ece == pytest.approx(0.5 * 0.15 + 0.5 * 0.05)


def test_calibration_against_the_definition() -> None:
    rng = np.random.default_rng(1)
    conf = rng.random(2000)
    hit = rng.random(2000) < conf**2
    edges = np.linspace(0, 1, 16)
    expected = 0.0
    for low, high in itertools.pairwise(edges):
        inside = (conf > low) & (conf <= high)
        if inside.any():
            expected += inside.mean() * abs(conf[inside].mean() - hit[inside].mean())
    assert calibration(conf, hit).ece == pytest.approx(expected)
    with pytest.raises(ValueError, match="probabilities"):
        calibration(np.array([3.0]), np.array([True]))


def _apart(m: int, pairs: list[tuple[int, int]]) -> np.ndarray:
    out = np.zeros((m, m), dtype=bool)
    for a, b in pairs:
        out[a, b] = out[b, a] = True
    return out


@pytest.mark.parametrize(
    ("m", "pairs", "groups"),
    [
        (4, [], [(0, 3)]),
        (3, [(0, 1), (0, 2), (1, 2)], []),
        (3, [(0, 2)], [(0, 1), (1, 2)]),  # not transitive: the middle belongs to both
        (5, [(0, 2), (0, 3), (0, 4), (1, 4)], [(0, 1), (1, 3), (2, 4)]),
        (4, [(0, 1), (0, 2), (0, 3)], [(1, 3)]),
        (1, [], []),
    ],
)
def test_tie_groups_by_hand(m: int, pairs: list[tuple[int, int]], groups: list[tuple[int, int]]) -> None:
    assert tie_groups(_apart(m, pairs)) == groups


@given(st.integers(1, 7), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_tie_groups_hold_no_pair_told_apart_and_miss_no_neighbours(m: int, random: object) -> None:
    draw = np.random.default_rng(random.randint(0, 10**6))  # type: ignore[attr-defined]
    apart = np.triu(draw.random((m, m)) < 0.4, 1)
    apart |= apart.T
    groups = tie_groups(apart)
    for first, last in groups:
        assert not apart[first : last + 1, first : last + 1].any()
    for i in range(m - 1):
        if not apart[i, i + 1]:
            assert any(first <= i and i + 1 <= last for first, last in groups)
