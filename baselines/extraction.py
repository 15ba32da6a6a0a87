"""Feature extraction for any number of images: decode ahead, encode in batches, write each batch to its rows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from itertools import count, starmap
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import get_active_backend
from numpy.typing import NDArray
from topfive.common.machine import torch_threads

from .compute import on_cpu
from .descriptors import MAX_PIXELS, ON_GPU
from .stages import release

log = logging.getLogger("topfive.baselines.extraction")

BATCH = 32  # images; on a GPU ``ON_GPU`` times as many
SENT_FROM = 2000  # images; fewer are encoded here sooner than on a cluster
# On a cluster, rows that come back wait in memory until they are written. So batches are sent in waves: of at most
# WAITING bytes of rows, but of at least LEAST_WAVE batches for each thread, so that few threads wait at a wave's end.
WAITING, LEAST_WAVE = 2**31, 16


def extract(
    encode: Callable[[Any], torch.Tensor],
    images: Any,
    order: NDArray[np.int64],
    out: Any,
    *,
    device: str,
    side: int | None = None,
    mirrored: bool = False,
) -> None:
    """Write ``encode(batch)`` of the images in ``order`` into the rows of ``out`` (n, dim) float16.

    ``side``: batches of that size, cropped; without it, images keep their shapes and are shrunk to 100,000 px.
    ``mirrored``: ``out`` has 2n rows, of which the second half are the images flipped left to right.

    On a processor every core encodes batches of its own: threads that share one small product mostly wait for each
    other, and batches of a few images stay in a core's cache. So the vectors do not depend on the number of cores, nor
    on where they are made: where joblib's active backend leads out of this process, batches of many images go there.
    """
    cores = on_cpu(device)
    at_once = BATCH if cores else BATCH * ON_GPU
    workers = torch.get_num_threads() if cores else 1
    size: dict[str, Any] = {"max_pixels": MAX_PIXELS} if side is None else {"side": side}
    n = len(order)
    begin = shown = time.perf_counter()
    done = 0

    def write(first: int, views: list[NDArray[np.float16]]) -> int:
        for start, rows in zip((first, n + first), views, strict=False):
            out[start : start + len(rows)] = rows
            release(out[start : start + len(rows)])
        return len(views[0])

    def here(first: int, batch: Any) -> int:
        return write(
            first, _rows(encode, batch, mirrored)
        )  # in the thread that encoded: with a slow disk, encoding waits

    def counts() -> Iterator[int]:
        if cores and n >= SENT_FROM and not _shares_memory():
            wave = max(LEAST_WAVE * effective_n_jobs() * BATCH, WAITING // ((1 + mirrored) * out[0].nbytes))
            for start in range(0, n, wave):
                parts = ((i, images.take(order[i : i + BATCH])) for i in range(start, min(n, start + wave), BATCH))
                calls = (delayed(_elsewhere)(i, encode, part, size, mirrored) for i, part in parts)
                yield from starmap(write, Parallel(return_as="generator_unordered")(calls))
        else:
            batches = zip(count(step=at_once), images.batches(at_once, order=order, **size), strict=False)
            calls = (delayed(here)(first, batch) for first, batch in batches)
            yield from Parallel(workers, return_as="generator_unordered", require="sharedmem")(calls)

    with torch_threads(1 if cores else None):
        for some in counts():
            done += some
            now = time.perf_counter()
            if now - shown > 5 or done == n:
                shown, rate = now, done / (now - begin)
                log.info("features: %d of %d images, %.0f images/s, %.0f s left", done, n, rate, (n - done) / rate)


def _shares_memory() -> bool:
    """Whether joblib's calls run on threads of this process, as they do unless a backend was chosen around us."""
    return bool(getattr(get_active_backend(prefer="threads")[0], "supports_sharedmem", False))


def _rows(encode: Callable[[Any], torch.Tensor], batch: Any, mirrored: bool) -> list[NDArray[np.float16]]:
    """(len(batch), dim) of the batch and, where asked for, of its mirror images."""
    views = [batch, [image[:, ::-1] for image in batch]] if mirrored else [batch]
    return [encode(view).half().cpu().numpy() for view in views]


def _elsewhere(
    first: int, encode: Callable[[Any], torch.Tensor], images: Any, size: dict[str, Any], mirrored: bool
) -> tuple[int, list[NDArray[np.float16]]]:
    """The rows of a few images, read and encoded in another process by one thread; they begin at row ``first``."""
    with torch_threads(1):
        [batch] = images.batches(len(images), **size)
        return first, _rows(encode, batch, mirrored)
