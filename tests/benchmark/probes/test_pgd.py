"""Projected gradient descent: exact on a linear contender, within ε in whole values, only for who has a gradient."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from topfive.benchmark.probes.attack import Attack
from topfive.benchmark.probes.pgd import pgd

from tests.benchmark.probes.test_attack import Array, Contender, brightness, flat, table


class WithGradient(Contender):
    """Class 1 where the mean is above 100; its loss falls as the mean rises."""

    def __init__(self) -> None:
        super().__init__(brightness(100).function)
        self.seen: list[Array] = []

    def hook(self, name: str) -> Any:
        return self.gradient if name == "input_gradient" else None

    def gradient(self, pixels: Array, labels: Array) -> Array:
        self.seen.append(pixels)
        return np.where(labels == 1, -1.0, 1.0)[:, None, None, None] * np.ones_like(pixels)


def test_a_linear_contender_is_broken_exactly_where_it_can_be() -> None:
    contender, images = WithGradient(), list(flat([102, 104, 109]))
    seeds = [np.random.default_rng(i) for i in range(3)]
    found = pgd(contender.scores, contender.gradient, images, np.array([1, 1, 1]), seeds, 4, 10)
    assert found.broken.tolist() == [True, True, False]  # a tie is wrong: 104 - 4 is no longer above 100
    assert found.margins[-1].tolist() == pytest.approx([found.margins[-1][0], 0, 2 * 5])
    assert found.queries.tolist()[1:] == [found.queries[1], 10]
    assert found.queries[0] < found.queries[1] <= 8  # steps of ε / 4, from a random start
    for image, changed in zip(images, found.images, strict=True):
        assert changed.dtype == np.uint8
        assert np.abs(changed.astype(int) - image).max() <= 4


def test_states_stay_in_the_box_and_are_not_rounded() -> None:
    contender = WithGradient()
    images = [np.full((6, 9, 3), 1, np.uint8), np.full((4, 4, 3), 254, np.uint8)]  # two sizes, near both ends
    pgd(contender.scores, contender.gradient, images, np.array([0, 1]), [np.random.default_rng(0)] * 2, 3, 5)
    for pixels in contender.seen:
        plain = 1 if pixels.shape[1:3] == (6, 9) else 254
        assert np.abs(pixels - plain).max() <= 3
        assert pixels.min() >= 0
        assert pixels.max() <= 255
    assert any((pixels != np.rint(pixels)).any() for pixels in contender.seen)


def test_it_is_a_third_attack_for_those_that_have_a_gradient() -> None:
    images, labels = flat([102, 120]), np.array([1, 1])
    probe = Attack(epsilons="0+4", queries=20, draws=2, steps=6)
    assert {row["attack"] for row in table(probe.ask(brightness(100), images, labels), "attack")} == {"square", "noise"}
    rows = table(probe.ask(WithGradient(), images, labels), "attack")
    white = {(row["epsilon"], row["image"]): row["broken"] for row in rows if row["attack"] == "pgd"}
    assert white == {(0, 0): False, (0, 1): False, (4, 0): True, (4, 1): False}
    none = Attack(epsilons=4, queries=5, steps=0).ask(WithGradient(), images, labels)
    assert "pgd" not in {row["attack"] for row in table(none, "attack")}


def test_what_the_square_attack_broke_at_the_largest_epsilon_is_kept() -> None:
    images = flat([102, 103, 140])
    answer = Attack(epsilons="4+8", queries=600, examples=0).ask(brightness(100), images, np.array([1, 1, 1]))
    kept = table(answer, "perturbed")
    assert [(row["image"], row["label"], row["epsilon"]) for row in kept] == [(0, 1, 8), (1, 1, 8)]
    for row in kept:
        found = cv2.imdecode(np.frombuffer(row["perturbed"], np.uint8), cv2.IMREAD_COLOR)
        assert found is not None
        assert np.abs(found.astype(int) - images[row["image"]].astype(int)).max() <= 8
        assert found.mean() <= 100
