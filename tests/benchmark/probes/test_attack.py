"""The Square attack: within ε, finds what exists and not what does not, as strong as the authors' loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from topfive.benchmark.probes.attack import Attack
from topfive.benchmark.probes.search import Squares, UniformNoise, checkpoints, margins, search

Array = np.ndarray[Any, Any]


class Contender:
    """Scores by any function of (n, H, W, 3) float64 pixels; counts how often and about how many it is asked."""

    def __init__(self, function: Callable[[Array], Array]) -> None:
        self.function, self.asked = function, []

    def scores(self, images: Any) -> Array:
        self.asked.append(len(images))
        if isinstance(images, list):
            return np.concatenate([self.function(image[None].astype(float)) for image in images])
        assert images.dtype == np.uint8
        return self.function(images.astype(float))


def brightness(thresholds: float) -> Contender:
    """Class 1 where the mean is above ``thresholds``: a linear contender, with weights of 1 / size."""

    def scores(x: Array) -> Array:
        over = x.mean(axis=(1, 2, 3)) - thresholds
        return np.stack([-over, over], axis=1)

    return Contender(scores)


def flat(levels: list[int], side: int = 16) -> Array:
    return np.stack([np.full((side, side, 3), level, np.uint8) for level in levels])


def table(answer: Any, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = answer[name].to_pylist()
    return rows


def test_a_linear_contender_is_broken_exactly_where_it_can_be() -> None:
    # Means 2, 4, 6, 9 above the threshold: the mean can be changed by ε, if every value is.
    images = flat([102, 104, 106, 109, 90])
    labels = np.array([1, 1, 1, 1, 1])
    answer = Attack(epsilons="4+8", queries=1500, images=5).ask(brightness(100), images, labels)
    square = {(r["epsilon"], r["image"]): r for r in table(answer, "attack") if r["attack"] == "square"}
    broken = {key for key, row in square.items() if row["broken"]}
    assert broken == {(4, 0), (8, 0), (8, 1), (8, 2)}  # (4, 1) and (8, 3) need all of ε, or more
    assert {image for _, image in square} == {0, 1, 2, 3}  # the fifth was wrong from the start
    assert square[8, 3]["queries"] == 1500
    assert 2 * (9 - 8) <= square[8, 3]["margin"] < 2 * (9 - 5)  # 2 is all that there is
    assert square[8, 0]["queries"] < square[8, 1]["queries"] < square[8, 2]["queries"] < 1500
    noise = [r for r in table(answer, "attack") if r["attack"] == "noise"]
    assert len(noise) == 8
    assert not any(r["broken"] for r in noise)
    clean = table(answer, "clean")
    assert [r["right"] for r in clean] == [True, True, True, True, False]
    assert [r["margin"] for r in clean] == pytest.approx([4, 8, 12, 18, -20])
    assert [r["answer"] for r in clean] == [1, 1, 1, 1, 0]


def test_nothing_is_found_at_epsilon_zero() -> None:
    contender = brightness(100)
    answer = Attack(epsilons=0, queries=50).ask(contender, flat([101, 140]), np.array([1, 1]))
    assert [(r["queries"], r["broken"]) for r in table(answer, "attack")] == [(0, False)] * 4
    assert {r["margin"] for r in table(answer, "trajectory")} == {2.0, 80.0}
    assert table(answer, "examples") == []
    assert contender.asked == [2]


@pytest.mark.parametrize("epsilon", [1, 8, 200])
def test_every_image_asked_about_is_within_epsilon(epsilon: int) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 12, 20, 3), dtype=np.uint8)
    images[0] = np.where(images[0] < 128, 0, 255)  # where only one direction is open
    seen = []

    def never_wrong(x: Array) -> Array:
        seen.append(x)
        return np.stack([x[:, 0, 0, 0], np.full(len(x), 1e3)], axis=1)

    Attack(epsilons=epsilon, queries=60, draws=20).ask(Contender(never_wrong), images, np.ones(3, int))
    changed = np.stack(seen[1:]) - images.astype(float)
    assert len(changed) == 80
    assert np.abs(changed).max() == epsilon
    squares = np.abs(changed[:60])
    room = np.maximum(images, 255 - images.astype(int))
    assert ((squares == np.minimum(epsilon, images)) | (squares == np.minimum(epsilon, 255 - images.astype(int)))).all()
    assert (squares <= room).all()


def test_it_starts_from_vertical_stripes_and_goes_on_with_one_square_a_query() -> None:
    image = np.full((20, 20, 3), 100, np.uint8)
    squares = Squares([image], [np.random.default_rng(0)], epsilon=4, budget=10_000)
    stripes = squares(0, 1, image)
    assert (stripes == stripes[:1]).all()
    assert set(np.unique(stripes)) == {96, 104}
    assert len(np.unique(stripes[0], axis=0)) > 4  # each channel by itself
    for query in (2, 20, 5000):
        changed = squares(0, query, stripes) != stripes
        rows, columns = np.flatnonzero(changed.any(axis=(1, 2))), np.flatnonzero(changed.any(axis=(0, 2)))
        side = squares.side(query, 20, 20)
        assert changed.any()
        assert np.ptp(rows) < side
        assert np.ptp(columns) < side
    places = [np.argwhere(squares(0, 9000, stripes) != stripes)[:, :2] for _ in range(3000)]
    reached = np.concatenate(places)
    assert reached.min() == 0
    assert reached.max() == 19  # the last row and column too


def test_the_squares_shrink_at_the_published_queries() -> None:
    squares = Squares([], [], epsilon=1, budget=10_000, share=0.05)
    # √(0.05 · 224²) = 50.09, then by √2 at each step; query 2 is the script's iteration 0.
    ends = [(2, 50), (12, 50), (13, 35), (52, 35), (53, 25), (203, 18), (503, 13), (1003, 9), (2003, 6), (4003, 4)]
    ends += [(6003, 3), (8003, 2), (10_000, 2)]
    for query, side in ends:
        assert squares.side(query, 224, 224) == side, query
    hundredth = Squares([], [], epsilon=1, budget=100)
    assert [hundredth.side(query, 224, 224) for query in (2, 3, 4, 5, 100)] == [50, 25, 25, 18, 2]
    assert squares.side(10_000, 2, 2) == 1
    assert Squares([], [], 1, 100, share=1.0).side(2, 8, 30) == 7


def test_the_noise_is_uniform_over_whole_numbers() -> None:
    image = np.full((50, 50, 3), 100, np.uint8)
    noise = UniformNoise([image], [np.random.default_rng(0)], epsilon=2)
    drawn = noise(0, 1, image)
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [98, 99, 100, 101, 102]
    assert counts == pytest.approx(np.full(5, 1500), rel=0.1)
    assert (noise(0, 2, drawn) != drawn).any()
    assert np.ptp(noise(0, 3, drawn)) == 4  # from the image again, not from the last one


def network(seed: int, classes: int = 5) -> Contender:
    """Two layers with random weights, on 16 × 16 pixels."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(768, 40)) / 400, rng.normal(size=(40, classes))

    def scores(x: Array) -> Array:
        return np.maximum((x.reshape(len(x), -1) - 128) @ first, 0) @ second

    return Contender(scores)


def authors_loop(scores: Callable[[Array], Array], x: Array, y: Array, eps: int, n_iters: int, p: float) -> Array:
    """square_attack_linf of github.com/max-andr/square-attack: queries used; n_iters + 1 where never broken."""
    rng = np.random.default_rng(1)
    n, h, w, c = x.shape
    x = x.astype(float)
    best = np.clip(x + rng.choice([-eps, eps], size=(n, 1, w, c)), 0, 255)
    least = margins(scores(best), y)
    used = np.ones(n)
    steps = [(10, 1), (50, 2), (200, 4), (500, 8), (1000, 16), (2000, 32), (4000, 64), (6000, 128), (8000, 256)]
    for it in range(n_iters - 1):
        share = p / next((by for most, by in steps if int(it / n_iters * 10000) <= most), 512)
        still = np.flatnonzero(least > 0)
        new = best[still]
        for row, i in enumerate(still):
            s = min(max(round(np.sqrt(share * h * w)), 1), h - 1)
            top, left = rng.integers(0, h - s), rng.integers(0, w - s)
            window = (slice(top, top + s), slice(left, left + s))
            while np.abs(new[row][window] - best[i][window]).sum() < 1e-7:
                new[row][window] = np.clip(x[i][window] + rng.choice([-eps, eps], size=(1, 1, c)), 0, 255)
        margin = margins(scores(new), y[still])
        better = margin < least[still]
        best[still[better]], least[still[better]] = new[better], margin[better]
        used[still] += 1
    return np.where(least > 0, n_iters + 1, used)


def test_it_is_as_strong_as_the_authors_loop() -> None:
    contender = network(0)
    images = np.random.default_rng(5).integers(0, 256, (100, 16, 16, 3), dtype=np.uint8)
    labels = contender.function(images.astype(float)).argmax(axis=1)
    theirs = authors_loop(contender.function, images, labels, 8, 100, 0.05)
    seeds = [np.random.default_rng([0, i]) for i in range(100)]
    found = search(contender.scores, list(images), labels, Squares(list(images), seeds, 8, 100), 100)
    ours = np.where(found.broken, found.queries, 101)
    assert 0.3 < np.mean(theirs <= 100) < 0.9  # neither hopeless nor trivial
    assert np.mean(ours <= 100) == pytest.approx(np.mean(theirs <= 100), abs=0.06)
    assert np.median(ours) == pytest.approx(np.median(theirs), rel=0.35)
    noise = search(contender.scores, list(images), labels, UniformNoise(list(images), seeds, 8), 100)
    assert noise.broken.mean() < found.broken.mean() / 1.5


def test_margins_fall_to_the_last_and_stay_once_broken() -> None:
    contender = network(1)
    images = np.random.default_rng(6).integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
    labels = contender.function(images.astype(float)).argmax(axis=1)
    answer = Attack(epsilons="2+6", queries=70, images=30).ask(contender, images, labels)
    rows = table(answer, "trajectory")
    for attack in table(answer, "attack"):
        if attack["attack"] != "square":
            continue
        same = [r for r in rows if all(r[key] == attack[key] for key in ("attack", "epsilon", "image"))]
        assert [r["queries"] for r in same] == [0, 1, 2, 5, 10, 20, 50, 70]
        least = [r["margin"] for r in same[1:]]
        assert least == sorted(least, reverse=True)
        assert attack["broken"] == (least[-1] <= 0)
        assert least[-1] == attack["margin"]
        before = [r["margin"] for r in same if 0 < r["queries"] < attack["queries"]]
        assert all(margin > 0 for margin in before)
        assert attack["broken"] or attack["queries"] == 70
    # One call a query for all images that are still right; four calls of the whole aside.
    assert len(contender.asked) <= 1 + 2 * (70 + 10) + 1


def test_examples_are_the_first_that_broke_as_they_were_scored() -> None:
    contender = network(2)
    images = np.random.default_rng(7).integers(0, 256, (25, 16, 16, 3), dtype=np.uint8)
    labels = contender.function(images.astype(float)).argmax(axis=1)
    answer = Attack(epsilons="4+8", queries=60, examples=3).ask(contender, images, labels)
    broken = [r for r in table(answer, "attack") if r["attack"] == "square" and r["broken"]]
    examples = table(answer, "examples")
    assert {e["epsilon"] for e in examples} == {4, 8}
    assert [e["image"] for e in examples] == sorted({r["image"] for r in broken})[:3]
    for e in examples:
        first = min(r["epsilon"] for r in broken if r["image"] == e["image"])
        assert e["epsilon"] == first
        clean, perturbed = (
            cv2.imdecode(np.frombuffer(e[name], np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)
            for name in ("clean", "perturbed")
        )
        assert (clean == images[e["image"]]).all()
        assert np.abs(perturbed - clean).max() == first
        assert contender.function(perturbed[None].astype(float)).argmax() == e["answer"] != e["label"]


def test_the_same_again_and_apart_whatever_the_other_images() -> None:
    contender = network(3)
    images = np.random.default_rng(8).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    labels = contender.function(images.astype(float)).argmax(axis=1)
    probe = Attack(epsilons=3, queries=40, random_state=5)
    first = probe.ask(contender, images, labels)
    assert all(table.equals(first[name]) for name, table in probe.ask(contender, images, labels).items())
    other = Attack(epsilons=3, queries=40, random_state=6).ask(contender, images, labels)
    assert not other["attack"].equals(first["attack"])
    few = table(probe.ask(contender, images[:7], labels[:7]), "attack")
    assert few == [r for r in table(first, "attack") if r["image"] < 7]


def test_images_of_different_sizes_come_as_a_list() -> None:
    images = [np.full(shape, 102, np.uint8) for shape in ((1, 1, 3), (9, 4, 3), (16, 16, 3))]
    answer = Attack(epsilons=8, queries=100).ask(brightness(100), images, np.array([1, 1, 1]))
    assert all(r["broken"] for r in table(answer, "attack") if r["attack"] == "square")


def test_nothing_right_leaves_nothing_to_attack() -> None:
    answer = Attack(queries=5).ask(brightness(100), flat([101]), np.array([0]))
    assert table(answer, "attack") == table(answer, "examples") == []
    assert [r["right"] for r in table(answer, "clean")] == [False]


def test_a_tie_counts_as_wrong() -> None:
    assert margins(np.array([[1.0, 1, 0], [2, 1, 2], [0, 1, 5]]), np.array([0, 0, 2])).tolist() == [0, 0, 4]


def test_checkpoints_are_logarithmic() -> None:
    assert checkpoints(300) == [1, 2, 5, 10, 20, 50, 100, 200, 300]
    assert checkpoints(1) == [1]
    assert checkpoints(10) == [1, 2, 5, 10]


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (np.array([[np.nan, 1.0]]), "scores that are not finite"),
        (np.array([[1.0]]), "an attack needs"),
        (np.zeros((2, 3)), "scores of shape"),
    ],
)
def test_scores_that_mean_nothing_are_refused(scores: Array, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Attack().ask(Contender(lambda x: scores), flat([3]), np.array([0]))


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"epsilons": "1+x"}, "epsilons must be whole numbers of at least 0 joined by [+], not '1[+]x'"),
        ({"epsilons": []}, "epsilons must be"),
        ({"epsilons": -1}, "epsilons must be"),
        ({"queries": 0}, "queries must be a whole number of at least 1, not 0"),
        ({"share": 0}, "share must be a number above 0"),
        ({"examples": -1}, "examples must be"),
    ],
)
def test_bad_parameters_are_told_in_a_line(params: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Attack(**params)
