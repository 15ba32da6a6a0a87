"""A ``Found`` as a file: in the cache between runs, and at the end of a pack."""

from __future__ import annotations

import json
import zipfile
from dataclasses import astuple
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import PIL
from numpy.typing import NDArray
from topfive.common.sources import source_digest

from .formats import reads
from .found import Found, FoundSplit
from .ids import Ids
from .left_out import LeftOut
from .stored import Stored

FORMAT = 2  # of the file; packs of another format cannot be read


def loader_version() -> str:
    """A digest of the loader's own source code: another layout, decoder or resize is another version."""
    return source_digest(Path(__file__).parents[1])


def libraries() -> str:
    """The versions of the libraries that decide whether an image can be read."""
    return f"opencv {cv2.__version__}, pillow {PIL.__version__}, avif {reads('AVIF')}, heic {reads('HEIC')}"


def write(found: Found, file: BinaryIO) -> None:
    """For the cache, and for the index of a pack: arrays as they are in memory, so that opening costs a read."""
    arrays: dict[str, NDArray[Any]] = {"leaks": found.leaks, "copies": found.copies}
    facts: dict[str, Any] = {
        "version": FORMAT,
        "layout": found.layout,
        "classes": found.classes,
        "class_names": found.class_names,
        "notes": found.notes,
        "left_out": [astuple(one) for one in found.left_out],
        "boxes": found.boxes,
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
    """What ``write`` wrote; None where its format is another or it is damaged."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            facts = json.loads(arrays["facts"].tobytes())
            if facts["version"] != FORMAT:
                return None
            parts = {}
            for name, about in facts["parts"].items():
                columns = {
                    word: arrays[f"{name}.{word}"] for word in ("container", "offset", "length", "packed", "kind")
                }
                paths = Ids.of(arrays[f"{name}.paths"], arrays[f"{name}.paths.ends"])
                parts[name] = FoundSplit(
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
                tuple(LeftOut(*one) for one in facts.get("left_out", ())),
                arrays["leaks"],
                arrays["copies"] if "copies" in arrays.files else arrays["leaks"][:0],
                {name: tuple(box) for name, box in facts.get("boxes", {}).items()},
            )
    except (ValueError, KeyError, OSError, zipfile.BadZipFile, EOFError):
        return None
