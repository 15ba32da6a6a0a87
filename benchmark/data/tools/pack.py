"""``topfive data pack``: all images of a data set in one file, for fast epochs again and again.

Images whose short side is at most the one asked for are kept byte for byte; larger ones are shrunk by the loader's
``resize`` and written as JPEG of quality 95 without chroma subsampling. The file's form is that of ``layouts.pack``.
"""

from __future__ import annotations

import io
import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from topfive.common.files import atomic

from ...errors import InputError
from ..decode import decode, size
from ..images import resize
from ..layouts.pack import MARK, footer
from ..load import load
from ..opening import whole_path
from ..storage.found import Found, FoundSplit
from ..storage.index import write
from ..storage.reader import Reader, Unreadable
from ..storage.stored import RAW, Listing

_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
_log = logging.getLogger("topfive.data")


def pack(path: str, side: int, out: str, *, n_jobs: int = 2) -> Path:
    """Pack the data set at ``path`` into the file ``out`` with short sides of at most ``side`` pixels.

    Unreadable images are left out. Nothing is written over. Raises InputError.
    """
    target = Path(out).expanduser()
    if target.exists():
        raise InputError(f"{out} is there already; give another name or remove it")
    if not target.resolve().parent.is_dir():
        raise InputError(f"{out}: the folder {target.resolve().parent} does not exist")
    if side < 1:
        raise InputError(f"--side {side}: give the short side in pixels, at least 1")
    found = load(whole_path(path), n_jobs=n_jobs)
    with atomic(target) as file:
        file.write(MARK)
        parts = {}
        for name, part in found.parts.items():
            listing, kept = Listing(), []
            for i, data in _packed(part, side, n_jobs):
                if data is None:
                    continue
                listing.add("", file.tell(), len(data), len(data), RAW)
                file.write(data)
                kept.append(i)
            chosen = np.array(kept, np.int64)
            stored = replace(listing.stored(""), paths=part.ids.take(chosen))
            parts[name] = FoundSplit(stored, part.labels[chosen], part.ids.take(chosen))
            _log.info("packed %s: %s images", name, f"{len(kept):,}")
        note = f"Packed from {found.layout}: images whose short side was above {side} pixels were shrunk to it."
        packed = io.BytesIO()
        write(Found("pack", found.classes, found.class_names, parts, (*found.notes, note)), packed)
        index = packed.getvalue()
        start = file.tell()
        file.write(index)
        file.write(footer(start, index))
    return target


def _packed(part: FoundSplit, side: int, n_jobs: int) -> Iterator[tuple[int, bytes | None]]:
    """(position, file) of every image in order; None where it cannot be read. At most 64 images wait at a time."""
    reader = Reader(part.stored)

    def make(i: int) -> bytes | None:
        if i in part.bad:
            return None
        try:
            return shrunk(reader.read(i), side)
        except Unreadable:
            return None

    waiting: deque[tuple[int, Future[bytes | None]]] = deque()
    with ThreadPoolExecutor(n_jobs, thread_name_prefix="pack") as pool:
        for i in range(len(part.labels)):
            waiting.append((i, pool.submit(make, i)))
            if len(waiting) >= 64:
                first, future = waiting.popleft()
                yield first, future.result()
        for i, future in waiting:
            yield i, future.result()


def shrunk(data: bytes, side: int) -> bytes:
    """The file itself where its short side is at most ``side``, else a smaller JPEG. Raises Unreadable."""
    if min(size(data)) <= side:
        return data
    image = decode(data, side=side)
    height, width = image.shape[:2]
    scale = side / min(height, width)
    if scale < 1:
        image = resize(image, max(side, round(height * scale)), max(side, round(width * scale)))
    written: bytes = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _QUALITY)[1].tobytes()
    return written
