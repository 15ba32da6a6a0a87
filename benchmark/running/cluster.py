"""Cells on a Dask cluster (extra ``cluster``): each in a process of its own on a worker, its files sent back.

What a cell does through joblib goes to all of the workers (see ``spread``). The workers need the same topfive, the same
plugins and the data at the same paths (a shared file system). A worker that dies costs the cell it was running and the
chunks of other cells that it was working on; Dask gives them to another.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import InputError
from .isolation import Outcome, run_isolated

TOPIC, STOP = "topfive-progress", "topfive-stop"
STOP_POLL_SECONDS = 2.0

Execute = Callable[[dict[str, Any], float | None, threading.Event, Callable[[str], None]], Outcome]


@contextmanager
def connect(address: str) -> Iterator[tuple[Execute, int]]:
    """(what runs a cell on the cluster at ``address``, how many at once). Raises InputError where none answers."""
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--scheduler needs Dask: pip install 'topfive[cluster]'") from None
    try:
        client: Any = Client(address, timeout=10)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        threads = client.nthreads()
        if not threads:
            raise InputError(f"the Dask scheduler at {address} has no workers; start some with `dask worker {address}`")
        placed: Counter[str] = Counter()  # how many cells each worker has
        placing = threading.Lock()
        listeners: dict[str, Callable[[str], None]] = {}
        client.subscribe_topic(TOPIC, lambda event: listeners.get(event[1]["token"], _ignore)(event[1]["message"]))

        def execute(
            task: dict[str, Any], timeout: float | None, stop: threading.Event, on_progress: Callable[[str], None]
        ) -> Outcome:
            token = f"{id(task)}-{time.monotonic_ns()}"
            listeners[token] = on_progress
            with placing:  # Dask does not count cells, which give back their threads
                worker = min(client.nthreads() or threads, key=placed.__getitem__)
                placed[worker] += 1
            where = {"workers": [worker], "allow_other_workers": True, "priority": 1}  # before chunks of other cells
            future = client.submit(_on_worker, task, timeout, token, pure=False, **where)
            while not future.done():
                if stop.is_set():
                    client.set_metadata([STOP, token], True)
                    break
                time.sleep(0.1)
            try:
                outcome: Outcome = future.result()
            except Exception as error:  # the cluster's fault, not the cell's: it becomes the cell's reason
                return Outcome({"status": "failed", "reason": f"lost on the cluster: {error}", "log": []})
            finally:
                del listeners[token]
                with placing:
                    placed[worker] -= 1
            return outcome

        yield execute, len(threads)


def _ignore(message: str) -> None:
    """A cell that has ended may still have progress under way."""


def _on_worker(task: dict[str, Any], timeout: float | None, token: str) -> Outcome:
    """Run one cell here, on the worker; it may use as many threads as the worker has."""
    from distributed import get_client, get_worker, secede

    from .stage_cache import stages

    worker = get_worker()
    stop = _RemoteStop(get_client(), token)
    threads = max(1, worker.state.nthreads)
    # This thread only waits; were it to keep its place, a cell could wait for chunks that find none.
    secede()

    def say(message: str) -> None:
        worker.log_event(TOPIC, {"token": token, "message": message})

    with tempfile.TemporaryDirectory(prefix="topfive-") as scratch, stages(fresh=task["fresh"]) as cache:
        task = {**task, "n_jobs": threads, "cache_dir": str(cache), "scheduler": worker.scheduler.address}
        outcome = run_isolated(task, Path(scratch), timeout=timeout, stop=stop, on_progress=say)
    # Not part of its device: seeds on two workers are one contender's.
    return replace(outcome, record={**outcome.record, "log": [*outcome.record["log"], f"ran on {worker.name}"]})


class _RemoteStop(threading.Event):
    """Set when the runner asks for it; asks the scheduler now and then."""

    def __init__(self, client: Any, token: str) -> None:
        super().__init__()
        self._client, self._token = client, token
        self._asked = time.monotonic()

    def is_set(self) -> bool:
        if not super().is_set() and time.monotonic() - self._asked > STOP_POLL_SECONDS:
            self._asked = time.monotonic()
            if self._client.get_metadata([STOP, self._token], False):
                self.set()
        return super().is_set()
