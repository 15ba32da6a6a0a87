"""Feature extraction for any number of images: decode ahead, encode in batches, write each batch to its rows."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import count, starmap
from typing import Any

import cv2
import numpy as np
import torch
from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import get_active_backend
from numpy.typing import NDArray
from topfive.common.machine import give_back_memory, torch_threads

from .compute import on_cpu, threads
from .descriptors import MAX_PIXELS, ON_GPU
from .stages import release

log = logging.getLogger("topfive.baselines.extraction")

LEAST, BATCH = 8, 32  # images; fewer take longer each. On a GPU ``ON_GPU`` times as many
LEAST_BATCHES = 16  # so that no core is long without work where images are few
SENT_FROM = 2000  # images; fewer are encoded here sooner than on a cluster
# On a cluster, rows that come back wait in memory until they are written. So batches are sent in waves: of at most
# WAITING bytes of rows, but of at least LEAST_WAVE batches for each thread, so that few threads wait at a wave's end.
WAITING, LEAST_WAVE = 2**31, 16
WRITERS = 3  # threads that write what a GPU made; as many batches wait for them


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
    """Write ``encode(batch)`` of the images in ``order`` into the rows of ``out``, (n, dim) float16 or float32.

    ``side``: batches of that size, cropped; without it, images keep their shapes and are shrunk to 100,000 px.
    ``mirrored``: ``out`` has 2n rows, of which the second half are the images flipped left to right.

    On a processor every core encodes batches of its own: threads that share one small product mostly wait for each
    other, and batches of a few images stay in a core's cache. So the vectors do not depend on the number of cores, nor
    on where they are made: where joblib's active backend leads out of this process, batches of many images go there.
    A GPU gets large batches from this thread, which waits for none of them; other threads write their rows.
    """
    cores = on_cpu(device)
    n, workers = len(order), torch.get_num_threads()
    at_once = max(LEAST, min(BATCH, n // LEAST_BATCHES)) if cores else BATCH * ON_GPU
    size: dict[str, Any] = {"max_pixels": MAX_PIXELS} if side is None else {"side": side}
    begin = shown = time.perf_counter()
    done = 0
    dtype = getattr(torch, out.dtype.name)

    def write(first: int, views: list[NDArray[Any]]) -> int:
        for start, rows in zip((first, n + first), views, strict=False):
            out[start : start + len(rows)] = rows
            release(out[start : start + len(rows)])
        return len(views[0])

    def here(first: int, batch: Any) -> int:
        torch.get_num_threads()  # as in ``compute.threads``
        # In the thread that encoded: with a slow disk, encoding waits.
        return write(first, [rows.numpy() for rows in _rows(encode, batch, dtype, mirrored)])

    def counts() -> Iterator[int]:
        if not cores:
            batches = zip(count(step=at_once), images.batches(at_once, order=order, **size), strict=False)
            yield from _by_gpu(batches, lambda batch: _rows(encode, batch, dtype, mirrored), write)
        elif n >= SENT_FROM and not _shares_memory():
            wave = max(LEAST_WAVE * effective_n_jobs() * BATCH, WAITING // ((1 + mirrored) * out[0].nbytes))
            for start in range(0, n, wave):
                parts = ((i, images.take(order[i : i + BATCH])) for i in range(start, min(n, start + wave), BATCH))
                calls = (delayed(_elsewhere)(i, encode, part, size, dtype, mirrored) for i, part in parts)
                yield from starmap(write, Parallel(return_as="generator_unordered")(calls))
        else:
            batches = zip(count(step=at_once), images.batches(at_once, order=order, **size), strict=False)
            calls = (delayed(here)(first, batch) for first, batch in batches)
            yield from Parallel(workers, return_as="generator_unordered", require="sharedmem")(calls)

    with torch_threads(1 if cores else None):
        for some in counts():
            done += some
            now = time.perf_counter()
            late = now - shown > 5
            if late:  # never for a few images, of which probes ask often
                give_back_memory()  # images of many shapes leave gaps of many sizes
            if late or done == n:
                shown, rate = now, done / (now - begin)
                log.info("features: %d of %d images, %.0f images/s, %.0f s left", done, n, rate, (n - done) / rate)


def _shares_memory() -> bool:
    """Whether joblib's calls run on threads of this process, as they do unless a backend was chosen around us."""
    return bool(getattr(get_active_backend(prefer="threads")[0], "supports_sharedmem", False))


def _rows(encode: Callable[[Any], torch.Tensor], batch: Any, dtype: torch.dtype, mirrored: bool) -> list[torch.Tensor]:
    """(len(batch), dim) of the batch and, where asked for, of its mirror images, where they were made."""
    views = [batch, [cv2.flip(image, 1) for image in batch]] if mirrored else [batch]
    return [encode(view).to(dtype) for view in views]


def _by_gpu(
    batches: Iterable[tuple[int, Any]],
    rows: Callable[[Any], list[torch.Tensor]],
    write: Callable[[int, list[NDArray[Any]]], int],
) -> Iterator[int]:
    """What ``write`` says of each batch. The GPU's work is queued; threads wait for its rows and write them."""

    def written(first: int, here: list[torch.Tensor], done: Any) -> int:
        done.synchronize()
        return write(first, [one.numpy() for one in here])

    waiting: deque[Future[int]] = deque()
    with threads(WRITERS, "write") as writers:
        for first, batch in batches:
            # To pinned memory, which torch takes for such a copy, so that this thread does not wait for it.
            here = [one.to("cpu", non_blocking=True) for one in rows(batch)]
            done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            done.record()
            waiting.append(writers.submit(written, first, here, done))
            if len(waiting) > WRITERS:
                yield waiting.popleft().result()
        for future in waiting:
            yield future.result()


def _elsewhere(
    first: int,
    encode: Callable[[Any], torch.Tensor],
    images: Any,
    size: dict[str, Any],
    dtype: torch.dtype,
    mirrored: bool,
) -> tuple[int, list[NDArray[Any]]]:
    """The rows of a few images, read and encoded in another process by one thread; they begin at row ``first``."""
    with torch_threads(1):
        [batch] = images.batches(len(images), **size)
        return first, [rows.numpy() for rows in _rows(encode, batch, dtype, mirrored)]
