"""Cells on a local Dask cluster give what they give here; a worker that dies costs only its cell's time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from topfive.benchmark.config import load
from topfive.benchmark.errors import InputError
from topfive.benchmark.runner import run

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

METRICS = ("status", "top1_err", "top5_err", "top5_err_low", "tied_images", "reason")


def start(out: Path, plugin: str, methods: list[str], **flags: object) -> dict[str, dict[str, object]]:
    base = {"data": ["photos[per_class=8]"], "method": methods, "output": str(out), "plugin": [plugin], "quiet": True}
    run(load(None, base | flags))
    cells = json.loads((out / "results.json").read_text())["cells"]
    return {cell["method"]: {name: cell[name] for name in METRICS} for cell in cells}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers, each a process of its own, on this machine only."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    file = tmp_path / "scheduler.json"
    scheduler = subprocess.Popen(
        [
            *(sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"),
            *("--no-dashboard", "--scheduler-file", str(file)),
        ],
        **quiet,
    )
    end = time.monotonic() + 60
    while not file.is_file() or not file.read_text():
        assert time.monotonic() < end, "the scheduler did not start"
        time.sleep(0.1)
    address = json.loads(file.read_text())["address"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
    workers = [subprocess.Popen([*worker, "--no-dashboard"], **quiet) for _ in range(2)]
    try:
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def wait_for_workers(address: str, n: int) -> None:
    from distributed import Client

    with Client(address) as client:
        client.wait_for_workers(n, timeout=60)


def test_two_workers_give_the_same_and_one_may_die(
    tmp_path: Path, contenders: str, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = cluster
    wait_for_workers(address, 2)
    methods = ["mean-color", "reversed", "raises", "mean-color[shift=2]", "reversed[shift=3]"]
    here = start(tmp_path / "here", contenders, methods)
    victim = threading.Timer(3.0, lambda: os.kill(workers[0].pid, signal.SIGKILL))
    victim.start()
    there = start(tmp_path / "there", contenders, methods, scheduler=address)
    victim.join()
    assert there == here
    for name in ("photos_per_class=8.mean-color.s0.parquet", "photos_per_class=8.reversed.s0.parquet"):
        left, right = (tmp_path / side / "predictions" / name for side in ("here", "there"))
        assert left.read_bytes() == right.read_bytes()


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path: Path, contenders: str) -> None:
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        start(tmp_path / "run", contenders, ["mean-color"], scheduler="tcp://127.0.0.1:9")
