"""A scikit-learn pipeline goes through every probe unchanged; one with optional methods is asked for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC
from topfive.benchmark.data.images import LazyImages
from topfive.benchmark.probes.attack import Attack
from topfive.benchmark.probes.corruptions import Corruptions
from topfive.benchmark.probes.occlusion import Occlusion
from topfive.benchmark.probes.parts import Parts
from topfive.benchmark.probes.shifts import Shifts
from topfive.benchmark.probes.transfer import Transfer
from topfive.benchmark.running.asking import FittedContender


def mean_colours(images: Any) -> np.ndarray[Any, Any]:
    return np.stack([np.asarray(images[i], float).mean(axis=(0, 1)) / 255 for i in range(len(images))])


@pytest.fixture(scope="module")
def pictures() -> tuple[LazyImages, np.ndarray[Any, Any]]:
    rng, labels = np.random.default_rng(0), np.arange(12) % 3
    array = rng.integers(0, 120, (12, 24, 24, 3))
    array[np.arange(12), :, :, labels] += 60
    pixels = array.astype(np.uint8)
    return LazyImages(lambda i: pixels[i], 12), labels


def test_a_pipeline_goes_through_the_probes_unchanged(pictures: tuple[LazyImages, np.ndarray[Any, Any]]) -> None:
    images, labels = pictures
    pipeline = make_pipeline(FunctionTransformer(mean_colours), LinearSVC(C=100, random_state=0)).fit(images, labels)
    fitted = FittedContender(pipeline, 3)
    assert (fitted.scores(images).argmax(axis=1) == labels).all()
    for probe in (Corruptions(kinds="fog+contrast", severities=3), Shifts(kinds="grey")):
        for _, changed in probe.views(images):
            assert fitted.scores(changed).shape == (12, 3)
    attacked = Attack(epsilons=120, queries=30, draws=2, images=12).ask(fitted, images, labels)
    assert sum(attacked["attack"]["broken"].to_pylist()) > 0
    tried = Transfer().ask_about(fitted, {"pipeline": attacked})["answers"]
    assert tried.num_rows == attacked["perturbed"].num_rows > 0
    assert not any(tried["right"].to_pylist())  # what fools it fools it again: value by value the same
    few = images.take(np.arange(2))
    answer = Occlusion(cells=4, steps=4).ask(fitted, few, labels[:2])
    assert answer["maps"].num_rows == 2
    assert answer["patches"].num_rows == 0
    assert all(
        isinstance(table, pa.Table) and table.num_rows == 0 for table in Parts().ask(fitted, few, labels).values()
    )


def test_optional_methods_are_found_where_they_are() -> None:
    class Tells:
        classes_ = np.arange(2)

        def pipeline(self) -> list[str]:
            return ["a step"]

    fitted = FittedContender(Tells(), 2)
    found = fitted.hook("pipeline")
    assert found is not None
    assert found() == ["a step"]
    assert fitted.hook("input_gradient") is None
    assert fitted.hook("classes_") is None  # no method
