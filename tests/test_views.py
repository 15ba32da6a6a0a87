"""One rule of test views for both sides: every built-in answers by the image and its mirror image unless told."""

from __future__ import annotations

import inspect
from importlib.metadata import EntryPoint, entry_points

import pytest

OURS = ("topfive.baselines", "topfive.cnn")
BUILT_IN = sorted(
    (point for point in entry_points(group="topfive.methods") if point.value.startswith(OURS)),
    key=lambda point: point.name,
)
OTHERWISE = {"alexnet-2012": 10}  # the paper's ten crops
BLIND = {"chance"}  # does not look at the image


@pytest.mark.parametrize("point", BUILT_IN, ids=lambda point: point.name)
def test_every_contender_has_the_same_two_views(point: EntryPoint) -> None:
    parameters = inspect.signature(point.load()).parameters
    if point.name in BLIND:
        assert "views" not in parameters
    else:
        assert parameters["views"].default == OTHERWISE.get(point.name, 2)
