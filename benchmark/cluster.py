"""Cells on a Dask cluster (extra ``cluster``): each in a process of its own on a worker, its files sent back.

The workers need the same topfive, the same plugins and the data at the same paths (a shared file system). A worker
that dies costs the cell it was running, which Dask gives to another.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import InputError
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
        client: Any = Client(address, timeout=10)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        threads = client.nthreads()
        if not threads:
            raise InputError(f"the Dask scheduler at {address} has no workers; start some with `dask worker {address}`")
        listeners: dict[str, Callable[[str], None]] = {}
        client.subscribe_topic(TOPIC, lambda event: listeners.get(event[1]["token"], _ignore)(event[1]["message"]))

        def execute(
            task: dict[str, Any], timeout: float | None, stop: threading.Event, on_progress: Callable[[str], None]
        ) -> Outcome:
            token = f"{id(task)}-{time.monotonic_ns()}"
            listeners[token] = on_progress
            future = client.submit(_on_worker, task, timeout, token, pure=False)
            while not future.done():
                if stop.is_set():
                    client.set_metadata([STOP, token], True)
                    break
                time.sleep(0.1)
            try:
                outcome: Outcome = future.result()
            except Exception as error:  # the cluster's fault, not the cell's: it becomes the cell's reason
                return Outcome({"status": "failed", "reason": f"lost on the cluster: {error}", "log": []}, None)
            finally:
                del listeners[token]
            return outcome

        yield execute, len(threads)


def _ignore(message: str) -> None:
    """A cell that has ended may still have progress under way."""


def _on_worker(task: dict[str, Any], timeout: float | None, token: str) -> Outcome:
    """Run one cell here, on the worker; its threads are the worker's."""
    from distributed import get_client, get_worker

    worker = get_worker()
    stop = _RemoteStop(get_client(), token)
    task = {**task, "n_jobs": max(1, worker.state.nthreads), "cache_dir": _cache_dir()}

    def say(message: str) -> None:
        worker.log_event(TOPIC, {"token": token, "message": message})

    with tempfile.TemporaryDirectory(prefix="topfive-") as scratch:
        outcome = run_isolated(task, Path(scratch), timeout=timeout, stop=stop, on_progress=say)
    where = f"{outcome.record.get('device', 'cpu')} on {worker.name}"
    return Outcome({**outcome.record, "device": where}, outcome.predictions)


def _cache_dir() -> str:
    from .data.cache import folder

    return str(folder("stages"))


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
