"""What this process may use of the machine: cores, memory, threads. A container's limits count."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")
_VERSION_1 = ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat")
_VERSION_2 = ("memory.max", "memory.current", "memory.stat")


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def total_memory() -> int:
    """Bytes of memory that this process could ever have: the machine's, or its container's limit."""
    machine = psutil.virtual_memory().total
    return min([machine, *(limit for limit, _ in _container())])


def available_memory() -> int:
    """Bytes that this process can still take without swapping: the machine's, or what is left of the container's."""
    machine = psutil.virtual_memory().available
    return min([machine, *(max(0, limit - used) for limit, used in _container())])


def give_back_memory() -> None:
    """Hand what was freed back to the system, where the C library is glibc, which keeps it for the next request."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def torch_threads(n: int | None) -> Iterator[None]:
    """Torch computes with ``n`` threads inside the block; with as many as before where that is None or below 1."""
    import torch  # the harness, which imports this module too, must not import torch

    before = torch.get_num_threads()
    if n is not None and n > 0:
        torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _container() -> Iterator[tuple[int, int]]:
    """(limit, use that cannot be taken back) of the control groups around this process; nothing where none limits it.

    The limit may stand at any level from this process's own group up. Inside a container these are the root's files.
    """
    for folder, names in [(CGROUP, _VERSION_1), *((folder, _VERSION_2) for folder in _groups())]:
        limit_file, used_file, stat_file = (folder / name for name in names)
        try:
            limit, used = (file.read_text(encoding="ascii").strip() for file in (limit_file, used_file))
            if not limit.isdecimal():  # "max"
                continue
            said = dict(line.split() for line in stat_file.read_text(encoding="ascii").splitlines())
        except (OSError, ValueError):
            continue
        # The kernel gives up cached files before it refuses memory.
        cached = int(said.get("total_inactive_file", said.get("inactive_file", 0)))
        yield int(limit), max(0, int(used) - cached)


def _groups() -> Iterator[Path]:
    """This process's group of version 2 and those above it."""
    yield CGROUP
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        if line.startswith("0::/"):
            parts = [part for part in line[4:].split("/") if part and part != ".."]
            for depth in range(1, len(parts) + 1):
                yield CGROUP.joinpath(*parts[:depth])
