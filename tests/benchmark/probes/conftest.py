"""Pictures, and a sequence of images with the lazy ``map`` that probes use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from skimage.data import astronaut
from skimage.transform import resize

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


class Sequence:
    """Images in memory, changed when they are asked for."""

    def __init__(self, images: list[Pixels], changes: tuple[Callable[..., Pixels], ...] = ()) -> None:
        self.images, self.changes = images, changes

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> Pixels:
        image = self.images[i]
        for change in self.changes:
            image = change(image, i) if getattr(change, "takes_index", False) else change(image)
        return image

    def __iter__(self) -> Iterator[Pixels]:
        return (self[i] for i in range(len(self)))

    def map(self, change: Callable[..., Pixels]) -> Sequence:
        return Sequence(self.images, (*self.changes, change))


@pytest.fixture(scope="session")
def picture64() -> Pixels:
    """A face, (64, 64, 3)."""
    small = resize(astronaut()[0:256, 90:346], (64, 64), anti_aliasing=True)
    return np.rint(small * 255).astype(np.uint8)


@pytest.fixture(scope="session")
def picture224() -> Pixels:
    """A face, (224, 224, 3)."""
    return np.ascontiguousarray(astronaut()[20:244, 100:324])


@pytest.fixture
def sequence(picture64: Pixels) -> Sequence:
    """Four images of 64 px: the face and its mirror images."""
    faces = [picture64, picture64[:, ::-1], picture64[::-1], picture64[::-1, ::-1]]
    return Sequence([np.ascontiguousarray(face) for face in faces])
