"""Data-parallel training: ``torchrun`` or ``spawn.py`` starts the processes, each trains on its shard of every batch.

Gradients are averaged (``DistributedDataParallel``). Every batch holds the same images in the same order with the same
augmentation as in a single process, cut into equal shards, so that, dropout and rounding apart, many processes train
the same network as one. Batch normalisation is the exception: in training its statistics are those of each process's
shard. Rank 0's network is the one that is evaluated and kept.
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


def join_torchrun(device: torch.device) -> tuple[int, int, torch.device]:
    """(rank, world size, this process's device) under ``torchrun``; (0, 1, ``device``) without it."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return 0, 1, device
    if not dist.is_initialized():
        init_process_group(device)
    atexit.unregister(destroy_at_exit)  # registered already, or dropped after a failure: see collective
    atexit.register(destroy_at_exit)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    return dist.get_rank(), dist.get_world_size(), device


def init_process_group(device: torch.device, **options: Any) -> None:
    """``torch.distributed.init_process_group`` with the device's backend, NCCL or Gloo; ``options`` go to it."""
    # DistributedDataParallel imports torch._dynamo. Imported while a process group exists it keeps a reference to that
    # group, which then is never freed.
    importlib.import_module("torch._dynamo")
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", **options)


def destroy_process_group() -> None:
    """Free the process group and end its threads: one that outlives the interpreter aborts the process (torch 2.13)."""
    if dist.is_initialized():
        gc.collect()
        dist.destroy_process_group()


def destroy_at_exit() -> None:
    """:func:`destroy_process_group`, except after an uncaught exception: under NCCL it waits for all processes, and the
    others may be waiting in another collective operation for this one."""
    if not hasattr(sys, "last_value"):
        destroy_process_group()


@contextmanager
def collective() -> Iterator[None]:
    """Marks code that all processes run together. After an exception in it, even one that is caught, the process does
    not wait for the others when it exits."""
    try:
        yield
    except BaseException:
        atexit.unregister(destroy_at_exit)
        raise


def data_parallel(network: nn.Module, device: torch.device, world: int) -> nn.Module:
    """The network, with gradients averaged over the processes in each backward pass."""
    if world == 1:
        return network
    devices = [device.index] if device.type == "cuda" else None
    # Buffers are synchronised once an epoch, by broadcast_module.
    return nn.parallel.DistributedDataParallel(network, device_ids=devices, broadcast_buffers=False)


def shard(order: NDArray[np.int64], batch: int, rank: int, world: int) -> NDArray[np.int64]:
    """This rank's images: of every ``batch`` in ``order``, whole batches only, the ``rank``-th part."""
    return order.reshape(-1, world, batch // world)[:, rank].reshape(-1)


def broadcast_object(what: T, world: int) -> T:
    """Rank 0's ``what``, any object that can be pickled."""
    if world == 1:
        return what
    box = [what]
    dist.broadcast_object_list(box, 0)
    return box[0]


def broadcast_module(network: nn.Module, world: int) -> None:
    """Give every process rank 0's parameters and buffers."""
    if world > 1:
        for tensor in network.state_dict().values():
            dist.broadcast(tensor, 0)


def all_reduce_mean(mine: Tensor, world: int) -> Tensor:
    """The mean of the processes' tensors; with one process, that tensor itself."""
    if world == 1:
        return mine
    total = mine.clone()
    dist.all_reduce(total)
    return total / world


def local_world_size() -> int:
    """How many processes ``torchrun`` started on this machine; they share its memory."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def all_gather_rows(mine: NDArray[np.float32], world: int) -> NDArray[np.float32]:
    """The rows of all processes, in order of rank."""
    if world == 1:
        return mine
    parts: list[Any] = [None] * world
    dist.all_gather_object(parts, mine)
    return np.concatenate(parts)
