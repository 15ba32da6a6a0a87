"""``open_dataset``: one door for every data set, built in or on the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..specs import nearest
from .dataset import Dataset
from .photos import FILES, open_photos


def open_dataset(name: str, *, seed: int = 0, limit: int | None = None, n_jobs: int = 2, **params: Any) -> Dataset:
    """Open ``photos`` or the data set at a path.

    seed: draws the built-in crops, and the split where the data has none. limit: at most so many images per split,
    spread evenly over the classes. n_jobs: threads that decode. params: ``per_class`` for photos; ``classes`` for all:
    class ids or names joined by ``+``, or a text file with one a line. Raises InputError with one line.
    """
    if limit is not None and limit < 1:
        raise InputError(f"--limit {limit}: give at least 1")
    if name == "photos":
        known: dict[str, Callable[[Any], Any]] = {"per_class": lambda value: value, "classes": photo_classes}
        return open_photos(seed=seed, limit=limit, n_jobs=n_jobs, **read_params(name, params, known))
    path = Path(name).expanduser()
    if not path.exists():
        raise InputError(f"{name} is neither a file or folder nor a built-in data set; built in: photos")
    raise InputError(f"{name}: no layout that is known")


def read_params(name: str, params: dict[str, Any], known: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """``params`` through the reader of each; an unknown one is an InputError with the nearest."""
    for key in params:
        if key not in known:
            raise InputError(f"{name}: {nearest(key, known, 'parameter')}")
    return {key: known[key](value) for key, value in params.items() if value is not None}


def wanted_classes(value: Any) -> tuple[str, ...]:
    """``a+b+c``, or a text file with one class a line."""
    text = str(value)
    if Path(text).is_file():
        text = "+".join(Path(text).read_text(encoding="utf-8").split("\n"))
    wanted = [part.strip() for part in text.split("+") if part.strip()]
    if len(set(wanted)) < 2:
        raise InputError(f"classes={value}: give at least two classes, joined by + or one a line in a file")
    return tuple(dict.fromkeys(wanted))


def photo_classes(value: Any) -> tuple[str, ...]:
    """The photographs asked for, in their usual order."""
    wanted = wanted_classes(value)
    for word in wanted:
        if word not in FILES:
            raise InputError(f"photos: {nearest(word, FILES, 'class')}")
    return tuple(name for name in FILES if name in wanted)
