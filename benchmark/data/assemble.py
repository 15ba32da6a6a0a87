"""From what a layout found to what a contender sees."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..specs import nearest
from .dataset import Dataset, Problem, Split, dataset_fingerprint, split_fingerprint
from .decode import LFS_REASON, ImageReader
from .images import LazyImages
from .near import near_pairs, pairs_within
from .sampling import spread
from .splitting import stratified
from .storage.found import Found, FoundSplit, take
from .storage.printing import printable

MOST_UNREADABLE = 0.01


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
    near_duplicates: bool = False,
) -> Dataset:
    """From what a layout found to what a contender sees: split, unreadable images and other classes left out.

    cure: what the error for too many unreadable images says to do. skip_incomplete: without the classes that one of the
    splits lacks. near_duplicates: pictures that look alike are kept on one side. Raises InputError.
    """
    parts, notes = split_parts(found, seed, n_jobs, near_duplicates=near_duplicates)
    notes = [*found.notes, *notes]
    leaks = _leaks(found)
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
        title=printable(path.name),
        description=(
            f"{len(found.classes):,} classes, {len(train):,} training and {len(val):,} validation images "
            f"from {printable(path.name)} ({found.layout})."
        ),
        layout=found.layout,
        classes=found.classes,
        class_names=found.class_names,
        train=train,
        val=val,
        fingerprint=dataset_fingerprint(found.classes, train, val),
        problems=tuple(problems),
        notes=tuple(map(printable, (*notes, *(one.sentence() for one in found.left_out if one.told)))),
        left_out=found.left_out,
        boxes=found.boxes,
    )


def split_parts(
    found: Found, seed: int, n_jobs: int, *, near_duplicates: bool = False
) -> tuple[dict[str, FoundSplit], list[str]]:
    """Training and validation, drawn by ``seed`` where the data has no splits of its own, and notes on that.

    near_duplicates: pictures that look alike stay on one side of a drawn split; of given splits, training images that
    look like one for validation are left out.
    """
    parts = dict(found.parts)
    if "all" not in parts:
        return _without_near(parts, n_jobs) if near_duplicates else (parts, [])
    one, copies, notes = parts["all"], found.copies, []
    if len(copies):
        (copy, original), verb = copies[0].tolist(), "is a copy" if len(copies) == 1 else "are copies"
        notes.append(
            f"{len(copies):,} of {len(one.labels):,} images {verb}, byte for byte, of another (for instance "
            f"{one.ids[copy]} = {one.ids[original]}); each stays on one side of the split with its copies."
        )
    if near_duplicates:
        alike = pairs_within(one, n_jobs)
        copies = np.concatenate([copies, alike])
        notes.append(f"{len(set(alike.ravel().tolist())):,} images look like another and stay on one side with it.")
    drawn = f"The data has no validation images of its own: a fifth of each class was set aside, drawn by seed {seed}."
    return stratified(one, seed, copies), [drawn, *notes]


def _without_near(parts: dict[str, FoundSplit], n_jobs: int) -> tuple[dict[str, FoundSplit], list[str]]:
    train = parts["train"]
    near = np.unique(near_pairs(train, parts["val"], n_jobs)[:, 0])
    kept = np.setdiff1d(np.arange(len(train.labels)), near)
    note = f"{len(near):,} training images that look like one for validation are left out."
    return parts | {"train": take(train, kept)}, [note]


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
            cure = f'; -d "{path}[skip_incomplete=true]" leaves it out' if len(classes) - len(empty) > 1 else ""
            raise InputError(f"{path}: the class {classes[empty[0]]!r}{more} has no {what} images{cure}")


def safe_name(path: Path) -> str:
    """The path's last part without its ending, safe as a file name."""
    stem = re.sub(r"\.(tar\.gz|tgz|tar|zip|csv|jsonl|parquet|pack|npz)$", "", path.resolve().name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip(".-")[:60] or "data"
