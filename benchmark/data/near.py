"""Near-duplicates: pictures that look alike though their bytes differ, resized or compressed again.

Candidates by a perceptual hash in 64 bits (a difference hash: which of 6 × 6 cells are brighter than the cell to their
left and above them), then confirmed by small grey pictures. Of pictures compressed again at quality 60, or halved,
99 % differ in at most 4 bits; of 124,750 pairs of pictures of Tiny ImageNet none differ in fewer than 9.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray
from topfive.common.files import atomic

from ..errors import InputError
from .decode import ImageReader, decode
from .images import Pixels, resize
from .storage import cache
from .storage.found import FoundSplit
from .storage.index import loader_version
from .storage.reader import Unreadable

SIDE, CELLS = 32, 6
BITS = 6  # that may differ
LEVELS = 12  # of 255, mean difference of the small pictures
MOST = 200_000  # images that are compared with each other
_BLOCK = 1 << 22  # hashes compared at once


def small(image: Pixels) -> NDArray[np.uint8]:
    """(32, 32) uint8 grey."""
    return np.asarray(cv2.cvtColor(resize(image, SIDE, SIDE), cv2.COLOR_RGB2GRAY), np.uint8)


def perceptual_hash(grey: NDArray[np.uint8]) -> int:
    """60 bits of a (32, 32) grey picture; pictures that look alike differ in few."""
    cells = np.asarray(cv2.resize(grey, (CELLS, CELLS), interpolation=cv2.INTER_AREA), np.uint8)
    bits = np.concatenate([(cells[:, 1:] > cells[:, :-1]).ravel(), (cells[1:] > cells[:-1]).ravel()])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def hashes(one: FoundSplit, n_jobs: int) -> NDArray[np.uint64]:
    """(n,) hashes of a split's images, 0 for those that cannot be read; kept in the cache folder."""
    content = hashlib.blake2b(np.ascontiguousarray(one.digests).data, digest_size=16).hexdigest()
    kept = cache.folder("indexes") / (cache.key("hashes", loader_version(), content) + ".npy")
    if kept.exists():
        with open(kept, "rb") as file:
            known: NDArray[np.uint64] = np.load(file, allow_pickle=False)
        if len(known) == len(one.labels):
            return known
    reader = ImageReader(one.stored)

    def look(i: int) -> int:
        if i in one.bad:
            return 0
        try:
            return perceptual_hash(small(decode(reader.read(i), side=SIDE)))
        except Unreadable:
            return 0

    with ThreadPoolExecutor(n_jobs, thread_name_prefix="hash") as pool:
        made = np.array(list(pool.map(look, range(len(one.labels)), chunksize=64)), np.uint64)
    with atomic(kept) as new:
        np.save(new, made, allow_pickle=False)
    return made


def near_pairs(val: FoundSplit, train: FoundSplit, n_jobs: int) -> NDArray[np.int64]:
    """(m, 2) positions in val and train: of each validation image the nearest training image that looks like it."""
    candidates = []
    of_val, of_train = hashes(val, n_jobs), hashes(train, n_jobs)
    if not len(of_val) or not len(of_train):
        return np.zeros((0, 2), np.int64)
    step = max(1, _BLOCK // len(of_train))
    for start in range(0, len(of_val), step):
        apart = np.bitwise_count(of_val[start : start + step, None] ^ of_train[None, :])
        nearest = apart.argmin(axis=1)
        close = np.flatnonzero(apart[np.arange(len(apart)), nearest] <= BITS)
        candidates += [(start + int(v), int(nearest[v])) for v in close]
    return _confirmed(val, train, candidates, n_jobs)


def pairs_within(one: FoundSplit, n_jobs: int) -> NDArray[np.int64]:
    """(k, 2) positions of images that look alike. Raises InputError for too many images to compare."""
    n = len(one.labels)
    if n > MOST:
        raise InputError(f"near_duplicates: {n:,} images are too many to compare with each other (at most {MOST:,})")
    own = hashes(one, n_jobs)
    candidates = []
    step = max(1, _BLOCK // max(n, 1))
    for start in range(0, n, step):
        rows, columns = np.nonzero(np.bitwise_count(own[start : start + step, None] ^ own[None, :]) <= BITS)
        rows += start
        later = rows > columns
        candidates += list(zip(rows[later].tolist(), columns[later].tolist(), strict=True))
    return _confirmed(one, one, candidates, n_jobs)


def _confirmed(
    first: FoundSplit, second: FoundSplit, candidates: list[tuple[int, int]], n_jobs: int
) -> NDArray[np.int64]:
    """The pairs whose small pictures are alike, level for level."""
    readers = ImageReader(first.stored), ImageReader(second.stored)

    def alike(pair: tuple[int, int]) -> bool:
        a, b = pair
        if a in first.bad or b in second.bad:
            return False
        try:
            pictures = [small(decode(reader.read(i), side=SIDE)) for reader, i in zip(readers, pair, strict=True)]
        except Unreadable:
            return False
        return float(np.abs(pictures[0].astype(int) - pictures[1]).mean()) <= LEVELS

    with ThreadPoolExecutor(n_jobs, thread_name_prefix="near") as pool:
        kept = [pair for pair, same in zip(candidates, pool.map(alike, candidates), strict=True) if same]
    return np.array(kept, np.int64).reshape(-1, 2)
