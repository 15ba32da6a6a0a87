"""Images as a lazy sequence: decoded in parallel, resized in one documented way, prefetched in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import EllipsisType
from typing import Any, overload

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Change = Callable[..., Pixels]  # see LazyImages.map
Chosen = slice | Sequence[int] | NDArray[np.integer[Any]] | NDArray[np.bool_]


def resize(image: Pixels, height: int, width: int, out: Pixels | None = None) -> Pixels:
    """The one resize of all images: (height, width, 3) uint8; into ``out`` where given, of that shape and contiguous.

    Larger: bicubic. Smaller: halved by averaging 2 × 2 pixels while that leaves at least the size asked for (a last odd
    row or column is dropped), then bilinear, so that no step skips a pixel. Area averaging by any factor would take
    five times as long, more than decoding does.
    """
    h, w = image.shape[:2]
    method = cv2.INTER_CUBIC if height > h or width > w else cv2.INTER_LINEAR
    while h >= 2 * height and w >= 2 * width:
        h, w = h // 2, w // 2
        image = np.asarray(cv2.resize(image[: 2 * h, : 2 * w], (w, h), interpolation=cv2.INTER_AREA), np.uint8)
    if (h, w) != (height, width):
        image = np.asarray(cv2.resize(image, (width, height), dst=out, interpolation=method), np.uint8)
    if out is None or image is out:
        return image
    out[...] = image
    return out


def fit_side(image: Pixels, side: int, out: Pixels | None = None) -> Pixels:
    """Short side resized to ``side``, then the centre crop: (side, side, 3) uint8. Only what is kept is resized.

    ``out``: as in ``resize``.
    """
    short = min(image.shape[:2])
    (top, bottom), (left, right) = (_kept(length, short, side) for length in image.shape[:2])
    return resize(
        image[top:bottom, left:right], side, side, np.empty((side, side, 3), np.uint8) if out is None else out
    )


def _kept(length: int, short: int, side: int) -> tuple[int, int]:
    """From where to where, in pixels of the image, the centre crop reaches along a side of ``length`` pixels."""
    resized = max(side, round(length * side / short))
    start = (resized - side) // 2
    first = min(round(start * length / resized), length - 1)
    return first, max(first + 1, round((start + side) * length / resized))


def fit_pixels(image: Pixels, max_pixels: int | None) -> Pixels:
    """Shrunk to at most ``max_pixels`` pixels, the aspect ratio kept; never enlarged."""
    height, width = image.shape[:2]
    if max_pixels is None or height * width <= max_pixels:
        return image
    scale = (max_pixels / (height * width)) ** 0.5
    return resize(image, max(1, int(height * scale)), max(1, int(width * scale)))


class LazyImages:
    """``contenders.contract.Images`` over any ``load(i) -> (H, W, 3) uint8 RGB`` that is safe to call from threads.

    ``load_small(i, side, max_pixels)``, where given, may answer a smaller image than ``load`` does, as long as its
    short side is not below ``side`` or its area not below ``max_pixels``; ``batches`` uses it. A loader that has a
    ``take(chosen)`` is asked for one of those images alone, so that a part that is sent away carries no more than that.
    """

    def __init__(
        self,
        load: Callable[[int], Pixels],
        n: int,
        *,
        n_jobs: int = 2,
        fingerprint: str | None = None,
        load_small: Callable[[int, int | None, int | None], Pixels] | None = None,
    ) -> None:
        self.fingerprint = fingerprint
        self._load = load
        self._load_small = load_small
        self._n = n
        self._n_jobs = n_jobs
        self._typical: tuple[int, int] | None = None

    @classmethod
    def from_array(cls, pixels: Pixels, *, n_jobs: int = 2, fingerprint: str | None = None) -> LazyImages:
        """Images held in memory: (n, H, W, 3) uint8 RGB."""
        return cls(_Array(pixels), len(pixels), n_jobs=n_jobs, fingerprint=fingerprint)

    def take(self, chosen: NDArray[np.integer[Any]], fingerprint: str | None = None) -> LazyImages:
        """The images at ``chosen``, in that order, as a sequence of its own."""
        load = _part(self._load, chosen)
        same = id(self._load_small) == id(self._load)
        small = load if same else _part(self._load_small, chosen)
        return LazyImages(load, len(chosen), n_jobs=self._n_jobs, fingerprint=fingerprint, load_small=small)

    def map(self, change: Change) -> LazyImages:
        """The same images, each changed when it is asked for, at its full resolution, before any resize.

        ``change((H, W, 3) uint8 RGB) -> (H', W', 3) uint8 RGB``, safe to call from threads. Where it has a true
        attribute ``takes_index`` it is called as ``change(image, i)``, with the image's position in this sequence,
        which stays its own whatever is taken later. The fingerprint is None. Pickles where ``change`` does.
        """
        return LazyImages(_Changed(self._load, change), self._n, n_jobs=self._n_jobs)

    def __len__(self) -> int:
        return self._n

    @property
    def shape(self) -> tuple[int]:
        """(n,): scikit-learn takes the images for an array of n things, so that cross-validation leaves them lazy."""
        return (self._n,)

    @overload
    def __getitem__(self, i: int | np.integer[Any]) -> Pixels: ...
    @overload
    def __getitem__(self, i: Chosen | tuple[Chosen, EllipsisType]) -> LazyImages: ...
    def __getitem__(self, i: Any) -> Pixels | LazyImages:
        """Image ``i``; or as of a NumPy array, lazily, those of a slice, of several indices, or of a mask."""
        if isinstance(i, int | np.integer):
            if not -self._n <= i < self._n:
                raise IndexError(f"image {i} of {self._n}")
            return self._load(int(i) % self._n)
        return self.take(np.arange(self._n)[i[0] if isinstance(i, tuple) else i])

    @property
    def typical_size(self) -> tuple[int, int]:
        """(H, W) in pixels: medians over at most 32 images spread evenly over the sequence."""
        if self._typical is None:
            some = np.unique(np.linspace(0, self._n - 1, min(32, self._n)).astype(int))
            shapes = np.array([self._load(int(i)).shape[:2] for i in some])
            height, width = np.median(shapes, axis=0)
            self._typical = int(height), int(width)
        return self._typical

    def batches(
        self,
        size: int,
        *,
        side: int | None = None,
        max_pixels: int | None = None,
        order: Sequence[int] | NDArray[np.integer[Any]] | None = None,
    ) -> Iterator[Any]:
        """See ``benchmark.contenders.contract.Images.batches``. At most ``n_jobs + 1`` batches exist at a time."""
        indices = np.arange(self._n) if order is None else np.asarray(order, dtype=np.int64)
        if size < 1:
            raise ValueError(f"batches of {size} images: give at least 1")
        if len(indices) and not (-self._n <= indices.min() and indices.max() < self._n):
            raise IndexError(f"order goes from {indices.min()} to {indices.max()}; there are {self._n} images")

        def make(chunk: NDArray[np.int64]) -> Any:
            if side is None:
                return [fit_pixels(self._sized(i, None, max_pixels), max_pixels) for i in chunk]
            batch = np.empty((len(chunk), side, side, 3), np.uint8)
            for row, i in enumerate(chunk):
                fit_side(self._sized(i, side, None), side, batch[row])
            return batch

        pool = ThreadPoolExecutor(self._n_jobs, thread_name_prefix="decode")
        pending: deque[Future[Any]] = deque()
        try:
            for start in range(0, len(indices), size):
                pending.append(pool.submit(make, indices[start : start + size]))
                if len(pending) > self._n_jobs:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            # A caller that stops early must not wait for batches that nobody will see.
            pool.shutdown(wait=True, cancel_futures=True)

    def _sized(self, i: np.int64, side: int | None, max_pixels: int | None) -> Pixels:
        if self._load_small is None or (side is None and max_pixels is None):
            return self[int(i)]
        return self._load_small(int(i) % self._n, side, max_pixels)


class _Array:
    """A loader of images in memory."""

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels

    def __call__(self, i: int) -> Pixels:
        image: Pixels = self.pixels[i]
        return image

    def take(self, chosen: NDArray[np.integer[Any]]) -> _Array:
        return _Array(self.pixels[chosen])


class _Changed:
    """A loader whose images are changed; ``positions``: the place of each where the change was asked for."""

    def __init__(self, load: Any, change: Change, positions: NDArray[np.integer[Any]] | None = None) -> None:
        self.load = load
        self.change = change
        self.positions = positions

    def __call__(self, i: int) -> Pixels:
        image = self.load(i)
        if getattr(self.change, "takes_index", False):
            image = self.change(image, i if self.positions is None else int(self.positions[i]))
        else:
            image = self.change(image)
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
            raise ValueError(f"{self.change!r} gave {got}, not (H, W, 3) uint8")
        return image

    def take(self, chosen: NDArray[np.integer[Any]]) -> _Changed:
        positions = np.asarray(chosen) if self.positions is None else self.positions[chosen]
        return _Changed(_part(self.load, chosen), self.change, positions)


class _Taken:
    """Some of the images of a loader that cannot be asked for a part of itself."""

    def __init__(self, load: Any, chosen: NDArray[np.integer[Any]]) -> None:
        self.load = load
        self.chosen = chosen

    def __call__(self, i: int, *size: int | None) -> Pixels:
        image: Pixels = self.load(int(self.chosen[i]), *size)
        return image


def _part(load: Any, chosen: NDArray[np.integer[Any]]) -> Any:
    if load is None or hasattr(load, "take"):
        return load and load.take(chosen)
    return _Taken(load, chosen)
