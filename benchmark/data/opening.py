"""Open a data set by name or path."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..specs import Spec, nearest, parse
from .assemble import assemble
from .dataset import Dataset
from .hub import fetched, is_address
from .layouts.imagenet import TRAIN, VAL
from .load import load
from .photos import FILES, open_photos
from .plugins import open_plugin, plugin_names
from .sources import SOURCES

_log = logging.getLogger("topfive.data")


def open_dataset(name: str, *, seed: int = 0, limit: int | None = None, n_jobs: int = 2, **params: Any) -> Dataset:
    """Open ``photos``, the data set at a path, one that an installed package brings (see ``plugins``), or ``hf://…``.

    seed: draws the built-in crops, and the split where the data has none. limit: at most so many images per split,
    spread evenly over the classes. n_jobs: threads that decode. params: ``per_class`` for photos; ``classes`` for all:
    class ids or names joined by ``+``, or a text file with one a line; for data on the disk ``allow_unreadable``: go on
    though more than 1 % of the images cannot be read, and ``skip_incomplete``: without the classes that one split
    lacks; ``near_duplicates="one-side"``: pictures that look alike are kept on one side; ``config`` for ``hf://…``.
    Raises InputError with one line.
    """
    if limit is not None and limit < 1:
        raise InputError(f"--limit {limit}: give at least 1")
    if name in named():
        return _with_namesake(name, _open_named(name, seed=seed, limit=limit, n_jobs=n_jobs, params=params))
    known: dict[str, Callable[[Any], Any]] = {
        "classes": wanted_classes,
        "allow_unreadable": bool,
        "skip_incomplete": bool,
        "near_duplicates": one_side,
    }
    if is_address(name):
        known["config"] = str
    given = read_params(name, params, known)
    path = fetched(name, given.pop("config", None)) if is_address(name) else whole_path(name)
    found = load(path, n_jobs=n_jobs)
    without = Spec(name, {**params, "allow_unreadable": True})
    cure = f'`topfive data inspect {name}` lists them, -d "{without}" goes on without them'
    return assemble(path, found, seed=seed, limit=limit, n_jobs=n_jobs, cure=cure, **given)


def _open_named(name: str, *, seed: int, limit: int | None, n_jobs: int, params: dict[str, Any]) -> Dataset:
    if name == "photos":
        known: dict[str, Callable[[Any], Any]] = {"per_class": lambda value: value, "classes": photo_classes}
        return open_photos(seed=seed, limit=limit, n_jobs=n_jobs, **read_params(name, params, known))
    return open_plugin(name, seed=seed, limit=limit, n_jobs=n_jobs, params=params)


def _with_namesake(name: str, data: Dataset) -> Dataset:
    """With a note where a path in this folder goes by the same name."""
    if not Path(name).exists():
        return data
    note = f"{name} is the data set of that name; what lies in this folder under the same name is ./{name}."
    return replace(data, notes=(*data.notes, note))


def data_spec(text: str) -> Spec:
    """``NAME`` or ``PATH``, perhaps with ``[key=value,…]``; a path that is there is a path, whatever its brackets."""
    name = text.strip()
    return Spec(name) if name and name not in named() and Path(name).expanduser().exists() else parse(text)


def located(name: str) -> str:
    """The data set's name, or its path as it is from any other folder."""
    path = Path(name).expanduser()
    return name if name in named() or is_address(name) or not path.exists() else str(path.resolve())


def named() -> list[str]:
    """The data sets that go by a name, without a path."""
    return ["photos", *plugin_names()]


def whole_path(name: str) -> Path:
    """The path of a data set; either official archive stands for the folder that holds them all."""
    path = Path(name).expanduser()
    if not path.exists():
        raise InputError(_unknown(name, path))
    return path.parent if path.name in (TRAIN, VAL) and path.is_file() else path


def _unknown(name: str, path: Path) -> str:
    """One line for a path that leads nowhere: what lies beside it with a name like it, what has a name, what to get."""
    if name in named():
        return f"{name} is not on the disk; give the path of a folder, a file or an archive"
    if name in SOURCES:
        return f"{name} is not here; `topfive data get {name}` fetches it and says its path"
    beside = [str(other) for other in islice(path.parent.iterdir(), 10_000)] if path.parent.is_dir() else []
    near = difflib.get_close_matches(str(path), [*beside, *named()], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(named())}"
    fetched = ", ".join(SOURCES)
    return (
        f"{name} is neither a file nor a folder, nor a data set that is known; {hint} (`topfive data get`: {fetched})"
    )


def read_params(name: str, params: dict[str, Any], known: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """``params`` through the reader of each; an unknown one is an InputError with the nearest."""
    for key in params:
        if key not in known:
            raise InputError(f"{name}: {nearest(key, known, 'parameter')}")
    return {key: known[key](value) for key, value in params.items() if value is not None}


def wanted_classes(value: Any) -> tuple[str, ...]:
    """``a+b+c``, or a text file with one class a line."""
    text = str(value)
    try:
        lines = Path(text).read_text(encoding="utf-8").splitlines() if Path(text).is_file() else text.split("+")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"classes={text}: cannot be read: {error}") from None
    wanted = [line.strip() for line in lines if line.strip()]
    if len(set(wanted)) < 2:
        raise InputError(f"classes={text}: give at least two classes, joined by + or one a line in a file")
    return tuple(dict.fromkeys(wanted))


def one_side(value: Any) -> bool:
    """What ``near_duplicates`` asks for."""
    if value != "one-side":
        raise InputError(f"near_duplicates={value}: the one thing to ask for is near_duplicates=one-side")
    return True


def photo_classes(value: Any) -> tuple[str, ...]:
    """The photographs asked for, in their usual order."""
    wanted = wanted_classes(value)
    for word in wanted:
        if word not in FILES:
            raise InputError(f"photos: {nearest(word, FILES, 'class')}")
    return tuple(name for name in FILES if name in wanted)
