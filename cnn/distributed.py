"""More than one process: ``torchrun`` starts them, each trains on its part of every batch, gradients are averaged.

Every batch is the same images in the same order with the same augmentation as in one process, cut into equal parts,
so that (dropout and rounding apart) many processes train the same network as one. Batch normalisation is the exception:
its statistics in training are those of each process's part. What is evaluated and kept is the first process's network.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

T = TypeVar("T")


def join(device: torch.device) -> tuple[int, int, torch.device]:
    """(rank, number of processes, this process's device). (0, 1, ``device``) outside ``torchrun``."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return 0, 1, device
    if not dist.is_initialized():
        meet(device)
    atexit.unregister(leave_at_exit)  # as a failure may have, see in_step
    atexit.register(leave_at_exit)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    return dist.get_rank(), dist.get_world_size(), device


def meet(device: torch.device, **how: Any) -> None:
    """Join the other processes; ``how`` goes to ``init_process_group``. Undone by :func:`leave`."""
    # DistributedDataParallel imports this, and when it is imported beside a process group, that is never freed
    importlib.import_module("torch._dynamo")
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", **how)


def leave() -> None:
    """Free the process group and end its threads: one that outlives the interpreter aborts the process (torch 2.13)."""
    if dist.is_initialized():
        gc.collect()
        dist.destroy_process_group()


def leave_at_exit() -> None:
    """:func:`leave`, but not after an uncaught exception: under NCCL processes leave together, and the others may be
    waiting for something else of this one."""
    if not hasattr(sys, "last_value"):
        leave()


@contextmanager
def in_step() -> Iterator[None]:
    """What all processes do together: one that fails here does not wait for the others when it ends, even where its
    error is caught."""
    try:
        yield
    except BaseException:
        atexit.unregister(leave_at_exit)
        raise


def share(network: nn.Module, device: torch.device, world: int) -> nn.Module:
    """The network with gradients averaged over the processes after each backward pass."""
    if world == 1:
        return network
    devices = [device.index] if device.type == "cuda" else None
    # Buffers are made alike once an epoch, by make_alike.
    return nn.parallel.DistributedDataParallel(network, device_ids=devices, broadcast_buffers=False)


def my_part(order: NDArray[np.int64], batch: int, rank: int, world: int) -> NDArray[np.int64]:
    """Of every ``batch`` images in ``order`` the ``rank``-th of ``world`` equal parts. Whole batches only."""
    return order.reshape(-1, world, batch // world)[:, rank].reshape(-1)


def from_first(what: T, world: int) -> T:
    """The first process's ``what``, any object that can be pickled, so that all of them decide alike."""
    if world == 1:
        return what
    box = [what]
    dist.broadcast_object_list(box, 0)
    return box[0]


def make_alike(network: nn.Module, world: int) -> None:
    """Give every process the first one's parameters and buffers."""
    if world > 1:
        for tensor in network.state_dict().values():
            dist.broadcast(tensor, 0)


def averaged(mine: Tensor, world: int) -> Tensor:
    """The mean of the processes' tensors; one process's is only handed back."""
    if world == 1:
        return mine
    total = mine.clone()
    dist.all_reduce(total)
    return total / world


def processes_here() -> int:
    """How many processes ``torchrun`` started on this machine; they share its memory."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def gathered(mine: NDArray[np.float32], world: int) -> NDArray[np.float32]:
    """The rows of all processes, in order of rank: each process scores a contiguous part, none twice, none left out."""
    if world == 1:
        return mine
    parts: list[Any] = [None] * world
    dist.all_gather_object(parts, mine)
    return np.concatenate(parts)
