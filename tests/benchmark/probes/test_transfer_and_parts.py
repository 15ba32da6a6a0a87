"""What fools one tried on another, from what the attack kept; and what contenders show of themselves."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from topfive.benchmark.probes.attack import Attack
from topfive.benchmark.probes.corruptions import Corruption, Corruptions
from topfive.benchmark.probes.parts import Parts
from topfive.benchmark.probes.tables import SHOWN, middle
from topfive.benchmark.probes.transfer import Transfer

from tests.benchmark.probes.test_attack import Array, brightness, flat, table


def decoded(file: bytes) -> Array:
    image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image[..., ::-1]


def test_what_fools_one_is_scored_by_the_other_value_by_value() -> None:
    images, labels = flat([102, 104, 106]), np.array([1, 1, 1])
    attack = Attack(epsilons="4+8", queries=400, examples=1)
    stored = {"low": attack.ask(brightness(100), images, labels), "high": attack.ask(brightness(101), images, labels)}
    kept = {name: [decoded(row["perturbed"]).mean() for row in table(stored[name], "perturbed")] for name in stored}
    answer = Transfer().ask_about(brightness(100), stored)
    rows = table(answer, "answers")
    assert [(row["source"], row["image"]) for row in rows] == [
        (name, row["image"]) for name in stored for row in table(stored[name], "perturbed")
    ]
    means = [mean for name in stored for mean in kept[name]]
    assert [row["right"] for row in rows] == [mean > 100 for mean in means]
    assert {row["right"] for row in rows} == {True, False}  # some of it goes over, some does not
    assert {row["epsilon"] for row in rows} == {8}
    shown = {row["source"]: row["answer"] for row in table(answer, "examples")}
    assert shown == {
        name: int(decoded(table(stored[name], "examples")[0]["perturbed"]).mean() > 100) for name in stored
    }


def test_none_fooled_is_an_empty_table() -> None:
    nothing = Attack(epsilons=1, queries=3).ask(brightness(0), flat([200]), np.array([1]))
    assert table(Transfer().ask_about(brightness(0), {"a": nothing}), "answers") == []


class Shows:
    """Has both optional methods."""

    def hook(self, name: str) -> Any:
        return {"pipeline": lambda: ["pixels", "scores"], "parts_of": lambda image: {"darker": image // 2}}.get(name)


def test_parts_are_what_a_contender_shows_after_the_image() -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 40, 3), dtype=np.uint8)
    answer = Parts().ask(Shows(), [image], np.array([0]))  # type: ignore[arg-type]
    assert table(answer, "steps") == [{"number": 0, "step": "pixels"}, {"number": 1, "step": "scores"}]
    shown = {row["name"]: decoded(row["picture"]) for row in table(answer, "pictures")}
    assert list(shown) == ["image", "darker"]
    assert (shown["image"] == image[38:262]).all()  # pixel for pixel, the middle of a long one
    assert (shown["darker"] == image[38:262] // 2).all()
    nothing = Parts().ask(brightness(0), [image], np.array([0]))
    assert all(rows.num_rows == 0 for rows in nothing.values())
    assert middle(image).shape == (SHOWN, 40, 3)


def test_pictures_of_the_damage_are_of_the_first_image_as_it_is_damaged(sequence: Any) -> None:
    probe = Corruptions(kinds="fog+contrast", severities="1+2+5", random_state=3)
    rows = table(probe.ask(brightness(0), sequence, np.zeros(4, int)), "pictures")
    assert [(row["corruption"], row["severity"]) for row in rows] == [("", 0), ("fog", 2), ("contrast", 2)]
    assert (decoded(rows[0]["picture"]) == sequence[0]).all()
    assert (decoded(rows[1]["picture"]) == Corruption("fog", 2, 3)(sequence[0], 0)).all()
