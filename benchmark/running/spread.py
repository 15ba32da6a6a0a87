"""Within a cell, joblib's calls go to the workers of a Dask cluster (extra ``cluster``; imported only for that).

Joblib's own Dask backend, with three changes that long work needs:

- Work that the cluster gave up (its workers died one after another, or could not unpickle it) raises; joblib's backend
  waits for it for ever.
- A large argument is copied to every worker at once; joblib's gives it to one, with which it would be lost.
- What a plugin's file defines is sent by value: workers have not imported that file, nor an older text of it.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import cloudpickle
import distributed
from joblib import parallel_config
from joblib._dask import DaskDistributedBackend

from ..contenders.discovery import PLUGIN_MODULE


@contextmanager
def spread(address: str) -> Iterator[None]:
    """Calls of ``joblib.Parallel`` inside the block run on the cluster whose scheduler is at ``address``."""
    for name, module in sys.modules.items():
        if name.startswith(PLUGIN_MODULE):
            cloudpickle.register_pickle_by_value(module)
    with (
        _Client(address, set_as_default=False, direct_to_workers=True) as client,  # type: ignore[no-untyped-call]
        parallel_config(backend=_Backend(client=client)),
    ):
        yield


class _Client(distributed.Client):
    def scatter(self, data: Any, *args: Any, **options: Any) -> Any:
        return super().scatter(data, *args, **options | {"broadcast": True})  # type: ignore[no-untyped-call]


class _Backend(DaskDistributedBackend):  # type: ignore[misc]
    def submit(self, func: Any, callback: Callable[[Any], None]) -> Future[Any]:
        """Joblib's seam: start a batch of calls; ``callback`` is to get what became of them."""
        future: Future[Any] = super().submit(func, callback)
        future.add_done_callback(lambda done: callback(done.exception()) if done.exception() else None)
        return future

    async def _to_func_args(self, func: Any) -> tuple[Any, list[Any]]:
        batch, calls = await super()._to_func_args(func)
        packed = [
            (_call, [_pack(call), *map(_pack, args)], {name: _pack(value) for name, value in named.items()})
            for call, args, named in calls
        ]
        return batch, packed


class _Packed:
    """Pickled by cloudpickle, which heeds ``register_pickle_by_value``, and unpickled by the worker that needs it.

    Dask itself would use pickle, which names modules, and unpickle on the scheduler.
    """

    def __init__(self, value: Any) -> None:
        self.pickled = cloudpickle.dumps(value)


def _pack(value: Any) -> Any:
    """What is already on the cluster stays as it is."""
    return value if isinstance(value, distributed.Future) else _Packed(value)


def _unpack(value: Any) -> Any:
    return pickle.loads(value.pickled) if isinstance(value, _Packed) else value


def _call(*args: Any, **named: Any) -> Any:
    call, *rest = map(_unpack, args)
    return call(*rest, **{name: _unpack(value) for name, value in named.items()})
