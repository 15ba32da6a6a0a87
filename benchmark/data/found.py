"""What a layout answers: classes, and for each split which stored files it holds; kept in the cache between runs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .dataset import Ids
from .stored import Stored

VERSION = 2


@dataclass(frozen=True)
class Part:
    """One split as found: files with (n,) labels and unique ids, sorted by id; digests (n, 16) uint8 once examined.

    bad: position → why the image cannot be read. checked: whether every image was decoded to find that out.
    """

    stored: Stored
    labels: NDArray[np.int64]
    ids: Ids
    digests: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 16), np.uint8))
    bad: dict[int, str] = field(default_factory=dict)
    checked: bool = False


@dataclass(frozen=True)
class Found:
    """A recognised data set. parts: "train" and "val", or "all" where the data has no splits of its own.

    ignored: how many files belong to no class. leaks (m, 2): positions in val and train of identical bytes.
    """

    layout: str
    classes: tuple[str, ...]
    class_names: tuple[str, ...]
    parts: dict[str, Part]
    notes: tuple[str, ...] = ()
    ignored: int = 0
    leaks: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))


def part(stored: Stored, positions: list[int], labels: list[int], below: Callable[[int], str]) -> Part:
    """A split from positions in ``stored``; ``below(i)`` is the path below the split of file ``i``.

    Ids are file names without ending where those are unique, as they are in all of ImageNet's copies; else the paths
    below the split.
    """
    ids = [_stem(below(i)) for i in positions]
    order = sorted(range(len(ids)), key=ids.__getitem__)
    if any(ids[a] == ids[b] for a, b in pairwise(order)):  # no set: 1.3 million strings are enough
        ids = [below(i) for i in positions]
        order = sorted(range(len(ids)), key=ids.__getitem__)
    chosen = np.array(positions, np.int64)[order]
    return Part(stored.take(chosen), np.array(labels, np.int64)[order], Ids(ids[i] for i in order))


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0] or name


def write(found: Found, file: BinaryIO) -> None:
    """For the cache, and for the index of a pack: arrays as they are in memory, so that opening costs a read."""
    arrays: dict[str, NDArray[Any]] = {"leaks": found.leaks}
    facts: dict[str, Any] = {
        "version": VERSION,
        "layout": found.layout,
        "classes": found.classes,
        "class_names": found.class_names,
        "notes": found.notes,
        "ignored": found.ignored,
        "parts": {},
    }
    for name, one in found.parts.items():
        facts["parts"][name] = {
            "containers": one.stored.containers,
            "bad": {str(i): reason for i, reason in one.bad.items()},
            "checked": one.checked,
        }
        for column in ("container", "offset", "length", "packed", "kind"):
            arrays[f"{name}.{column}"] = getattr(one.stored, column)
        for column, ids in (("paths", one.stored.paths), ("ids", one.ids)):
            arrays[f"{name}.{column}"], arrays[f"{name}.{column}.ends"] = ids.text, ids.ends
        arrays[f"{name}.labels"], arrays[f"{name}.digests"] = one.labels, one.digests
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    np.savez(file, allow_pickle=False, **arrays)


def read(file: BinaryIO) -> Found | None:
    """What ``write`` wrote; None where it was written by another version or is damaged."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            facts = json.loads(arrays["facts"].tobytes())
            if facts["version"] != VERSION:
                return None
            parts = {}
            for name, about in facts["parts"].items():
                columns = {
                    word: arrays[f"{name}.{word}"] for word in ("container", "offset", "length", "packed", "kind")
                }
                paths = Ids.of(arrays[f"{name}.paths"], arrays[f"{name}.paths.ends"])
                parts[name] = Part(
                    Stored(tuple(about["containers"]), paths, **columns),
                    arrays[f"{name}.labels"],
                    Ids.of(arrays[f"{name}.ids"], arrays[f"{name}.ids.ends"]),
                    arrays[f"{name}.digests"],
                    {int(i): reason for i, reason in about["bad"].items()},
                    about["checked"],
                )
            return Found(
                facts["layout"],
                tuple(facts["classes"]),
                tuple(facts["class_names"]),
                parts,
                tuple(facts["notes"]),
                facts["ignored"],
                arrays["leaks"],
            )
    except (ValueError, KeyError, OSError, zipfile.BadZipFile, EOFError):
        return None


def take(one: Part, kept: NDArray[np.int64]) -> Part:
    """The images at ``kept``, in that order."""
    place = {int(old): new for new, old in enumerate(kept)} if one.bad else {}
    return replace(
        one,
        stored=one.stored.take(kept),
        labels=one.labels[kept],
        ids=one.ids.take(kept),
        digests=one.digests[kept],
        bad={place[i]: reason for i, reason in one.bad.items() if i in place},
    )
