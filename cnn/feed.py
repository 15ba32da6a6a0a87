"""The pixels of training: kept on the device, kept in memory, or decoded again in each epoch."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from topfive.common.machine import available_memory
from torch import Tensor

from .device import to_device
from .distributed import local_world_size

log = logging.getLogger("topfive.cnn")


class Feed:
    """Batches of images, all resized to one side, and their labels: (n, S, S, 3) uint8 and (n,) int64 on a device.

    Decoded once and kept, on the device or else in memory, where they take at most half of what is free there (the
    processes of a machine share its memory); otherwise decoded again in each epoch, ahead of use.
    """

    def __init__(self, images: Any, labels: NDArray[np.int64], side: int, device: torch.device) -> None:
        self.side, self.device = side, device
        self._images = images
        self.labels = torch.from_numpy(labels)
        self.pixels: Tensor | None = None
        needed = len(images) * side * side * 3
        if needed <= available_memory() // 2 // local_world_size():
            self.pixels = torch.empty((len(images), side, side, 3), dtype=torch.uint8)
            at = 0
            for batch in images.batches(256, side=side):
                self.pixels[at : at + len(batch)] = torch.from_numpy(batch)
                at += len(batch)
            self._move_to_gpu()
        else:
            log.info("%.1f GB of pixels do not fit into memory: decoded again each epoch", needed / 1e9)

    @classmethod
    def held(cls, pixels: Tensor, labels: Tensor, device: torch.device) -> Feed:
        """Of (n, S, S, 3) uint8 pixels and (n,) int64 labels that another process has decoded."""
        feed = cls.__new__(cls)
        feed.side, feed.device, feed.labels, feed._images = pixels.shape[1], device, labels, None
        feed.pixels = pixels
        feed._move_to_gpu()
        return feed

    def _move_to_gpu(self) -> None:
        """Move the pixels to the GPU if they fit into half of its free memory."""
        assert self.pixels is not None
        if self.device.type == "cuda" and self.pixels.nbytes <= torch.cuda.mem_get_info(self.device)[0] // 2:
            self.pixels, self.labels = self.pixels.to(self.device), self.labels.to(self.device)

    @property
    def resident(self) -> bool:
        """Whether the pixels are on the device that computes."""
        return self.pixels is not None and self.pixels.device.type == self.device.type

    def __len__(self) -> int:
        return len(self.labels)

    def sample(self, n: int, order: NDArray[np.int64]) -> Tensor:
        """At most ``n`` images spread evenly over ``order``: (n, S, S, 3) uint8 on the CPU."""
        some = order[np.unique(np.linspace(0, len(order) - 1, min(n, len(order))).astype(np.int64))]
        return torch.cat([pixels.cpu() for pixels, _ in self.batches(some, 256)])

    def batches(self, order: NDArray[np.int64], size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (pixels, labels) for ``order``, ``size`` at a time; the last batch may be smaller."""
        if self.pixels is None:
            at = 0
            for batch in self._images.batches(size, side=self.side, order=order):
                labels = self.labels[torch.from_numpy(order[at : at + len(batch)])]
                at += len(batch)
                yield to_device(torch.from_numpy(batch), self.device), to_device(labels, self.device)
            return
        for mine in torch.split(to_device(torch.from_numpy(order), self.labels.device), size):
            yield to_device(self.pixels[mine], self.device), to_device(self.labels[mine], self.device)
