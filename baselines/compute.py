"""How this package uses the machine: the CPU or a GPU, and the dtype of large matrix products."""

from __future__ import annotations

import torch


def on_cpu(device: str | torch.device) -> bool:
    """Whether the device is the CPU."""
    return torch.device(device).type == "cpu"


def product_dtype(device: str) -> torch.dtype:
    """bfloat16 where matrix products are faster in it (CUDA, AVX-512 BF16), else float32."""
    if torch.device(device).type == "cuda" or torch.cpu.get_capabilities().get("avx512_bf16", False):
        return torch.bfloat16
    return torch.float32
