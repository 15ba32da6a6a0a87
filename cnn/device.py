"""What to compute on, in what precision, and what it cost: the questions that depend on the hardware."""

from __future__ import annotations

import logging
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

log = logging.getLogger("topfive.cnn")


def names(device: str) -> list[str]:
    """``"cuda:0,cuda:1"`` or ``"cuda:0,1"`` → the devices one by one."""
    kind = device.partition(":")[0]
    return [part if ":" in part or not part.isdigit() else f"{kind}:{part}" for part in device.split(",")]


def choose(device: str) -> torch.device:
    """``"auto"``: a GPU when there is one. Raises ValueError where a GPU is asked for and there is none."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device {device!r} is not known; try 'auto', 'cpu' or 'cuda'") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {device!r} was asked for, but this machine has no usable GPU; try device=cpu")
    if chosen.type == "cuda" and chosen.index is not None and chosen.index >= torch.cuda.device_count():
        raise ValueError(f"device {device!r} was asked for, but there are only {torch.cuda.device_count()} GPUs")
    return chosen


def precision(device: torch.device, wanted: str = "auto") -> torch.dtype:
    """``"auto"``: bfloat16 where the device computes in it natively, else float32 (emulation is slower than that).

    ``"bf16"`` and ``"f32"`` are taken at their word; anything else raises ValueError.
    """
    if wanted != "auto":
        if wanted not in ("bf16", "f32"):
            raise ValueError(f"precision must be 'auto', 'bf16' or 'f32', not {wanted!r}")
        return torch.bfloat16 if wanted == "bf16" else torch.float32
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        can = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        native = bool(can.get("avx512_bf16") or can.get("amx_bf16") or can.get("bf16"))
    if not native:
        log.info("%s does not compute in bfloat16: trains in float32, which is slower", device)
    return torch.bfloat16 if native else torch.float32


def compiled(network: nn.Module, device: torch.device) -> nn.Module:
    """``torch.compile`` on a GPU, where it pays; the network as it is on a CPU, where it gained 3 % (docs/cnn.md)."""
    if device.type != "cuda":
        return network
    try:
        torch.compile(lambda x: x + 1)(torch.zeros(8, device=device))
    # torch's own errors, Triton's absence among them, are RuntimeErrors; the others come from building Triton's driver,
    # where a compiler or Python's headers are missing.
    except (RuntimeError, ImportError, OSError, subprocess.SubprocessError) as error:
        log.info("torch.compile does not work here (%s): trains without it, which is slower", type(error).__name__)
        return network
    # Each of the few sizes of ``first_side`` has its own kernels, which are faster than those for any size.
    faster = torch.compile(network, dynamic=False)
    assert isinstance(faster, nn.Module)  # of a module it makes a module, which its signature does not say
    return faster


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """``tensor`` on ``device``; nobody waits for a GPU to have it."""
    if device.type != "cuda" or tensor.device.type == "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


@contextmanager
def threads(n: int | None) -> Iterator[None]:
    """Compute with ``n`` threads inside (all cores where None or -1), with as many as before afterwards."""
    before = torch.get_num_threads()
    if n is not None and n > 0:
        torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def peak_bytes(device: torch.device) -> int:
    """Most memory held so far: of the GPU, or of this process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def energy_joules(device: torch.device) -> float | None:
    """The GPU's energy counter (NVML); None where the device or the library pynvml is not there to say."""
    if device.type != "cuda":
        return None
    try:
        import pynvml

        pynvml.nvmlInit()
        uuid = torch.cuda.get_device_properties(device).uuid  # an index would not heed CUDA_VISIBLE_DEVICES
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000
    except ImportError:
        return None
    except pynvml.NVMLError as error:
        log.info("the GPU does not report its energy (%s)", error)
        return None
