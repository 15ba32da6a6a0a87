"""Images given in Python, as arrays, paths or a table, opened like a data set on the disk.

They are written into the cache folder once, arrays as a pack, paths as a manifest, so that the processes of a run can
open them again by that path.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from topfive.common.files import atomic, write_atomic

from ...errors import InputError
from ..dataset import Dataset
from ..layouts.by_label import by_label, class_id
from ..layouts.columns import LABELS, PATHS, SplitReader, first_of
from ..layouts.pack import MARK, footer
from ..layouts.pixels import Pixels, checked
from ..opening import open_dataset
from ..storage import cache
from ..storage.index import write
from ..storage.split_words import split_name
from ..storage.stored import RAW, Listing

_WORDS = "give an array (n, H, W, 3) of uint8, a list of arrays or of paths, or a DataFrame with path and label"


def open_images(
    images: Any,
    labels: Any = None,
    *,
    splits: Sequence[str] | None = None,
    name: str = "images",
    seed: int = 0,
    limit: int | None = None,
    n_jobs: int = 2,
    **params: Any,
) -> Dataset:
    """A data set of images and labels; see ``save_images`` for what they may be, ``open_dataset`` for the rest."""
    path = save_images(images, labels, splits=splits, name=name)
    return open_dataset(str(path), seed=seed, limit=limit, n_jobs=n_jobs, **params)


def save_images(images: Any, labels: Any = None, *, splits: Sequence[str] | None = None, name: str = "images") -> Path:
    """The path in the cache folder under which images and labels can be opened as a data set called ``name``.

    images: (n, H, W) or (n, H, W, 3) uint8 RGB, a list of such pictures of any sizes, or of paths, or a DataFrame whose
    columns are those of a manifest (then ``labels`` and ``splits`` stay away). labels: n words or numbers. splits: n of
    "train", "val" and "test"; without them a fifth is drawn for validation. Raises InputError.
    """
    if hasattr(images, "columns"):
        if labels is not None or splits is not None:
            raise InputError("a DataFrame brings its labels and splits itself, in its columns")
        images, labels, splits = _from_frame(images)
    if labels is None:
        raise InputError(f"images need labels; {_WORDS}")
    listed = images if isinstance(images, np.ndarray) else list(images)
    told = [_label(label) for label in labels]
    if len(told) != len(listed):
        raise InputError(f"{len(listed):,} images and {len(told):,} labels; give one label an image")
    sides: list[str | None] = [None] * len(told)
    if splits is not None:
        sides = [split_name(str(split), "splits") for split in splits]
    if len(sides) != len(told):
        raise InputError(f"{len(told):,} images and {len(sides):,} splits; give one split an image")
    if not told:
        raise InputError(f"no images; {_WORDS}")
    if not isinstance(listed, np.ndarray) and all(isinstance(one, str | os.PathLike) for one in listed):
        return _manifest(listed, told, sides, name)
    return _pack(listed, told, sides, name)


def _from_frame(frame: Any) -> tuple[list[str], list[Any], list[str] | None]:
    header = [str(column) for column in frame.columns]
    path, label = first_of(PATHS, header), first_of(LABELS, header)
    if path is None or label is None:
        missing = "path" if path is None else "label"
        raise InputError(f"the DataFrame has no column {missing!r} (found: {', '.join(map(repr, header))})")
    reader = SplitReader.of(header, "the DataFrame", (path, label))
    rows = frame.to_dict("records")
    splits = []
    for number, row in enumerate(rows, start=1):
        splits.append(reader.read(number, row.get(reader.column or "")))
        reader.watch(row)
    found = reader.found()
    sides = found[1] if found is not None else splits
    if None in sides and any(sides):
        raise InputError(f"the DataFrame: row {sides.index(None) + 1} has no split, others have")
    given = [side for side in sides if side is not None]
    return [str(row[path]) for row in rows], [row[label] for row in rows], given or None


def _label(label: Any) -> str:
    plain = label.item() if isinstance(label, np.generic) else label
    if plain is None or plain != plain or isinstance(plain, list | dict | np.ndarray):
        raise InputError(f"{plain!r} is no label; give one word or number an image")
    return class_id(plain)


def _place(content: str, name: str, ending: str) -> Path:
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name).strip(".-") or "images"
    folder = cache.folder("given") / content
    folder.mkdir(exist_ok=True)
    return folder / (safe + ending)


def _manifest(paths: Sequence[Any], labels: list[str], splits: list[str | None], name: str) -> Path:
    rows = [
        {"path": os.path.abspath(os.path.expanduser(path)), "label": label} | ({"split": split} if split else {})
        for path, label, split in zip(paths, labels, splits, strict=True)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    target = _place(hashlib.blake2b(text, digest_size=12).hexdigest(), name, ".jsonl")
    write_atomic(target, text)
    return target


def _pack(images: Any, labels: list[str], splits: list[str | None], name: str) -> Path:
    """Written as a pack, every picture as a PNG, so that no pixel changes."""
    content = hashlib.blake2b(json.dumps([labels, splits]).encode(), digest_size=12)
    pictures = list(_pictures(images))
    for picture in pictures:
        content.update(repr(picture.shape).encode())
        content.update(np.ascontiguousarray(picture).data)
    target = _place(content.hexdigest(), name, ".pack")
    if target.exists():
        return target
    listing = Listing()
    with atomic(target) as file:
        file.write(MARK)
        for i, picture in enumerate(pictures):
            data = cv2.imencode(".png", picture if picture.ndim == 2 else picture[..., ::-1])[1].tobytes()
            listing.add(f"{i:07d}.png", file.tell(), len(data), len(data), RAW)
            file.write(data)
        found = by_label("images given in Python", listing.stored(""), listing.names, labels, splits)
        packed = io.BytesIO()
        write(found, packed)
        start = file.tell()
        file.write(packed.getvalue())
        file.write(footer(start, packed.getvalue()))
    return target


def _pictures(images: Any) -> Iterable[NDArray[np.uint8]]:
    """(H, W) or (H, W, 3) uint8 each. Raises InputError."""
    if isinstance(images, np.ndarray) and images.ndim > 1:
        yield from checked(Pixels(None, images, np.zeros(len(images)), "images"))
        return
    for i, one in enumerate(images):
        # Pillow's images can be converted; anything else must be an array.
        array = np.asarray(one.convert("RGB")) if hasattr(one, "convert") else one
        if not isinstance(array, np.ndarray):
            raise InputError(f"image {i} is a {type(one).__name__}; {_WORDS}")
        (picture,) = checked(Pixels(None, array[None], np.zeros(1), f"image {i}"))
        yield picture
