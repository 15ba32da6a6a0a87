"""How this package uses the machine: the CPU or a GPU, and the dtype of large matrix products."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from topfive.common.machine import torch_threads

T = TypeVar("T")


def on_cpu(device: str | torch.device) -> bool:
    """Whether the device is the CPU."""
    return torch.device(device).type == "cpu"


def product_dtype(device: str) -> torch.dtype:
    """bfloat16 where matrix products are faster in it (CUDA, AVX-512 BF16), else float32."""
    if torch.device(device).type == "cuda" or torch.cpu.get_capabilities().get("avx512_bf16", False):
        return torch.bfloat16
    return torch.float32


def threads(n: int, name: str) -> ThreadPoolExecutor:
    """A pool whose threads compute with as many threads as torch was told to. A new thread's products would else run
    with one for each core until its first other operation, and round their sums differently."""
    return ThreadPoolExecutor(n, thread_name_prefix=name, initializer=torch.get_num_threads)


def on_all_cores(work: Callable[[torch.Tensor], T], parts: Sequence[torch.Tensor]) -> list[T]:
    """``work`` of each part, in their order. On a CPU by a thread a core, each with operations of one thread, so that
    results do not depend on the number of cores. Results below 1e-38 are 0: see ``no_denormals``."""

    def quickly(part: torch.Tensor) -> T:
        with no_denormals():
            return work(part)

    workers = min(torch.get_num_threads(), len(parts))
    if workers < 2 or not on_cpu(parts[0].device):
        return [quickly(part) for part in parts]
    with torch_threads(1), threads(workers, "cores") as pool:
        return list(pool.map(quickly, parts))


@contextmanager
def no_denormals() -> Iterator[None]:
    """On the CPU, results below 1e-38 are 0 in this thread. Posteriors are full of them, and each costs as much as a
    hundred others."""
    tiny = torch.full((), 1e-20)
    as_they_were = bool(tiny * tiny != 0)
    if as_they_were:
        torch.set_flush_denormal(True)
    try:
        yield
    finally:
        if as_they_were:
            torch.set_flush_denormal(False)
