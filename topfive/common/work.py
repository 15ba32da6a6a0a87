"""Arithmetic against the machine: operations and bytes of a computation in torch, and the peaks of a device.

The *roofline* (Williams, Waterman and Patterson 2009): a computation of F operations that moves B bytes takes at least
max(F / peak operations a second, B / peak bytes a second). Imports torch where it is needed, as the harness must not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SIDE = {"cpu": 2048, "cuda": 8192}  # of the square matrix product that finds the peak of operations
COPIED = {"cpu": 2**27, "cuda": 2**30}  # bytes of the copy that finds the peak of bytes
TIMES = 4  # the best counts


@dataclass(frozen=True)
class Work:
    """Of one image. ``fixed_bytes`` are those that a batch moves once, whatever its size: weights, mostly."""

    flops: float
    bytes: float
    fixed_bytes: float

    def bytes_in(self, batch: int) -> float:
        """An image's bytes in a batch of so many."""
        return self.bytes + self.fixed_bytes / batch


def count(call: Callable[[], Any]) -> tuple[float, float]:
    """(operations, bytes) of what torch does in ``call``, in this thread.

    Operations are those of matrix products and convolutions, a multiply-add is two. Bytes are what each operation reads
    and writes, as if it were alone: what a cache keeps from one to the next, or a compiler fuses, moves less.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves
    from torch.utils.flop_counter import FlopCounterMode

    class Bytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
        total = 0.0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            if not func.is_view and "empty" not in func.__name__:
                tensors = [t for t in tree_leaves((args, kwargs, out)) if isinstance(t, torch.Tensor)]
                # What is broadcast is read once.
                self.total += sum(min(t.numel() * t.element_size(), t.untyped_storage().nbytes()) for t in tensors)
            return out

    moved: Any = Bytes()  # type: ignore[no-untyped-call]

    def product(_: Any, a: Any, b: Any, *more: Any, **named: Any) -> int:
        return int(2 * math.prod(a) * b[-1])

    in_place = dict.fromkeys((torch.ops.aten.addmm_, torch.ops.aten.baddbmm_), product)  # which torch does not know
    with moved, FlopCounterMode(display=False, custom_mapping=in_place) as operations:
        call()
    return float(operations.get_total_flops()), float(moved.total)


def work_of(call: Callable[[int], Any], few: int = 2) -> Work:
    """Of one image, from ``call(n)``, which computes n in one batch: a line through ``few`` and twice as many."""
    (flops, less), (more_flops, more) = count(lambda: call(few)), count(lambda: call(2 * few))
    each = (more - less) / few
    return Work((more_flops - flops) / few, each, max(less - few * each, 0.0))


def peaks(device: Any, dtype: Any, threads: int | None = None) -> tuple[float, float]:
    """(operations, bytes) a second of this device: of a large matrix product in ``dtype``, and of a large copy.

    Measured now, so on a busy machine they are what is left of it.
    """
    import torch

    from .machine import torch_threads

    device = torch.device(device)

    def best(call: Callable[[], Any]) -> float:
        took = math.inf
        for _ in range(TIMES):
            wait(device)
            started = time.perf_counter()
            call()
            wait(device)
            took = min(took, time.perf_counter() - started)
        return took

    with torch_threads(threads), torch.inference_mode():
        n = SIDE[device.type]
        a = torch.rand((n, n), device=device).to(dtype)
        source = torch.zeros(COPIED[device.type] // 4, device=device)
        into = torch.empty_like(source)
        return 2 * n**3 / best(lambda: torch.mm(a, a)), 2 * COPIED[device.type] / best(lambda: into.copy_(source))


def wait(device: Any) -> None:
    """Until a GPU has done what it was told."""
    import torch

    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
