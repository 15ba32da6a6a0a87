"""The probe ``corruptions``: its conditions, its randomness, its words on bad input."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from topfive.benchmark.probes.corruptions import Corruption, Corruptions
from topfive.benchmark.probes.damage import KINDS, damaged


def conditions(probe: Corruptions, sequence: Any) -> list[tuple[Any, Any]]:
    return [(c["corruption"], c["severity"]) for c, _ in probe.views(sequence)]


def test_all_is_fifteen_kinds_at_five_severities_in_order(sequence: Any) -> None:
    asked = conditions(Corruptions(), sequence)
    assert asked == [(kind, severity) for kind in KINDS for severity in (1, 2, 3, 4, 5)]
    assert len(asked) == 75
    assert Corruptions().images == 500


def test_a_choice_of_kinds_and_severities(sequence: Any) -> None:
    probe = Corruptions(kinds="snow+gaussian_noise", severities="5+1")
    assert conditions(probe, sequence) == [("gaussian-noise", 1), ("gaussian-noise", 5), ("snow", 1), ("snow", 5)]
    assert conditions(Corruptions(kinds=["fog"], severities=3), sequence) == [("fog", 3)]
    assert (probe.kinds, probe.severities) == ("snow+gaussian_noise", "5+1")  # stored as they were given


def test_a_view_is_the_images_damaged(sequence: Any) -> None:
    ((condition, changed),) = Corruptions(kinds="pixelate", severities=5, random_state=3).views(sequence)
    assert dict(condition) == {"corruption": "pixelate", "severity": 5}
    assert len(changed) == len(sequence)
    for image, before in zip(changed, sequence, strict=True):
        assert (image == damaged(before, "pixelate", 5, np.random.default_rng(0))).all()
        assert (image != before).any()


def test_an_image_gets_the_same_noise_in_any_order_thread_and_process(sequence: Any) -> None:
    ((_, changed),) = Corruptions(kinds="gaussian-noise", severities=5, random_state=3).views(sequence)
    first = [changed[i] for i in range(4)]
    with ThreadPoolExecutor(3) as pool:
        again = list(pool.map(changed.__getitem__, [3, 2, 1, 0, 2]))
    assert all((a == b).all() for a, b in zip(again, [first[3], first[2], first[1], first[0], first[2]], strict=True))
    change = Corruption("gaussian-noise", 5, 3)
    assert (pickle.loads(pickle.dumps(change))(sequence[2], 2) == first[2]).all()


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"pixelate", "contrast", "brightness"}))
def test_each_image_severity_and_seed_has_noise_of_its_own(kind: str, picture64: Any) -> None:
    if kind in ("defocus-blur", "zoom-blur", "jpeg-compression"):
        assert (Corruption(kind, 3, 0)(picture64, 0) == Corruption(kind, 3, 9)(picture64, 5)).all()
        return
    here = Corruption(kind, 3, 0)(picture64, 0)
    assert (here == Corruption(kind, 3, 0)(picture64, 0)).all()
    assert (here != Corruption(kind, 3, 0)(picture64, 1)).any()
    assert (here != Corruption(kind, 3, 1)(picture64, 0)).any()


def test_a_choice_of_kinds_does_not_change_what_each_does(sequence: Any) -> None:
    every = {(c["corruption"], c["severity"]): v for c, v in Corruptions(severities=2).views(sequence)}
    for condition, view in Corruptions(kinds="frost+impulse-noise", severities=2).views(sequence):
        assert (view[1] == every[condition["corruption"], 2][1]).all()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"kinds": "fogg"}, "unknown kind of corruption 'fogg'; did you mean 'fog'?"),
        ({"kinds": "gaussian"}, "unknown kind of corruption 'gaussian'; did you mean 'gaussian-noise'?"),
        ({"kinds": "fog+xyzzy"}, "unknown kind of corruption 'xyzzy'; known: all, gaussian-noise, shot-noise"),
        ({"kinds": []}, "no kind of corruption is asked for; known: all, gaussian-noise"),
        ({"severities": "1+6"}, "unknown severity '6'; known: all, 1, 2, 3, 4, 5"),
        ({"severities": 0}, "unknown severity '0'; known: all, 1, 2, 3, 4, 5"),
        ({"images": 0}, "images must be a whole number of at least 1, not 0"),
        ({"random_state": -1}, "random_state must be a whole number of at least 0, not -1"),
    ],
)
def test_bad_parameters_are_told_in_a_line(params: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as error:
        Corruptions(**params)
    assert str(error.value).startswith(said)
