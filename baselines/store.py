"""Features in memory, or on disk where they are many; kept between runs where a cache folder is given."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

IN_MEMORY = 512 * 2**20  # bytes; features above this go to disk even without a cache folder
# The modules whose text decides what a stored stage holds.
CODE = (
    "bovw classifier codebooks color compute descriptors encoder fisher gist gmm grid hog kmeans "
    "lbp lcs llc pca pyramid sift supervector votes"
)

T = TypeVar("T")


@lru_cache(maxsize=1)
def code_version() -> str:
    """A hash of the source of every module that makes features."""
    digest = hashlib.sha256()
    for name in CODE.split():
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return digest.hexdigest()


def read(features: Any, start: int, stop: int) -> NDArray[Any]:
    """A copy of the rows ``start`` to ``stop`` of an array or a memory map, whose pages are released."""
    rows = features[start:stop]
    copied = np.array(rows)
    release(rows)
    return copied


def release(rows: Any) -> None:
    """Let the kernel have the pages of these rows of a memory map, which it then keeps as it likes; arrays stay as is.

    So a pass over features on disk does not count as this process's memory.
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


class Store:
    """Stages under ``cache_dir``, each keyed by everything it depends on; nothing is kept where that is None."""

    def __init__(self, cache_dir: str | None) -> None:
        self.folder = Path(cache_dir) if cache_dir else None

    def kept(
        self, stage: str, keys: Sequence[dict[str, Any] | None], make: Callable[[list[int]], Iterable[T]]
    ) -> list[T]:
        """What belongs to each key, pickled under ``stage``; a key None is not kept.

        ``make`` is called at most once, with the places of the keys that are missing, and gives what belongs to them in
        that order; each is kept as soon as it is there.
        """
        paths = [self._path(stage, key, ".pickle") for key in keys]
        found: dict[int, T] = {}
        for i, path in enumerate(paths):
            if path is not None and path.exists():
                found[i] = pickle.loads(path.read_bytes())
        missing = [i for i in range(len(keys)) if i not in found]
        for i, made in zip(missing, make(missing) if missing else (), strict=True):
            found[i] = made
            if (path := paths[i]) is not None:
                self._write(path, pickle.dumps(made))
        return [found[i] for i in range(len(keys))]

    def features(self, key: dict[str, Any] | None, shape: tuple[int, int], fill: Callable[[Any], None]) -> Any:
        """(n, dim) float16 that ``fill`` writes into: a memory map on disk where large or kept, else an array.

        The file lies below ``cache_dir`` where that is given, else in the system's folder for temporary ones.
        """
        path = self._path("features", key, ".npy")
        if path is not None and path.exists():
            return np.load(path, mmap_mode="r")
        n_bytes = 2 * shape[0] * shape[1]
        if path is None and n_bytes <= IN_MEMORY:
            array = np.empty(shape, dtype=np.float16)
            fill(array)
            return array
        folder = self.folder or Path(tempfile.gettempdir())
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if n_bytes > 0.9 * free:
            raise OSError(f"features of {n_bytes / 1e9:.1f} GB do not fit on {folder}: {free / 1e9:.1f} GB are free")
        target = self._temporary(folder / "topfive-features.npy" if path is None else path)
        try:
            array = np.lib.format.open_memmap(target, mode="w+", dtype=np.float16, shape=shape)
            fill(array)
            array.flush()
            del array
            if path is not None:
                target.replace(path)
            # Read only: a private map of more than the memory may be refused.
            return np.load(target if path is None else path, mmap_mode="r")
        finally:
            target.unlink(missing_ok=True)  # an unnamed file lives as long as its map does

    def _path(self, stage: str, key: dict[str, Any] | None, suffix: str) -> Path | None:
        if self.folder is None or key is None:
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**key, "code": code_version()}, sort_keys=True, default=str)
        return self.folder / f"{stage}-{hashlib.sha256(text.encode()).hexdigest()[:24]}{suffix}"

    def _write(self, path: Path, content: bytes) -> None:
        temporary = self._temporary(path)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    @staticmethod
    def _temporary(path: Path) -> Path:
        handle, name = tempfile.mkstemp(prefix=path.stem + ".", suffix=".part", dir=path.parent)
        os.close(handle)
        return Path(name)
