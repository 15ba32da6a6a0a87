"""Small probes for the harness's tests: two that work, one for each way to go wrong, and a section of one's own."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

Views = Iterator[tuple[Mapping[str, Any], Any]]


class Dim:
    """Less light."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, image: np.ndarray) -> np.ndarray:
        return (image * self.factor).astype(np.uint8)


class Darker:
    """Images with less light."""

    def __init__(self, factors: str = "0.5+0.25", images: int = 30, random_state: int = 0) -> None:
        self.factors = [float(factor) for factor in str(factors).split("+")]
        self.images = images
        self.random_state = random_state

    def views(self, images: Any) -> Views:
        for factor in self.factors:
            yield {"light": factor, "level": np.int64(round(100 * factor))}, images.map(Dim(factor))


class Margins:
    """How far the best class is ahead of the second, image by image."""

    images = 25

    def ask(self, contender: Any, images: Any, labels: np.ndarray) -> Mapping[str, pa.Table]:
        scores = np.sort(contender.scores(images), axis=1)
        alone = contender.scores([images[0], images[1]])
        assert np.allclose(np.sort(alone, axis=1), scores[:2])
        return {"margins": pa.table({"label": labels, "margin": scores[:, -1] - scores[:, -2]})}


def _broken(image: np.ndarray) -> np.ndarray:
    raise ZeroDivisionError("this view cannot be made")


class OneFails:
    """The second of three views fails."""

    def views(self, images: Any) -> Views:
        yield {"view": 1}, images
        yield {"view": 2}, images.map(_broken)
        yield {"view": 3}, images


class TooFew(Darker):
    """Leaves an image out."""

    def views(self, images: Any) -> Views:
        yield {"left": "out"}, images.take(np.arange(len(images) - 1))


class RaisesMidway:
    """Ends with an error of its own after a view."""

    def views(self, images: Any) -> Views:
        yield {"view": 1}, images
        raise RuntimeError("no further")


class Leaves(RaisesMidway):
    """Calls sys.exit."""

    def views(self, images: Any) -> Views:
        yield {"view": 1}, images
        sys.exit("enough")


class Unstorable(RaisesMidway):
    """Names a condition that no file can hold."""

    def views(self, images: Any) -> Views:
        yield {"view": [1, 2]}, images


class OfTraining(RaisesMidway):
    """Claims another training."""

    def views(self, images: Any) -> Views:
        yield {"train_per_class": 3}, images


class NoTables:
    """Answers what is no table."""

    def ask(self, contender: Any, images: Any, labels: np.ndarray) -> Mapping[str, Any]:
        return {"numbers": [1, 2, 3]}


class Refuses:
    """Takes no odd number."""

    def __init__(self, n: int = 2) -> None:
        if n % 2:
            raise ValueError(f"n is {n}; give an even number")
        self.share = {2: 0.5}[n]  # a slip: nobody thought of 4

    def views(self, images: Any) -> Views:
        yield {"view": 1}, images


class Hangs(RaisesMidway):
    """Never ends."""

    def views(self, images: Any) -> Views:
        yield {"view": 1}, images
        Path(os.environ["TOPFIVE_TEST_HANGING"]).touch()
        time.sleep(600)


class Kills(RaisesMidway):
    """Its process is killed, as by the kernel when memory runs out."""

    def views(self, images: Any) -> Views:
        yield {"view": 1}, images
        os.kill(os.getpid(), signal.SIGKILL)


class Light:
    """A section: the error under each light."""

    after = "numbers"

    def build(self, contest: Any) -> Any:
        from topfive.benchmark.report.analysis.asked import answers
        from topfive.benchmark.report.sections.parts import Section, Text

        told = [
            f"{contest.ranked[one.contender].name} in {one.condition['light']:g} of the light: "
            f"{1 - one.hits.mean():.4f} wrong"
            for one in answers(contest, "light")
        ]
        return Section("light", "Less light", "What darkness costs.", [Text(told)], "Light") if told else None
