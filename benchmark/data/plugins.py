"""Data sets that other packages bring: entry points of the group ``topfive.datasets``.

Each names a callable ``open(*, seed, limit, n_jobs, **params) -> Dataset``: the keyword arguments of ``open_dataset``,
and any of its own.
"""

from __future__ import annotations

import importlib.metadata
import inspect
from collections.abc import Callable
from typing import Any

from ..errors import InputError
from ..specs import nearest
from .dataset import Dataset

GROUP = "topfive.datasets"


def plugin_names() -> list[str]:
    """The data sets that installed packages offer, sorted; nothing is imported."""
    return sorted({point.name for point in importlib.metadata.entry_points(group=GROUP)})


def open_plugin(name: str, *, seed: int, limit: int | None, n_jobs: int, params: dict[str, Any]) -> Dataset:
    """Open the data set of an installed package. Raises InputError where that fails, or two packages claim the name."""
    points = list(importlib.metadata.entry_points(group=GROUP, name=name))
    if len({point.value for point in points}) > 1:
        raise InputError(
            f"the data set {name!r} is offered twice: {', '.join(sorted(point.value for point in points))}"
        )
    try:
        opener: Callable[..., Dataset] = points[0].load()
    except (ImportError, AttributeError) as error:
        raise InputError(f"the data set {name!r} ({points[0].value}) cannot be imported: {error}") from None
    signature = inspect.signature(opener)
    free = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in signature.parameters.values())
    known = set(signature.parameters) - {"seed", "limit", "n_jobs"}
    for key in params:
        if key not in known and not free:
            raise InputError(f"{name}: {nearest(key, known, 'parameter')}")
    data = opener(seed=seed, limit=limit, n_jobs=n_jobs, **params)
    if not isinstance(data, Dataset):
        raise InputError(f"the data set {name!r} ({points[0].value}) answered {type(data).__name__}, not a Dataset")
    return data
