"""What a contender makes of its parameters: the defaults, and a clear line for what makes no sense."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from topfive.cnn import models
from topfive.cnn.estimator import default_epochs
from topfive.cnn.hyperparameters import epochs_of

from .conftest import Striped, small


def test_alexnet_takes_the_plateau_schedule_too(striped: Striped) -> None:
    model = models.AlexNet(schedule="plateau", epochs=2, width=0.125, side=16, device="cpu", lr=1e-4)
    assert [record["rate"] for record in model.fit(*striped(32)).history_] == [1e-4, 1e-4]
    assert model._needs_held_out()
    assert not models.AlexNet()._needs_held_out()


def test_the_stated_epochs() -> None:
    assert [default_epochs(n, False) for n in (10, 2000, 20_000, 100_000)] == [100, 30, 13, 12]
    assert [default_epochs(n, True) for n in (10, 2000, 20_000, 100_000)] == [300, 160, 70, 62]
    assert [models.AlexNet()._epochs(n, False) for n in (2000, 20_000, 100_000)] == [23, 10, 9]
    assert [models.ResNet2015()._epochs(n, False) for n in (2000, 20_000)] == [15, 7]
    assert [models.Vit2021()._epochs(n, False) for n in (2000, 20_000)] == [30, 13]
    assert models.AlexNet()._epochs(2000, True) == 160


def test_steps_are_whole_epochs(striped: Striped) -> None:
    assert [epochs_of(600, n, 64) for n in (20, 64, 127, 128, 1900)] == [600, 600, 600, 300, 21]
    model = small(epochs=None, steps=10, held_out=0).fit(*striped(48))
    assert [record["epoch"] for record in model.history_] == [1, 2, 3, 4]  # of three steps each
    assert small(epochs=None, steps=10, held_out=0).passes(48) == 4
    assert small(epochs=2, steps=10).passes(48) == 2  # as in a pilot, which shortens what takes epochs
    assert small(epochs=3, lr="tuned").passes(48) == 6


def test_alexnet_holds_back_less_in_the_short_trainings_of_a_cpu(striped: Striped) -> None:
    on_cpu, on_gpu = (models.AlexNet()._ingredients(on_gpu) for on_gpu in (False, True))
    assert (on_cpu["dropout"], on_cpu["width"]) == (0.2, 0.5)
    assert (on_gpu["dropout"], on_gpu["width"]) == (0.5, 1.0)
    assert models.AlexNet(dropout=0.0, width=0.25)._ingredients(True)["dropout"] == 0.0
    assert models.AlexNet2012()._ingredients(False) == models.AlexNet2012()._ingredients(True)
    model = models.AlexNet(epochs=1, width=0.125, side=32, device="cpu").fit(*striped(16))
    assert model.augment_.how == "crop+flip"


def test_one_layer_is_a_number(striped: Striped) -> None:
    """As ``dbn-2006[layers=16]`` on the command line arrives."""
    model = models.Dbn2006(layers=16, epochs=1, pretrain_epochs=1, device="cpu").fit(*striped(16))
    assert model.model_.out.in_features == 16


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"device": "cuda:7"}, "GPU"), ({"device": "tpu2"}, "not known"), ({"augment": "mixup"}, "augment"),
        ({"optimizer": "lion"}, "optimizer"), ({"held_out": 1.0}, "held_out"), ({"precision": "f8"}, "precision"),
        ({"views": 3}, "views must be one of 1, 2, 10, not 3"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_one_clear_line(parameters: dict[str, Any], message: str, striped: Striped) -> None:
    images, labels = striped(16)
    with pytest.raises(ValueError, match=message) as caught:
        small(**parameters).fit(images, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "parameters", "must"),
    [
        *(("LeNet1998", {"epochs": n}, "whole number of at least 1") for n in (0, -1, 1.5, "many", True)),
        *(("LeNet1998", {"batch": n}, "whole number of at least 1") for n in (0, -4)),
        *(("LeNet1998", {"side": n}, "whole number of at least 1") for n in (0, 32.0)),
        *(("LeNet1998", {"lr": x}, "number above 0") for x in (0, -1, float("nan"), float("inf"))),
        *(("LeNet1998", {"first_side": x}, "number above 0 and at most 1") for x in (-3, 0, 1.5, float("nan"))),
        *(("LeNet1998", {"random_state": n}, "whole number of at least 0") for n in (-1, None)),
        *(("LeNet1998", {"held_out": x}, "number at least 0 and below 1") for x in (-0.1, 1.0, None, "0.1")),
        *(("LeNet1998", {"steps": n}, "whole number of at least 1") for n in (0, 2.5)),
        ("LeNet1998", {"lr": "auto"}, "number above 0"),
        ("LeNet1998", {"first_side": None}, "number above 0 and at most 1"),
        *(("AlexNet", {"dropout": x}, "number at least 0 and below 1") for x in ("a", 1)),
        *(("AlexNet", {name: "no"}, "true or false") for name in ("lrn", "batch_norm", "overlap")),
        ("AlexNet", {"schedule": None}, "one of one-cycle, plateau"),
        ("Mlp1986", {"hidden": None}, "whole number of at least 1"),
        *(("AlexNet", {"width": x}, "number above 0") for x in (0, -1, float("nan"))),
        ("AlexNet", {"schedule": "cosine"}, "one of one-cycle, plateau"),
        ("AlexNet2012", {"lr": 0}, "number above 0"),
        *((name, {"width": 0}, "number above 0") for name in ("ResNet2015", "Vit2021")),
        ("Vit2021", {"stem": "words"}, "one of convolutions, patches"),
        ("Vit2021", {"depth": 0}, "whole number of at least 1"),
        ("Mlp1986", {"hidden": 0}, "whole number of at least 1"),
        *(("Dbn2006", {"layers": x}, "whole numbers of at least 1, joined by '-'") for x in ("a-b", "10-0", "", -5)),
        ("Dbn2006", {"pretrain_epochs": -1}, "whole number of at least 0"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_named_before_anything_is_read(
    name: str, parameters: dict[str, Any], must: str
) -> None:
    ((parameter, given),) = parameters.items()
    with pytest.raises(ValueError, match=re.escape(f"{parameter} must be ")) as caught:
        getattr(models, name)(**parameters, device="cpu").fit(None, np.zeros(0, np.int64))
    assert str(caught.value).endswith(f"{must}, not {given!r}")


def test_no_augmentation_is_not_the_default_one(striped: Striped) -> None:
    images, labels = striped(16)
    hows = [small(epochs=1, **given).fit(images, labels).augment_.how for given in ({}, {"augment": None})]
    assert hows == ["crop+flip", "none"]


def test_the_plateau_needs_held_out_images() -> None:
    with pytest.raises(ValueError, match="held_out must be above 0 with the plateau schedule"):
        models.AlexNet(schedule="plateau", held_out=0).fit(None, np.zeros(0, np.int64))


def test_what_a_network_refuses_is_said_before_images_are_decoded(
    striped: Striped, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = striped(16)

    def decode(*_: Any, **__: Any) -> Any:
        raise AssertionError("decoded")

    monkeypatch.setattr(images, "batches", decode)
    with pytest.raises(ValueError, match="depth must be 18 or 34, not 50"):
        models.ResNet2015(depth=50, device="cpu").fit(images, labels)
