"""Stages of a fit, kept between runs where a cache folder is given: codebooks, and features, which may be large.

A stage is a file of arrays (``arrayfile``) with its cost, named by everything that its contents depend on. A file that
is damaged is removed and made again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import mmap
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import topfive.common.sources as sources
import torch
from numpy.typing import NDArray
from topfive.common.files import PART, atomic

from . import costs
from .arrayfile import Arrays, Damaged, Draft, read_arrays, write_arrays
from .costs import Cost

log = logging.getLogger("topfive.baselines")

IN_MEMORY = 512 * 2**20  # bytes; features above this go to disk even without a cache folder
CODE = (Path(__file__).parent, Path(sources.__file__).parent)  # a stage that other code made is not used

Key = dict[str, Any]


def read(features: Any, start: int, stop: int) -> NDArray[Any]:
    """A copy of the rows ``start`` to ``stop`` of an array or a memory map, whose pages are released."""
    rows = features[start:stop]
    copied = np.array(rows)
    release(rows)
    return copied


def release(rows: Any) -> None:
    """Tell the kernel that these rows of a memory map are not needed soon; rows of an array stay as they are.

    So the memory of a process does not grow with the features that it has read or written.
    """
    owner = rows
    while isinstance(owner, np.ndarray) and owner.base is not None:
        owner = owner.base
    if isinstance(owner, mmap.mmap) and hasattr(owner, "madvise"):
        begin = rows.ctypes.data - np.frombuffer(owner, np.uint8).ctypes.data
        end = min(begin + len(rows) * rows.strides[0], len(owner)) // mmap.PAGESIZE * mmap.PAGESIZE
        begin = -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE
        if end > begin:
            owner.madvise(mmap.MADV_DONTNEED, begin, end - begin)


class Stages:
    """The files below ``cache_dir``. Nothing is kept where that is None, nor under a key that is None."""

    def __init__(self, cache_dir: str | None) -> None:
        self.folder = Path(cache_dir) if cache_dir else None

    def load(self, stage: str, key: Key | None) -> tuple[dict[str, Any], Arrays] | None:
        """What ``save`` was given, the arrays as read-only memory maps; None where there is no sound file."""
        path = self._path(stage, key)
        if path is None:
            return None
        try:
            return read_arrays(path)
        except FileNotFoundError:
            return None
        except Damaged as error:
            log.warning("%s in the cache is damaged and is made again: %s", path.name, error)
            path.unlink(missing_ok=True)
            return None

    def save(self, stage: str, key: Key | None, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep arrays, and JSON values about them."""
        path = self._path(stage, key)
        if path is not None:
            with atomic(path) as file:
                write_arrays(file, about, arrays)

    def features(
        self, key: Key | None, shape: tuple[int, int], fill: Callable[[Any], None]
    ) -> tuple[NDArray[np.float16], Cost]:
        """(n, dim) float16 that ``fill`` writes into, and what making them cost where they came from the cache.

        A read-only memory map on disk where large or kept, else an array. The file lies below ``cache_dir`` where that
        is given, else in the system's folder for temporary ones. OSError: the disk is too full.
        """
        kept = self.load("features", key)
        if kept is not None:
            about, arrays = kept
            return arrays["rows"], Cost(**about["cost"])
        path = self._path("features", key)
        n_bytes = 2 * shape[0] * shape[1]
        if path is None and n_bytes <= IN_MEMORY:
            array = np.empty(shape, dtype=np.float16)
            fill(array)
            return array, Cost()
        folder = self.folder or Path(tempfile.gettempdir())
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if n_bytes > 0.9 * free:
            raise OSError(f"features of {n_bytes / 1e9:.1f} GB do not fit on {folder}: {free / 1e9:.1f} GB are free")
        if path is None:
            # The file is deleted when this returns; its data live as long as the memory map.
            with tempfile.NamedTemporaryFile(prefix="topfive-features-", suffix=PART, dir=folder) as file:
                fill(np.memmap(file, np.float16, "r+", shape=shape))
                # Read only: a private map of more than the memory may be refused.
                return np.memmap(file, np.float16, "r", shape=shape), Cost()
        begin = costs.now()
        with atomic(path) as kept_file:
            draft = Draft(kept_file, {"rows": (shape, np.float16, "C")})
            fill(draft.arrays["rows"])
            draft.finish({"cost": asdict(costs.now() - begin)})
            return draft.readable()["rows"], Cost()

    def _path(self, stage: str, key: Key | None) -> Path | None:
        if self.folder is None or key is None:
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        made_by = {"code": sources.source_digest(*CODE), "torch": torch.__version__, "numpy": np.__version__}
        text = json.dumps({**key, **made_by}, sort_keys=True, default=str)
        return self.folder / f"{stage}-{hashlib.sha256(text.encode()).hexdigest()[:24]}.arrays"
