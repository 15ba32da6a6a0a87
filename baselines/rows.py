"""Rows of features as a linear classifier reads them: batches on its device, a bounded number of bytes at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from .compute import on_cpu, threads
from .stages import read

CHUNK_BYTES = 2**25  # of float16 rows that are read at once; as float32 they have twice as many
RESIDENT = 0.5  # of a GPU's free memory may be taken by rows that stay there


Change = Callable[[torch.Tensor], torch.Tensor]


class Rows:
    """(n, D) float16 or float32 features, an array or a memory map, read from ``device``.

    On a GPU all rows are copied there once where they fit into half of its free memory; else, and on a CPU, they are
    read each time, one batch ahead of use.
    """

    def __init__(self, features: Any, device: str, *, keep: bool = True) -> None:
        """``keep``: whether rows are read several times."""
        self.features, self.device = features, device
        self.resident: torch.Tensor | None = None
        if keep and not on_cpu(device) and features.nbytes <= RESIDENT * torch.cuda.mem_get_info(device)[0]:
            self.resident = torch.cat([rows for rows, _ in self.chunks(0, len(features))]) if len(features) else None

    def batches(self, wanted: Sequence[slice], change: Change) -> Iterator[tuple[torch.Tensor, slice]]:
        """``change`` of these rows, on the device; not in place, as they may be read again."""
        if self.resident is not None:
            for where in wanted:
                yield change(self.resident[where]), where
            return

        def made(where: slice) -> torch.Tensor:
            rows = torch.from_numpy(read(self.features, where.start, where.stop))
            if not on_cpu(self.device):
                rows = rows.pin_memory().to(self.device, non_blocking=True)
            return change(rows)

        with threads(1, "rows") as reader:
            ahead = [reader.submit(made, where) for where in wanted[:1]]
            for i, where in enumerate(wanted):
                rows = ahead.pop().result()
                if i + 1 < len(wanted):
                    ahead.append(reader.submit(made, wanted[i + 1]))
                yield rows, where
                del rows

    def mean(self, most: int) -> torch.Tensor:
        """(D,) float32 of the first rows, ``most`` at most."""
        n = min(most, len(self.features))
        total = torch.zeros(self.features.shape[1], dtype=torch.float64, device=self.device)
        for rows, _ in self.chunks(0, n):
            total += rows.sum(0, dtype=torch.float32)
        return (total / n).float()

    def chunks(self, start: int, stop: int) -> Iterator[tuple[torch.Tensor, slice]]:
        """All rows from ``start`` to ``stop`` in their own dtype, a bounded number of bytes at a time; and where."""
        row_bytes = max(1, self.features.dtype.itemsize * self.features.shape[1])
        size = max(1, CHUNK_BYTES // row_bytes)
        wanted = [slice(a, min(a + size, stop)) for a in range(start, stop, size)]
        yield from self.batches(wanted, lambda rows: rows)
