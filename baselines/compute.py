"""How this package uses the machine: torch's threads, and the number format of big matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def threads(n_jobs: int | None) -> Iterator[None]:
    """Torch's threads inside the block: ``n_jobs``, or as they are where that is None or below 1."""
    before = torch.get_num_threads()
    if n_jobs is not None and n_jobs > 0:
        torch.set_num_threads(n_jobs)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def on_cpu(device: str | torch.device) -> bool:
    """Whether that is this machine's processor."""
    return torch.device(device).type == "cpu"


def product_dtype(device: str) -> torch.dtype:
    """bfloat16 where matrix products are quicker in it (CUDA, AVX-512 BF16), else float32."""
    if torch.device(device).type == "cuda" or torch.cpu.get_capabilities().get("avx512_bf16", False):
        return torch.bfloat16
    return torch.float32
