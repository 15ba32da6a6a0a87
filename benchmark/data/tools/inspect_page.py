"""``topfive data inspect --html``: what lies at a path as one page that opens from the disk and asks for nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import jinja2
import numpy as np
from numpy.typing import NDArray
from topfive.common.files import write_atomic

from ...errors import InputError
from ..decode import ImageReader
from ..hub import fetched, is_address
from ..images import Pixels, fit_side
from ..load import load
from ..opening import named, open_dataset, whole_path
from .inspect import Inspection, inspect

SIDE = 72
CLASSES, EACH = 60, 8  # pictures of so many classes, spread evenly, so many of each
PAIRS, PROBLEMS, BARS = 30, 50, 400


@dataclass(frozen=True)
class _Split:
    """ids and (n,) labels of images, and what answers image ``i``; bad: those that cannot be read."""

    ids: Sequence[str]
    labels: NDArray[np.int64]
    load: Callable[[int], Pixels]
    bad: Mapping[int, str]


def write_page(path: str, target: str, *, n_jobs: int = 2) -> Inspection:
    """Inspect ``path`` and write the page into the file ``target``. Raises InputError."""
    file = Path(target).expanduser()
    if not file.absolute().parent.is_dir():
        raise InputError(f"{target}: the folder {file.absolute().parent} does not exist")
    seen = inspect(path, n_jobs=n_jobs)
    write_atomic(file, render(seen, _splits(path, n_jobs)).encode("utf-8", "backslashreplace"))
    return seen


def render(seen: Inspection, splits: Mapping[str, _Split]) -> str:
    """The page. Whatever names hold is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["number"] = lambda value: f"{value:,.0f}"
    counts = {name: np.bincount(split.labels, minlength=len(seen.classes)) for name, split in splits.items()}
    most = max([int(count.max()) for count in counts.values() if len(count)] or [1]) or 1
    shown = np.unique(np.linspace(0, len(seen.classes) - 1, min(BARS, len(seen.classes))).astype(int)).tolist()
    bars = [
        (_title(seen, c), [(name, int(count[c]), 100 * int(count[c]) / most) for name, count in counts.items()])
        for c in shown
    ]
    places = {name: {image: i for i, image in enumerate(split.ids)} for name, split in splits.items()}

    def picture(name: str, image: str) -> str:
        """Of an id, which is in "all" where the data has no splits of its own."""
        own = name if name in splits else "all"
        return _thumbnail(splits[own].load(places[own][image]))

    pairs = [("byte for byte the same", seen.leaks), ("that look alike", seen.near)]
    return environment.get_template("inspect.html").render(
        seen=seen,
        bars=bars,
        sheet=_sheet(seen, splits),
        pairs=[
            (
                what,
                len(found),
                [(picture("val", val), val, picture("train", train), train) for val, train in found[:PAIRS]],
            )
            for what, found in pairs
        ],
        problems=seen.problems[:PROBLEMS],
    )


def _splits(path: str, n_jobs: int) -> dict[str, _Split]:
    if path in named():
        data = open_dataset(path, n_jobs=n_jobs)
        both = {"train": data.train, "val": data.val}
        return {name: _Split(one.ids, one.labels, one.images.__getitem__, {}) for name, one in both.items()}
    found = load(fetched(path) if is_address(path) else whole_path(path), n_jobs=n_jobs)
    return {
        name: _Split(part.ids, part.labels, ImageReader(part.stored), part.bad) for name, part in found.parts.items()
    }


def _title(seen: Inspection, c: int) -> str:
    name, word = seen.classes[c], seen.class_names[c]
    return name if name == word else f"{name} ({word})"


def _sheet(seen: Inspection, splits: Mapping[str, _Split]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Class → pictures of its training images as data addresses, with their ids."""
    split = splits.get("train") or splits["all"]
    rows = []
    for c in np.unique(np.linspace(0, len(seen.classes) - 1, min(CLASSES, len(seen.classes))).astype(int)).tolist():
        own = [i for i in np.flatnonzero(split.labels == c).tolist() if i not in split.bad]
        some = [own[i] for i in np.unique(np.linspace(0, len(own) - 1, min(EACH, len(own))).astype(int))] if own else []
        rows.append((_title(seen, c), [(_thumbnail(split.load(i)), split.ids[i]) for i in some]))
    return rows


def _thumbnail(pixels: Pixels) -> str:
    small = fit_side(pixels, SIDE)[..., ::-1]
    data: bytes = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")
