"""Open a data set by name or path."""

from __future__ import annotations

import difflib
import logging
import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..specs import Spec, nearest
from .dataset import Dataset, Problem, Split, dataset_fingerprint, split_fingerprint
from .decode import LFS_REASON, ImageReader
from .images import LazyImages
from .layouts.imagenet import TRAIN, VAL
from .load import load
from .photos import FILES, open_photos
from .plugins import open_plugin, plugin_names
from .sampling import spread
from .sources import SOURCES
from .splitting import stratified
from .storage.found import Found, FoundSplit, take

MOST_UNREADABLE = 0.01
_log = logging.getLogger("topfive.data")


def open_dataset(name: str, *, seed: int = 0, limit: int | None = None, n_jobs: int = 2, **params: Any) -> Dataset:
    """Open ``photos``, the data set at a path, or one that an installed package brings (see ``plugins``).

    seed: draws the built-in crops, and the split where the data has none. limit: at most so many images per split,
    spread evenly over the classes. n_jobs: threads that decode. params: ``per_class`` for photos; ``classes`` for all:
    class ids or names joined by ``+``, or a text file with one a line; for data on the disk ``allow_unreadable``: go on
    though more than 1 % of the images cannot be read, and ``skip_incomplete``: without the classes that one split
    lacks. Raises InputError with one line.
    """
    if limit is not None and limit < 1:
        raise InputError(f"--limit {limit}: give at least 1")
    if name == "photos":
        known: dict[str, Callable[[Any], Any]] = {"per_class": lambda value: value, "classes": photo_classes}
        return open_photos(seed=seed, limit=limit, n_jobs=n_jobs, **read_params(name, params, known))
    if name in plugin_names():
        return open_plugin(name, seed=seed, limit=limit, n_jobs=n_jobs, params=params)
    known = {"classes": wanted_classes, "allow_unreadable": bool, "skip_incomplete": bool}
    given = read_params(name, params, known)
    path = whole_path(name)
    found = load(path, n_jobs=n_jobs)
    without = Spec(name, {**params, "allow_unreadable": True})
    cure = f'`topfive data inspect {name}` lists them, -d "{without}" goes on without them'
    return assemble(path, found, seed=seed, limit=limit, n_jobs=n_jobs, cure=cure, **given)


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


def assemble(
    path: Path,
    found: Found,
    *,
    seed: int,
    limit: int | None,
    n_jobs: int,
    cure: str,
    classes: tuple[str, ...] | None = None,
    allow_unreadable: bool = False,
    skip_incomplete: bool = False,
) -> Dataset:
    """From what a layout found to what a contender sees: split, unreadable images and other classes left out.

    cure: what the error for too many unreadable images says to do. skip_incomplete: without the classes that one of the
    splits lacks.
    """
    notes = list(found.notes)
    parts = dict(found.parts)
    leaks = _leaks(found)
    if "all" in parts:
        parts = stratified(parts["all"], seed, found.copies)
        notes.append(
            f"The data has no validation images of its own: a fifth of each class was set aside, drawn by seed {seed}."
        )
        if len(found.copies):
            notes.append(_copies_note(found))
    if classes is not None:
        found, parts, leaks = _subset(path, found, parts, leaks, classes)
    problems, total = [], 0
    for split in ("train", "val"):
        one = parts[split]
        total += len(one.labels)
        problems += [Problem(split, one.ids[i], reason) for i, reason in sorted(one.bad.items())]
        if one.bad:
            good = np.setdiff1d(np.arange(len(one.labels)), np.fromiter(one.bad, np.int64, len(one.bad)))
            parts[split] = take(one, good)
    pointers = [problem for problem in problems if problem.reason == LFS_REASON]
    if pointers and len(pointers) > MOST_UNREADABLE * total:
        raise InputError(
            f"{path}: {len(pointers):,} of {total:,} images are Git LFS pointers, not the files (first: "
            f"{pointers[0].id}); `git lfs pull` in that folder fetches them"
        )
    if len(problems) > MOST_UNREADABLE * total and not allow_unreadable:
        raise InputError(
            f"{path}: {len(problems):,} of {total:,} images cannot be read (first: {problems[0].id}: "
            f"{problems[0].reason}); {cure}"
        )
    if problems:
        notes.append(left_out(len(problems), total))
    if leaks:
        verb = "is" if len(leaks) == 1 else "are"
        notes.append(
            f"Leakage: {len(leaks):,} of the validation images {verb} byte for byte among "
            f"the training images, for instance {leaks[0][0]} = {leaks[0][1]}."
        )
    if skip_incomplete:
        counts = [np.bincount(part.labels, minlength=len(found.classes)) for part in parts.values()]
        kept = tuple(name for name, there in zip(found.classes, np.all(counts, axis=0), strict=True) if there)
        gone = [name for name in found.classes if name not in set(kept)]
        if gone and len(kept) > 1:
            notes.append(f"Left out, because one split lacks them: {_some(gone)}.")
            found, parts, leaks = _subset(path, found, parts, leaks, kept)
    _check_classes(path, found.classes, parts)
    splits = {split: _open(one, limit, n_jobs) for split, one in parts.items()}
    train, val = splits["train"], splits["val"]
    return Dataset(
        name=safe_name(path),
        title=path.name,
        description=(
            f"{len(found.classes):,} classes, {len(train):,} training and {len(val):,} validation images "
            f"from {path.name} ({found.layout})."
        ),
        layout=found.layout,
        classes=found.classes,
        class_names=found.class_names,
        train=train,
        val=val,
        fingerprint=dataset_fingerprint(found.classes, train, val),
        problems=tuple(problems),
        notes=(*notes, *(one.sentence() for one in found.left_out if one.told)),
        left_out=found.left_out,
    )


def _copies_note(found: Found) -> str:
    one = found.parts["all"]
    n, (copy, original) = len(found.copies), found.copies[0].tolist()
    verb = "is a copy" if n == 1 else "are copies"
    return (
        f"{n:,} of {len(one.labels):,} images {verb}, byte for byte, of another (for instance {one.ids[copy]} = "
        f"{one.ids[original]}); each stays on one side of the split with its copies."
    )


def left_out(n: int, total: int) -> str:
    """The note on unreadable images."""
    verb = "is" if n == 1 else "are"
    return f"{n:,} of {total:,} images cannot be read and {verb} left out for every contender."


def _open(one: FoundSplit, limit: int | None, n_jobs: int) -> Split:
    chosen = one if limit is None else take(one, spread(one.labels, limit))
    reader = ImageReader(chosen.stored)
    fingerprint = split_fingerprint(chosen.ids, chosen.labels, chosen.digests)
    images = LazyImages(reader, len(chosen.labels), n_jobs=n_jobs, fingerprint=fingerprint, load_small=reader)
    return Split(images, chosen.labels, chosen.ids)


def _leaks(found: Found) -> list[tuple[str, str]]:
    """(validation id, training id) of identical bytes."""
    return [(found.parts["val"].ids[int(v)], found.parts["train"].ids[int(t)]) for v, t in found.leaks]


def _subset(
    path: Path, found: Found, parts: dict[str, FoundSplit], leaks: list[tuple[str, str]], wanted: tuple[str, ...]
) -> tuple[Found, dict[str, FoundSplit], list[tuple[str, str]]]:
    """Only the classes asked for, by id or name; they keep their order and are numbered anew."""
    from dataclasses import replace

    by_word = {word: i for i, word in enumerate(found.class_names)} | {word: i for i, word in enumerate(found.classes)}
    composed = {unicodedata.normalize("NFC", word): word for word in by_word}
    wanted = tuple(
        word if word in by_word else composed.get(unicodedata.normalize("NFC", word), word) for word in wanted
    )
    for word in wanted:
        if word not in by_word:
            raise InputError(f"{path}: {nearest(word, by_word, 'class')}")
    kept = sorted({by_word[word] for word in wanted})
    new = np.full(len(found.classes), -1, np.int64)
    new[kept] = np.arange(len(kept))
    for split, one in parts.items():
        part = take(one, np.flatnonzero(new[one.labels] >= 0))
        parts[split] = replace(part, labels=new[part.labels])
    left = set(parts["val"].ids) if leaks else set()
    names = tuple(found.classes[i] for i in kept), tuple(found.class_names[i] for i in kept)
    return replace(found, classes=names[0], class_names=names[1]), parts, [pair for pair in leaks if pair[0] in left]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _check_classes(path: Path, classes: tuple[str, ...], parts: dict[str, FoundSplit]) -> None:
    if not any(len(part.labels) for part in parts.values()):
        raise InputError(f"{path} holds no images that can be read")
    if len(classes) < 2:
        raise InputError(f"{path} holds one class only ({classes[0]}); there is nothing to tell apart")
    for split, what in (("train", "training"), ("val", "validation")):
        empty = np.flatnonzero(np.bincount(parts[split].labels, minlength=len(classes)) == 0)
        if len(empty):
            more = f" (and {len(empty) - 1:,} more)" if len(empty) > 1 else ""
            cure = f'-d "{path}[skip_incomplete=true]" leaves such classes out' if len(classes) - len(empty) > 1 else ""
            raise InputError(
                f"{path}: the class {classes[empty[0]]!r}{more} has no {what} images{cure and '; ' + cure}"
            )


def safe_name(path: Path) -> str:
    """The path's last part without its ending, safe as a file name."""
    stem = re.sub(r"\.(tar\.gz|tgz|tar|zip|csv|jsonl|parquet|pack)$", "", path.resolve().name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip(".-")[:60] or "data"


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


def photo_classes(value: Any) -> tuple[str, ...]:
    """The photographs asked for, in their usual order."""
    wanted = wanted_classes(value)
    for word in wanted:
        if word not in FILES:
            raise InputError(f"photos: {nearest(word, FILES, 'class')}")
    return tuple(name for name in FILES if name in wanted)
