"""Cells on a local Dask cluster, and chunks within them, give what they give here; a worker that dies costs little."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joblib import Parallel, delayed
from topfive.benchmark.config import load
from topfive.benchmark.errors import InputError
from topfive.benchmark.running.runner import run

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
from distributed import Client, KilledWorker, get_task_stream
from topfive.benchmark.running.spread import spread
from topfive.common.machine import cores

from tests.benchmark.conftest import records
from tests.in_process import cells_here, no_report


def start(out: Path, plugin: str, methods: list[str], **flags: object) -> dict[str, tuple[object, ...]]:
    """What came of each contender: status, reason, device, metrics."""
    base: dict[str, object] = {"data": ["photos[per_class=8]"]}
    base |= {"method": methods, "output": str(out), "plugin": [plugin], "quiet": True}
    run(load(None, base | flags))
    return {
        name: (record.status, record.reason, record.device, record.metrics) for name, record in records(out).items()
    }


class Cluster:
    """A scheduler and workers, each a process of its own, on this machine only."""

    def __init__(self, folder: Path) -> None:
        self._quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        file = folder / "scheduler.json"
        scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
        self._scheduler = subprocess.Popen([*scheduler, "--no-dashboard", "--scheduler-file", str(file)], **self._quiet)
        end = time.monotonic() + 60
        while not file.is_file() or not file.read_text():
            assert time.monotonic() < end, "the scheduler did not start"
            time.sleep(0.1)
        self.address = json.loads(file.read_text())["address"]
        self.workers: list[subprocess.Popen[bytes]] = []

    def two_workers(self) -> None:
        """Start those that are missing; an earlier test may have ended some."""
        self.workers = [one for one in self.workers if one.poll() is None]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", self.address, "--nthreads", "1", "--no-nanny"]
        while len(self.workers) < 2:
            self.workers.append(subprocess.Popen([*worker, "--no-dashboard"], **self._quiet))
        pids = {one.pid for one in self.workers}
        end = time.monotonic() + 60
        with Client(self.address, set_as_default=False) as client:
            while set(client.run(os.getpid, on_error="ignore").values()) != pids:
                assert time.monotonic() < end, "the workers did not start"
                time.sleep(0.1)

    def stop(self) -> None:
        for process in (*self.workers, self._scheduler):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.stop()


@pytest.fixture
def cluster(started: Cluster, unreported: None) -> Cluster:
    """With two workers; no pages are drawn, which nobody looks at here."""
    started.two_workers()
    return started


def test_two_workers_give_the_same_and_one_may_die(tmp_path: Path, contenders: str, cluster: Cluster) -> None:
    methods = ["mean-color", "reversed", "raises", "mean-color[shift=2]", "reversed[shift=3]"]
    with pytest.MonkeyPatch.context() as patch:
        cells_here(patch)
        no_report(patch)
        here = start(tmp_path / "here", contenders, methods)
    victim = threading.Timer(3.0, lambda: os.kill(cluster.workers[0].pid, signal.SIGKILL))
    victim.start()
    there = start(tmp_path / "there", contenders, methods, scheduler=cluster.address)
    victim.join()
    assert there == here
    for name in ("photos_per_class=8.mean-color.s0.parquet", "photos_per_class=8.reversed.s0.parquet"):
        left, right = (tmp_path / side / "predictions" / name for side in ("here", "there"))
        assert left.read_bytes() == right.read_bytes()


MANY = "photos[per_class=110]"  # 2,200 training images: enough to be sent about


def starts(client: Client) -> int:
    """How often a cell was given to a worker."""

    def count(dask_scheduler: Any) -> int:
        rows = [row[:3] for row in dask_scheduler.transition_log]
        return sum(str(key).startswith("_on_worker") and after == "processing" for key, _, after in rows)

    return int(client.run_on_scheduler(count))


def workers_of(stream: Any, function: str) -> Counter[str]:
    """How many batches of calls of ``function`` each worker did."""
    return Counter(row["worker"] for row in stream.data if row["key"].startswith(f"batch_of_{function}"))


def kill_one(address: str, killed: list[str]) -> None:
    """SIGKILL a worker that has done some chunks, in the middle of another; not the one that has the cell."""
    seen: dict[str, set[str]] = {}
    with Client(address, set_as_default=False) as client:
        pids = client.run(os.getpid)
        while not killed:
            for worker, keys in client.processing().items():
                chunks = {str(key) for key in keys if str(key).startswith("batch_of__elsewhere")}
                seen.setdefault(worker, set()).update(chunks)
                if chunks and len(chunks) == len(keys) and len(seen[worker]) > 5:
                    os.kill(pids[worker], signal.SIGKILL)
                    killed.append(worker)
            time.sleep(0.01)


def test_chunks_of_a_cell_run_on_all_workers_and_one_may_die(tmp_path: Path, contenders: str, cluster: Cluster) -> None:
    method = "fisher[k=8,step=8,views=1]"
    # With one thread, as the workers have: a sum over several threads is another in its last bits.
    here = start(tmp_path / "here", contenders, [method], data=[MANY], jobs=cores())
    killed: list[str] = []
    with Client(cluster.address, set_as_default=False) as client:
        before = starts(client)
        killer = threading.Thread(target=kill_one, args=(cluster.address, killed), daemon=True)
        killer.start()
        with get_task_stream(client=client) as stream:
            there = start(tmp_path / "there", contenders, [method], data=[MANY], scheduler=cluster.address, fresh=True)
        killer.join()
        done = workers_of(stream, "_elsewhere")
        assert len(done) == 2
        assert done[killed[0]] > 0
        assert starts(client) - before == 1  # the cell did not begin again
        assert list(client.nthreads().values()) == [1]  # one thread was left for the cell and its chunks
        assert killed[0] not in client.nthreads()
    assert there == here
    assert here[method][0] == "done"
    name = "predictions/photos_per_class=110.fisher_k=8_step=8_views=1.s0.parquet"
    assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()


def test_a_plugin_that_uses_joblib_needs_no_change(tmp_path: Path, contenders: str, cluster: Cluster) -> None:
    here = start(tmp_path / "here", contenders, ["spread"])
    with Client(cluster.address, set_as_default=False) as client, get_task_stream(client=client) as stream:
        there = start(tmp_path / "there", contenders, ["spread"], scheduler=cluster.address)
    assert len(workers_of(stream, "_means")) == 2
    assert there == here
    assert here["spread"][0] == "done"


def test_work_that_the_cluster_gives_up_raises(cluster: Cluster) -> None:
    big = np.arange(1_000_000)

    def allow(failures: int) -> None:
        with Client(cluster.address, set_as_default=False) as client:
            client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", failures))

    allow(0)
    try:
        with spread(cluster.address):
            assert Parallel()(delayed(np.take)(big, n) for n in range(4)) == [0, 1, 2, 3]
            with pytest.raises(KilledWorker):
                Parallel()(delayed(os._exit)(1) for _ in range(2))
    finally:
        allow(3)


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path: Path, contenders: str) -> None:
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        start(tmp_path / "run", contenders, ["mean-color"], scheduler="tcp://127.0.0.1:9")
