"""Look at every image once: digests, unreadable images, and images that stand in training and validation alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .decode import decode, outline
from .storage.found import Found, FoundSplit
from .storage.reader import Reader, Unreadable, digest, edges_of

# Data sets up to this size have every image decoded once when they are indexed; larger ones when it is asked for.
CHECKED_IMAGES, CHECKED_BYTES = 250_000, 4 * 2**30


def examined(found: Found, *, n_jobs: int, check: bool = False) -> Found:
    """With digests, unreadable images and leakage filled in."""
    total = sum(int(part.stored.length.sum()) for part in found.parts.values())
    number = sum(len(part.labels) for part in found.parts.values())
    whole = check or (total <= CHECKED_BYTES and number <= CHECKED_IMAGES)
    parts = {}
    for name, part in found.parts.items():
        digests, bad = examine(Reader(part.stored), whole=whole, n_jobs=n_jobs)
        parts[name] = replace(part, digests=digests, bad=bad, checked=whole)
    return replace(found, parts=parts, leaks=_leaks(parts), copies=_copies(parts))


def _copies(parts: dict[str, FoundSplit]) -> NDArray[np.int64]:
    """(k, 2) positions in "all" of an image and of the first one with the same bytes."""
    one = parts.get("all")
    if one is None or len(one.labels) < 2:
        return np.zeros((0, 2), np.int64)
    halves = np.frombuffer(one.digests.tobytes(), "<u8").reshape(-1, 2)
    order = np.lexsort((halves[:, 1], halves[:, 0]))
    first = np.concatenate([[True], (halves[order[1:]] != halves[order[:-1]]).any(axis=1)])
    if first.all():
        return np.zeros((0, 2), np.int64)
    reader = Reader(one.stored)
    pairs = []
    for group in np.split(order, np.flatnonzero(first)[1:]):
        whole: list[tuple[bytes, int]] = []  # equal digests are mostly, but not always, equal bytes
        for i in sorted(group.tolist()) if len(group) > 1 else ():
            if i in one.bad:
                continue
            data = reader.read(i)
            original = next((other for known, other in whole if known == data), None)
            if original is None:
                whole.append((data, i))
            else:
                pairs.append((i, original))
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


def _leaks(parts: dict[str, FoundSplit]) -> NDArray[np.int64]:
    """(m, 2) positions in val and train of identical files: equal digests first, then all of the bytes."""
    if "val" not in parts:
        return np.zeros((0, 2), np.int64)
    train, val = parts["train"], parts["val"]
    keys = [np.ascontiguousarray(part.digests).view("V16").ravel() for part in (train, val)]
    common = np.flatnonzero(np.isin(_sortable(keys[1]), _sortable(keys[0])))
    if not len(common):
        return np.zeros((0, 2), np.int64)
    of_train: dict[bytes, list[int]] = {}
    wanted = {keys[1][v].tobytes() for v in common.tolist()}
    for t in np.flatnonzero(np.isin(_sortable(keys[0]), _sortable(keys[1][common]))).tolist():
        digest = keys[0][t].tobytes()
        if digest in wanted:
            of_train.setdefault(digest, []).append(t)
    readers = Reader(train.stored), Reader(val.stored)
    pairs = []
    for v in map(int, common):
        if v in val.bad:
            continue
        for t in of_train.get(keys[1][v].tobytes(), []):
            if t not in train.bad and readers[0].read(t) == readers[1].read(v):
                pairs.append((v, t))
                break
    return np.array(pairs, np.int64).reshape(-1, 2)


def _sortable(keys: NDArray[np.void]) -> NDArray[np.uint64]:
    """The first half of each digest, as numbers that numpy can sort."""
    return np.frombuffer(keys.tobytes(), "<u8")[::2]


def examine(reader: Reader, *, whole: bool, n_jobs: int) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """(n, 16) digests of all files, and why some are unreadable: position → reason.

    whole: every image is decoded once (JPEGs at an eighth of their size, which still reads every byte of them);
    otherwise only what the first and last bytes give away is found.
    """

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # the reasons are told once, by name

    def look(i: int) -> tuple[bytes, str | None]:
        try:
            if not whole:
                head, tail = reader.edges(i)
                return digest(int(reader.stored.length[i]), head, tail), outline(head, tail or head)
            data = reader.read(i)
        except Unreadable as error:
            return bytes(16), str(error)
        try:
            decode(data, side=1)
        except Unreadable as error:
            return digest(len(data), *edges_of(data)), str(error)
        return digest(len(data), *edges_of(data)), None

    def look_at(start: int) -> list[tuple[bytes, str | None]]:
        return [look(i) for i in range(start, min(start + 512, len(reader.stored)))]

    digests, reasons = bytearray(), {}
    with ThreadPoolExecutor(n_jobs, thread_name_prefix="examine") as pool:
        position = 0
        for answers in pool.map(look_at, range(0, len(reader.stored), 512)):
            for made, reason in answers:
                digests += made
                if reason is not None:
                    reasons[position] = reason
                position += 1
    return np.frombuffer(bytes(digests), np.uint8).reshape(-1, 16), reasons
