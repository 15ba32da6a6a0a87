"""What depends on the hardware: device, precision, compilation, running out of memory, memory and energy used."""

from __future__ import annotations

import importlib
import logging
import resource
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import torch
from torch import nn

log = logging.getLogger("topfive.cnn")
T = TypeVar("T")


def device_names(device: str) -> list[str]:
    """``"cuda:0,cuda:1"`` or ``"cuda:0,1"`` → the devices one by one. ValueError for two kinds, or one GPU twice."""
    kind = device.partition(":")[0]
    each = [part if ":" in part or not part.isdigit() else f"{kind}:{part}" for part in device.split(",")]
    if len({name.partition(":")[0] for name in each}) > 1 or (kind == "cuda" and len(set(each)) < len(each)):
        raise ValueError(f"device {device!r}: several must be of one kind, and no GPU twice")
    return each


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

    ``"bf16"`` and ``"f32"`` force one; anything else raises ValueError.
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
        _say_slower(device.type)
    return torch.bfloat16 if native else torch.float32


@cache  # once a process: predictions ask as well
def _say_slower(device: str) -> None:
    log.info("%s does not compute in bfloat16: computes in float32, which is slower", device)


class Compiled(nn.Module):
    """``torch.compile`` of a network; where compiling fails it warns once and runs the network itself from then on.

    several_sides: it will see images of more than one size, for which it is compiled only once. Inductor keeps what it
    has compiled on the disk, for the next run.
    """

    def __init__(self, network: nn.Module, several_sides: bool = False) -> None:
        super().__init__()
        self.several_sides = several_sides
        config: Any = importlib.import_module("torch._functorch.config")
        # Otherwise the backward pass is compiled when it first runs, where this class cannot catch an error.
        with suppress(AttributeError):  # older versions lack it
            config.force_non_lazy_backward_lowering = True
        self.network = network
        self.fast: Callable[[torch.Tensor], torch.Tensor] | None = torch.compile(network)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.fast is not None:
            try:
                if self.several_sides:
                    torch._dynamo.maybe_mark_dynamic(x, [2, 3])
                return self.fast(x)
            except Exception as error:  # compilers fail in many ways; the network's own errors are raised again below
                if out_of_memory(error):
                    raise
                log.warning(
                    "torch.compile does not work here (%s: %s): goes on without, slower",
                    type(error).__name__, first_line(error),
                )  # fmt: skip
                self.fast = None
        result: torch.Tensor = self.network(x)
        return result


def compiled(network: nn.Module, device: torch.device, several_sides: bool = False) -> nn.Module:
    """:class:`Compiled` on a GPU; the network itself on a CPU, where compiling gained 3 % (docs/cnn.md)."""
    return Compiled(network, several_sides) if device.type == "cuda" else network


def first_line(error: BaseException) -> str:
    """Of what it says."""
    return (str(error).splitlines() or [""])[0]


def out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` is a GPU's or the CPU allocator's for memory that has run out."""
    said = ("can't allocate memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(words in str(error) for words in said)


def within_memory(compute: Callable[[int], T], at_once: int) -> tuple[T, int]:
    """(``compute(n)``, n): n is ``at_once`` images at a time, halved until memory suffices."""
    while True:
        try:
            return compute(at_once), at_once
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error) or at_once < 2:
                raise
        at_once = -(-at_once // 2)
        log.warning("out of memory: goes on with %d images at a time", at_once)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """``tensor`` on ``device``; to a GPU it is an asynchronous copy through pinned memory."""
    if device.type != "cuda" or tensor.device.type == "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def peak_bytes(device: torch.device) -> int:
    """Most memory held so far: of the GPU, or of this process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def energy_joules(device: torch.device) -> float | None:
    """The GPU's energy counter (NVML); None on a CPU, without the library pynvml, or where the GPU has none."""
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
