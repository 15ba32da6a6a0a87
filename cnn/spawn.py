"""Several GPUs from one process: ``device=cuda:0,cuda:1`` starts one training process for each."""

from __future__ import annotations

import json
import logging
import pickle
import tempfile
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.multiprocessing.spawn import ProcessRaisedException, spawn

from .distributed import destroy_process_group, init_process_group
from .feed import Feed
from .train import Job, Trained, Trainer


def train_on(devices: list[torch.device], job: Job, feed: Feed, dtype: torch.dtype) -> Trained:
    """Train ``job`` in one process a device; ``job.network`` receives the trained weights.

    Pixels and weights are in shared memory. Raises ValueError when the images did not fit into memory, the exception
    that a process raised, and torch's ProcessExitedException where one was killed; the other processes then end too.
    """
    if feed.pixels is None:
        raise ValueError("the images do not fit into memory; to train on several devices start with torchrun instead")
    job.network.share_memory()
    with tempfile.TemporaryDirectory(prefix="topfive-") as folder:
        threads = max(1, torch.get_num_threads() // len(devices))
        handlers = logging.getLogger("topfive").handlers or logging.getLogger().handlers
        given = handlers[0].formatter if handlers else None
        formatter = given if type(given) is logging.Formatter else None  # others may not be picklable
        arguments = (devices, job, _shared(feed.pixels), _shared(feed.labels), folder, threads, dtype, formatter)
        try:
            spawn(_worker, args=arguments, nprocs=len(devices))  # type: ignore[no-untyped-call]
        except ProcessRaisedException as raised:
            # The oldest is the cause: a process that waits for one that has failed fails too, and may end before it.
            errors = sorted(Path(folder).glob("error-*"), key=lambda path: path.stat().st_mtime_ns)
            if not errors:
                raise
            raise pickle.loads(errors[0].read_bytes()) from raised
        return Trained(**json.loads((Path(folder) / "trained.json").read_text()))


def _worker(
    rank: int,
    devices: list[torch.device],
    job: Job,
    pixels: Tensor,
    labels: Tensor,
    folder: str,
    threads: int,
    dtype: torch.dtype,
    formatter: logging.Formatter | None,
) -> None:
    device = devices[rank]
    torch.set_num_threads(threads)
    if rank == 0:
        # Progress, to the parent's stderr in the parent's format.
        handler = logging.StreamHandler()
        handler.setFormatter(formatter)
        logging.basicConfig(level=logging.INFO, handlers=[handler])
    if device.type == "cuda":
        torch.cuda.set_device(device)
    init_process_group(device, init_method=f"file://{folder}/meet", rank=rank, world_size=len(devices))
    try:
        trained = _trained(rank, job, Feed.held(pixels, labels, device), dtype, len(devices))
    except Exception as error:  # the parent raises it again, whatever it is
        (Path(folder) / f"error-{rank}").write_bytes(_pickled(error))
        raise
    # Not after a failure: under NCCL it waits for the other processes, which may be waiting for this one.
    destroy_process_group()
    if rank == 0:
        (Path(folder) / "trained.json").write_text(json.dumps(asdict(trained)))


def _pickled(error: Exception) -> bytes:
    """The pickled error; a RuntimeError with its message where it cannot be unpickled."""
    try:
        content = pickle.dumps(error)
        pickle.loads(content)
        return content
    except Exception:  # errors' own constructors may raise anything
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))


def _trained(rank: int, job: Job, feed: Feed, dtype: torch.dtype, world: int) -> Trained:
    """Train a copy of the shared network; rank 0 writes its weights back."""
    trainer = Trainer(replace(job, network=deepcopy(job.network)), feed, dtype, rank, world)
    trained = trainer.run()
    if rank == 0:
        job.network.load_state_dict(trainer.network.state_dict())
    return trained


def _shared(tensor: Tensor) -> Tensor:
    return tensor.share_memory_()  # type: ignore[no-untyped-call, no-any-return]
