"""The contract of a contender.

A contender is scikit-learn's classifier over images: constructor arguments are only stored, ``fit`` learns from
training images and labels, ``decision_function`` answers one score per class. Nothing is subclassed; scikit-learn
pipelines qualify as they are. Validation labels never reach a contender.

What the harness looks up by name, where it is there:

======================  ==========================================================================================
constructor argument    ``device`` ("cpu", "cuda", "cuda:1"), ``random_state`` (int), ``n_jobs`` (int): filled from
                        the command line unless the user set them
                        ``cache_dir`` (str): a folder kept between runs and shared between cells, for stages worth
                        keeping (features, codebooks, checkpoints). Key what is written there by ``images.fingerprint``
                        and every parameter it depends on, and write atomically (temporary file, then rename)
class attribute         ``family``: "hand-engineered", "deep", "learned, shallow", "floor"; anything else is "other"
                        ``quick_params`` (dict): parameters with which ``topfive check`` fits in seconds, on a few dozen
                        small images, a contender that takes minutes otherwise (fewer epochs, a smaller codebook)
fitted attribute        ``timings_`` (stage → seconds), ``n_parameters_`` (int), ``history_`` (list of dicts, one an
                        epoch), ``flops_per_image_`` (float, a forward pass)
method                  ``skip(images, n_classes)``: why this contender cannot take that data set, or None
logger                  anything logged below the logger ``topfive`` at INFO is shown as the cell's progress
======================  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, Self, overload, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class Images(Protocol):
    """A lazy, immutable sequence of images; also a valid map-style data set for torch."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int, /) -> Pixels:
        """Image ``i`` as it is: (H, W, 3) uint8 RGB."""
        ...

    @property
    def fingerprint(self) -> str | None:
        """Changes whenever an image, its place or the number of images does; None where that is not known."""
        ...

    @property
    def typical_size(self) -> tuple[int, int]:
        """(H, W) in pixels: medians over a few images spread evenly; exact where all are alike."""
        ...

    def take(self, chosen: NDArray[np.integer[Any]], fingerprint: str | None = None, /) -> Images:
        """The images at ``chosen``, in that order, as a sequence of its own; pickled, it carries what those need."""
        ...

    def map(self, change: Callable[..., Pixels], /) -> Images:
        """The same images, each changed when it is asked for, at its full resolution, before any resize.

        ``change((H, W, 3) uint8 RGB) -> (H', W', 3) uint8 RGB``; where it has a true attribute ``takes_index`` it is
        called as ``change(image, i)`` with the image's position in this sequence. The fingerprint is None.
        """
        ...

    @overload
    def batches(
        self, size: int, *, side: int, order: Sequence[int] | NDArray[np.integer[Any]] | None = None
    ) -> Iterator[Pixels]: ...
    @overload
    def batches(
        self,
        size: int,
        *,
        max_pixels: int | None = None,
        order: Sequence[int] | NDArray[np.integer[Any]] | None = None,
    ) -> Iterator[list[Pixels]]: ...
    def batches(
        self,
        size: int,
        *,
        side: int | None = None,
        max_pixels: int | None = None,
        order: Sequence[int] | NDArray[np.integer[Any]] | None = None,
    ) -> Iterator[Any]:
        """Yield ``size`` images at a time (the last batch may be smaller), decoded in parallel and ahead of use.

        ``side``: short side resized to ``side``, centre crop; batches are (n, side, side, 3) uint8 RGB.
        Without it: lists of (H, W, 3) uint8 RGB, shrunk to at most ``max_pixels`` pixels each, never enlarged.
        ``order``: indices to visit, in that order (all in sequence by default); a subset is fine.
        """
        ...


@runtime_checkable
class Method(Protocol):
    """A contender. ``classes_`` are the labels in the order of the columns of ``decision_function``."""

    classes_: NDArray[np.int64]

    def fit(self, images: Images, labels: NDArray[np.int64]) -> Self:
        """Learn from n training images and their (n,) int64 labels."""
        ...

    def decision_function(self, images: Images) -> NDArray[np.floating[Any]]:
        """(n, n_classes) scores, higher is better; finite."""
        ...
