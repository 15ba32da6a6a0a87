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

from .distributed import leave, meet
from .feed import Feed
from .train import Job, Outcome, Trainer


def run_on(devices: list[torch.device], job: Job, feed: Feed, dtype: torch.dtype) -> Outcome:
    """Train ``job`` in one process a device; the trained weights come back in ``job.network``.

    The pixels and the weights are in shared memory. Raises ValueError when the images did not fit into memory, what a
    process raised, and torch's ProcessExitedException where one is killed; the others then end.
    """
    if feed.pixels is None:
        raise ValueError("the images do not fit into memory; to train on several devices start with torchrun instead")
    job.network.share_memory()
    with tempfile.TemporaryDirectory(prefix="topfive-") as folder:
        threads = max(1, torch.get_num_threads() // len(devices))
        handlers = logging.getLogger("topfive").handlers or logging.getLogger().handlers
        form = handlers[0].formatter if handlers else None
        told = form if type(form) is logging.Formatter else None  # others may not be picklable
        arguments = (devices, job, _shared(feed.pixels), _shared(feed.labels), folder, threads, dtype, told)
        try:
            spawn(_work, args=arguments, nprocs=len(devices))  # type: ignore[no-untyped-call]
        except ProcessRaisedException as raised:
            # The first is the cause: a process that waits for one that has failed fails as well, and may end before it.
            errors = sorted(Path(folder).glob("error-*"), key=lambda path: path.stat().st_mtime_ns)
            if not errors:
                raise
            raise pickle.loads(errors[0].read_bytes()) from raised
        return Outcome(**json.loads((Path(folder) / "outcome.json").read_text()))


def _work(
    rank: int,
    devices: list[torch.device],
    job: Job,
    pixels: Tensor,
    labels: Tensor,
    folder: str,
    threads: int,
    dtype: torch.dtype,
    told: logging.Formatter | None,
) -> None:
    device = devices[rank]
    torch.set_num_threads(threads)
    if rank == 0:
        # Progress, to where the parent's output goes and in its form.
        handler = logging.StreamHandler()
        handler.setFormatter(told)
        logging.basicConfig(level=logging.INFO, handlers=[handler])
    if device.type == "cuda":
        torch.cuda.set_device(device)
    meet(device, init_method=f"file://{folder}/meet", rank=rank, world_size=len(devices))
    try:
        outcome = _trained(rank, job, Feed.held(pixels, labels, device), dtype, len(devices))
    except Exception as error:  # whatever it is, the parent is to raise it
        (Path(folder) / f"error-{rank}").write_bytes(_pickled(error))
        raise
    leave()  # not after a failure: under NCCL it waits for the others, which may be waiting for this process
    if rank == 0:
        (Path(folder) / "outcome.json").write_text(json.dumps(asdict(outcome)))


def _pickled(error: Exception) -> bytes:
    """The error, or where it cannot be taken up again a RuntimeError that says the same."""
    try:
        content = pickle.dumps(error)
        pickle.loads(content)
        return content
    except Exception:  # errors' own constructors may raise anything
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))


def _trained(rank: int, job: Job, feed: Feed, dtype: torch.dtype, world: int) -> Outcome:
    """Train a copy of the shared network; the first process puts its weights there."""
    trainer = Trainer(replace(job, network=deepcopy(job.network)), feed, dtype, rank, world)
    outcome = trainer.run()
    if rank == 0:
        job.network.load_state_dict(trainer.network.state_dict())
    return outcome


def _shared(tensor: Tensor) -> Tensor:
    return tensor.share_memory_()  # type: ignore[no-untyped-call, no-any-return]
