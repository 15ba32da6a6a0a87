"""``topfive check`` for a probe: is it asked the same of everybody, and does it answer what can be stored?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..conditions import of_a_view, written
from ..data import open_dataset
from ..specs import Spec
from .checks import Finding
from .discovery import Entry, check_params

CLASSES, PER_CLASS = "brick+chelsea+gravel+retina", 8
LOOKED_AT = 3  # views of which pixels are compared


def check(spec: Spec, entry: Entry) -> Iterator[Finding]:
    """Run every check, in the order that a beginner would want to mend them; stops where none can follow.

    Raises InputError for a parameter that the probe does not take.
    """
    try:
        factory = entry.load()
    except (Exception, SystemExit) as error:  # a plugin may raise anything while it is imported
        yield Finding("import", False, f"{type(error).__name__}: {error}; install what it needs, or mend the module")
        return
    check_params(spec, factory)
    yield Finding("import", True, "")
    data = open_dataset("photos", per_class=PER_CLASS, classes=CLASSES)
    images, labels = data.val.images, data.val.labels
    try:
        probe = factory(**spec.params)
    except (Exception, SystemExit) as error:  # the probe's own
        yield Finding("constructor", False, f"raised {type(error).__name__}: {error}")
        return
    yield Finding("constructor", True, "")
    for name, attempt in (("views", _views), ("ask", _ask)):
        if hasattr(probe, name):
            try:
                yield Finding(name, True, attempt(factory, spec, images, labels))
            except _Wrong as wrong:
                yield Finding(name, False, str(wrong))
            except (Exception, SystemExit) as error:  # the probe's own
                yield Finding(name, False, f"raised {type(error).__name__}: {error}")


class _Wrong(Exception):
    """A check that failed; the message says what is wrong and how to mend it."""


def _views(factory: Any, spec: Spec, images: Any, labels: NDArray[np.int64]) -> str:
    first, again = (list(factory(**spec.params).views(images)) for _ in range(2))
    if not first:
        raise _Wrong("views yields nothing; yield (condition, images) for each question")
    seen: list[Mapping[str, Any]] = []
    for named, changed in first:
        try:
            condition = of_a_view(named)
        except ValueError as error:
            raise _Wrong(f"{error}; one is {{'corruption': 'fog', 'severity': 3}}") from None
        if condition in seen:
            raise _Wrong(f"the condition {written(condition)} is asked twice; tell the views apart")
        seen.append(condition)
        if len(changed) != len(labels):
            raise _Wrong(f"{written(condition)}: {len(changed)} images of {len(labels)}; change images, leave none out")
    for (condition, one), (_, other) in zip(first[:LOOKED_AT], again[:LOOKED_AT], strict=False):
        for i in (0, len(labels) - 1):
            if not _is_image(one[i]):
                raise _Wrong(f"{written(condition)}: image {i} is no (H, W, 3) uint8 array")
            if not np.array_equal(one[i], other[i]):
                raise _Wrong(
                    f"{written(condition)}: image {i} differs from call to call; draw from a generator seeded by "
                    "random_state and the image's position, so that every contender is asked the same"
                )
    return f"{len(first)} views: {written(seen[0])} … {written(seen[-1])}"


def _ask(factory: Any, spec: Spec, images: Any, labels: NDArray[np.int64]) -> str:
    tables = factory(**spec.params).ask(_Mean(images, labels), images, labels.copy())
    if not isinstance(tables, Mapping) or not all(isinstance(table, pa.Table) for table in tables.values()):
        raise _Wrong("ask answers no mapping of names to pyarrow tables")
    return ", ".join(f"{name}: {len(table):,} rows" for name, table in tables.items()) or "no tables"


class _Mean:
    """A fitted contender that any machine has: nearest class mean of the mean colour."""

    def __init__(self, images: Any, labels: NDArray[np.int64]) -> None:
        features = _mean_colours(images)
        self.n_classes = int(labels.max()) + 1
        self.means = np.stack([features[labels == c].mean(axis=0) for c in range(self.n_classes)])

    def scores(self, images: Any) -> NDArray[np.float64]:
        """(n, n_classes)."""
        return np.asarray(-((_mean_colours(images)[:, None] - self.means) ** 2).sum(axis=2))


def _mean_colours(images: Any) -> NDArray[np.float64]:
    return np.stack([np.asarray(images[i], np.float64).mean(axis=(0, 1)) for i in range(len(images))])


def _is_image(pixels: Any) -> bool:
    return isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
