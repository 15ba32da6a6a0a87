"""The headline pair is chosen by the images that compare it: what its interval covers, by simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from topfive.benchmark.families import DEEP, FLOOR, HAND
from topfive.benchmark.report.analysis.contender import Contender
from topfive.benchmark.report.analysis.contest import Contest
from topfive.benchmark.results.schema import DatasetRecord
from topfive.benchmark.scoring.paired import mcnemar
from topfive.benchmark.scoring.statistics import hits_at

Simulated = Callable[[str], None]


N = 500
DATASET = DatasetRecord(
    name="made-up",
    title="Made up",
    n_train=100,
    n_val=N,
    n_classes=2,
    classes=["a", "b"],
    class_names=["a", "b"],
)


def contest_of(hits: np.ndarray, families: list[str]) -> Contest:
    """Of (m, n) hits at 1 of two classes, ranked."""
    order = np.argsort(-hits.mean(axis=1), kind="stable")
    ranked = [
        Contender(f"c{i}", families[i], 10.0, [], above=np.int16(~hits[i])[None], tied=np.ones((1, N), np.int16))
        for i in order
    ]
    assert np.array_equal(hits_at(ranked[0].above, ranked[0].tied, 1)[0], hits[order[0]])  # type: ignore[arg-type]
    return Contest(DATASET, ranked, [], [], None, np.arange(N) % 2)


def draw(rng: np.random.Generator, errors: np.ndarray) -> np.ndarray:
    """(m, N) hits with these long-run errors; what is hard for one is somewhat hard for all."""
    from scipy.stats import norm

    shared = rng.normal(size=N)
    own = rng.normal(size=(len(errors), N))
    return np.asarray(np.sqrt(0.4) * shared + np.sqrt(0.6) * own <= norm.isf(errors)[:, None])


@pytest.mark.parametrize(
    ("name", "hand", "deep"),
    [
        ("3 a side, all alike", [0.3] * 3, [0.3] * 3),
        ("3 a side, one side behind", [0.3] * 3, [0.38] * 3),
        ("3 against 1", [0.3] * 3, [0.3]),
        ("3 against 1, close", [0.3, 0.31, 0.32], [0.33]),
        ("13 a side, all alike", [0.3] * 13, [0.3] * 13),
        ("13 against 1", [0.3] * 13, [0.3]),
        ("13 against 1, spread", list(0.3 + 0.01 * np.arange(13)), [0.33]),
    ],
)
def test_the_headlines_interval_covers_the_true_difference_of_whoever_was_chosen(
    name: str, hand: list[float], deep: list[float], simulated: Simulated
) -> None:
    errors = np.array([*hand, *deep])
    families = [HAND] * len(hand) + [DEEP] * len(deep)
    covered = plain = 0
    flattered, wider, trials = [], [], 150
    for trial in range(trials):
        contest = contest_of(draw(np.random.default_rng([1, trial]), errors), families)
        assert contest.headline_pair is not None
        a, b = contest.headline_pair
        truth = [errors[int(contest.ranked[i].spec[1:])] for i in (a, b)]
        found = contest.difference(a, b)
        low, high = found.interval(0.1 / contest.candidates)
        covered += low <= truth[1] - truth[0] <= high
        usual = found.interval()
        plain += usual[0] <= truth[1] - truth[0] <= usual[1]
        flattered.append(truth[0] - 1 + contest.ranked[a].hits(1).mean())
        wider.append((high - low) / (usual[1] - usual[0]))
    simulated(
        f"{name}, {N} images: covers {covered / trials:.3f}, uncorrected {plain / trials:.3f}; the best is flattered "
        f"by {100 * np.mean(flattered):.2f} points; the interval is {np.mean(wider):.2f} times as wide"
    )
    assert covered / trials >= 0.93
    if name == "13 against 1":
        assert plain / trials < 0.9  # what the correction is for


def test_who_might_as_well_have_stood_there_is_counted_by_hand() -> None:
    rng = np.random.default_rng(0)
    hits = draw(rng, np.array([0.20, 0.21, 0.6, 0.3, 0.31, 0.98]))
    families = [HAND, HAND, HAND, DEEP, DEEP, FLOOR]
    contest = contest_of(hits, families)

    def rivals(of: int, among: list[int]) -> set[int]:
        both = [(int((hits[of] & ~hits[i]).sum()), int((hits[i] & ~hits[of]).sum())) for i in among]
        return {i for i, (x, y) in zip(among, both, strict=True) if mcnemar(x, y) >= 0.05}

    a, b = (int(contest.ranked[i].spec[1:]) for i in contest.headline_pair or ())
    expected = 2 + len(rivals(a, [i for i in range(3) if i != a])) + len(rivals(b, [7 - b]))
    assert contest.candidates == expected == 3
    pair = contest.pair(*contest.headline_pair)  # type: ignore[misc]
    assert pair is not None
    assert pair.level == pytest.approx(2 * 0.05 / 3)
    assert pair.p_corrected == pytest.approx(min(1, 1.5 * pair.p))


def test_two_contenders_leave_nothing_to_choose() -> None:
    contest = contest_of(draw(np.random.default_rng(0), np.array([0.3, 0.3])), [HAND, DEEP])
    assert contest.candidates == 2
    (pair,) = contest.pairs
    assert pair.level == 0.05
    assert pair.p_corrected == pair.p


def test_intervals_never_contradict_decisions_in_families_of_many() -> None:
    told = kept = 0
    for trial in range(8):
        rng = np.random.default_rng([4, trial])
        m = int(rng.integers(3, 9))
        contest = contest_of(draw(rng, rng.uniform(0.25, 0.4, m)), [HAND, DEEP, *rng.choice([HAND, DEEP], m - 2)])
        for pair in contest.pairs:
            assert pair.told_apart == (pair.p_corrected < 0.05) == (not pair.gap.low <= 0 <= pair.gap.high)
            told, kept = told + pair.told_apart, kept + (not pair.told_apart)
        for first, last in contest.groups:  # what the bars of the ranking say is what the pairs say
            inside = [p for p in contest.pairs if first <= p.a and p.b <= last]
            assert not any(p.told_apart for p in inside)
    assert told > 10
    assert kept > 10
