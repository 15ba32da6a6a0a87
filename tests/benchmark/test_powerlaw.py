"""Power laws of learning curves: planted ones are found again."""

from __future__ import annotations

import numpy as np
import pytest
from topfive.benchmark.scoring.powerlaw import Laws, fit, meeting
from topfive.benchmark.scoring.resampling import interval, resampled_errors

SIZES = np.array([5, 10, 20, 40, 80, 160])


@pytest.mark.parametrize(("a", "b", "c"), [(0.9, 0.4, 0.1), (2.0, 0.9, 0.0), (0.7, 0.15, 0.05), (5.0, 1.5, 0.3)])
def test_without_noise_the_law_is_the_planted_one(a: float, b: float, c: float) -> None:
    errors = a * SIZES**-b + c
    found = fit(SIZES, errors, np.ones(6))
    np.testing.assert_allclose(found.errors(SIZES)[0], errors, atol=2e-4)
    assert found.b[0] == pytest.approx(b, rel=0.05)
    assert found.scale[0] == pytest.approx(a, rel=0.1)
    assert found.c[0] == pytest.approx(c, abs=0.02)
    assert found.errors(1000)[0, 0] == pytest.approx(a * 1000**-b + c, abs=0.005)


def test_no_parameter_is_negative() -> None:
    falling_faster = np.array([0.9, 0.8, 0.6, 0.3, 0.0, 0.0])
    flat = np.full(6, 0.5)
    rising = np.linspace(0.2, 0.4, 6)
    found = fit(SIZES, np.stack([falling_faster, flat, rising]), np.ones(6))
    assert (found.a >= 0).all()
    assert (found.c >= 0).all()
    np.testing.assert_allclose(found.errors(SIZES)[1], 0.5, atol=1e-6)
    np.testing.assert_allclose(found.errors(SIZES)[2], 0.3, atol=1e-6)  # the best that never rises is level


def test_three_sizes_are_too_few() -> None:
    with pytest.raises(ValueError, match="needs 4 sizes, not 3"):
        fit(SIZES[:3], np.ones(3), np.ones(3))


def test_a_planted_law_is_within_its_interval() -> None:
    """Of 20 curves of 3 trainings on 1,000 images each: at 95 %, 17 or fewer would be one case in 13."""
    a, b, c = 1.2, 0.5, 0.08
    labels = np.repeat(np.arange(20), 50)
    within = {"b": 0, "c": 0, "later": 0}
    for case in range(20):
        rng = np.random.default_rng(case)
        right = 1 - (a * SIZES**-b + c)
        hits = [rng.random((3, 1000)) < p for p in right]
        samples = resampled_errors(hits, labels, rounds=200, seed=case)
        laws = fit(SIZES, samples, 1 / samples.var(axis=0))
        for name, truth, found in (
            ("b", b, laws.b), ("c", c, laws.c), ("later", a * 500**-b + c, laws.errors(500)[:, 0])
        ):  # fmt: skip
            low, high = interval(found)
            within[name] += low <= truth <= high
    assert min(within.values()) >= 17, within


def test_where_two_laws_meet() -> None:
    one = Laws(np.array([1.0, 1.0]), np.array([0.5, 0.5]), np.array([0.0, 0.2]), 1.0)
    other = Laws(np.array([0.1, 0.1]), np.array([0.0, 0.0]), np.array([0.0, 0.0]), 1.0)
    # n^-1/2 is 0.1 at 100; with 0.2 on top it never is.
    assert meeting(one, other, 20.0, 100.0) == pytest.approx([100.0, np.inf], rel=1e-3)
    assert meeting(one, other, 20.0, 4.0).tolist() == [np.inf, np.inf]
