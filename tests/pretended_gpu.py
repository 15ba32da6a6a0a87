"""A GPU to rehearse on where there is none.

Inside ``pretended_gpu()`` a tensor sent to "cuda" says that it is there, is computed on the CPU all the same and, as on
a real one, meets no tensor of the CPU: the mistake that is most likely to hide where no GPU is at hand. It shows
nothing of a GPU's rounding, kernels, memory or speed. Autocast and torch.compile do nothing.

CUDA graphs are recorded and replayed operation by operation, with what a Python value or a branch was while they were
captured. As on a real GPU capturing changes no values, and nothing that waits for the GPU can be captured.
``waits`` of what the context manager gives lists all operations that made the host wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

CUDA = torch.device("cuda", 99)  # unlike any real one, as code may keep what it once made for a device
META = torch.device("meta")  # what torch itself is told: a device that needs no driver and computes nothing
READING = ("aten::_local_scalar_dense", "aten::equal", "aten::nonzero")  # the host waits for their result
CROSSING = ("aten::_to_copy", "aten::copy_", "aten::_local_scalar_dense")
INDEXING = ("aten::index", "aten::index_put_", "aten::_index_put_impl_")  # takes indices that lie on the CPU


def tree_map(change: Any, x: Any) -> Any:
    """``change`` of all that lies in lists, tuples and dictionaries. torch's own, which knows more, is slow."""
    if isinstance(x, dict):
        return {key: tree_map(change, value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        parts = [tree_map(change, value) for value in x]
        # Named tuples take their values one by one.
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return change(x)


def tree_leaves(x: Any) -> list[Any]:
    """All that lies in lists, tuples and dictionaries."""
    if isinstance(x, dict):
        x = tuple(x.values())
    return [leaf for part in x for leaf in tree_leaves(part)] if isinstance(x, list | tuple) else [x]


class OnGpu(torch.Tensor):
    """A tensor of the pretended GPU; ``held`` is where its values are."""

    def __new__(cls, held: torch.Tensor) -> OnGpu:
        return torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=META,
            requires_grad=held.requires_grad,
        )

    def __init__(self, held: torch.Tensor) -> None:
        self.held = held

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.held.__reduce_ex__(protocol)  # on the disk, nothing of the pretence is left

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(func, args, kwargs or {})


class Gpu:
    """The one pretended GPU: what it waited for, which pages are pinned, which graph is being captured."""

    def __init__(self) -> None:
        self.waits: list[str] = []
        self.pinned: set[int] = set()  # of tensors' memory
        self.capturing: Graph | None = None

    def wait(self, what: str) -> None:
        if self.capturing is not None:
            raise RuntimeError(f"{what}: operation not permitted when stream is capturing")
        self.waits.append(what)


gpu = Gpu()


class Graph:
    """``torch.cuda.CUDAGraph``."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Any, Any, Any]] = []
        self.changed: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def pool(self) -> tuple[int, int]:
        return (0, 1)

    def before(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Keep what an operation is about to change, as capturing is not executing."""
        for argument, value in [*zip(func._schema.arguments, args, strict=False), *named(func, kwargs)]:
            if argument.alias_info is not None and argument.alias_info.is_write:
                for t in tree_leaves(value):
                    if isinstance(t, torch.Tensor) and t.untyped_storage().data_ptr() not in self.changed:
                        whole = torch.empty(0, dtype=torch.uint8).set_(t.untyped_storage())
                        self.changed[t.untyped_storage().data_ptr()] = whole, whole.clone()

    def after(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], results: Any) -> None:
        self.calls.append((func, args, kwargs, results))

    def restore(self) -> None:
        for whole, before in self.changed.values():
            whole.copy_(before)

    def replay(self) -> None:
        with torch.no_grad(), _disable_current_modes():
            for func, args, kwargs, results in self.calls:
                again = func(*args, **kwargs)
                for old, new in zip(tree_leaves(results), tree_leaves(again), strict=True):
                    if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                        old.copy_(new)


def named(func: Any, kwargs: dict[str, Any]) -> list[tuple[Any, Any]]:
    return [(argument, kwargs[argument.name]) for argument in func._schema.arguments if argument.name in kwargs]


@contextmanager
def capture(graph: Graph, pool: Any = None, stream: Any = None) -> Iterator[None]:
    """``torch.cuda.graph``."""
    random = torch.get_rng_state()
    gpu.capturing = graph
    try:
        yield
    finally:
        gpu.capturing = None
        with torch.no_grad(), _disable_current_modes():
            graph.restore()
        torch.set_rng_state(random)


def compute(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """An operation of torch on the values held; RuntimeError where tensors of both devices meet in it."""
    name = func._schema.name
    leaves = tree_leaves((args, kwargs))
    there = [t for t in leaves if isinstance(t, OnGpu)]
    if there and name not in CROSSING:
        for t in (args[0], *args[2:]) if name in INDEXING else leaves:
            if isinstance(t, torch.Tensor) and not isinstance(t, OnGpu) and t.dim():
                raise RuntimeError(f"{name}: a tensor on the GPU meets one on the {t.device}")
    goes_there = isinstance(args[0], OnGpu) if name == "aten::copy_" else bool(there)
    if kwargs.get("device") is not None:
        goes_there = torch.device(kwargs["device"]) == META
        kwargs = {**kwargs, "device": torch.device("cpu"), **({"pin_memory": False} if "pin_memory" in kwargs else {})}
    note_waiting(name, args, kwargs, bool(there), goes_there)
    args, kwargs = tree_map(lambda t: t.held if isinstance(t, OnGpu) else t, (args, kwargs))
    same = {id(t.held): t for t in there}

    def placed(result: Any) -> Any:
        if not goes_there or not isinstance(result, torch.Tensor):
            return result
        return same[id(result)] if id(result) in same else OnGpu(result)

    if gpu.capturing is None:
        return tree_map(placed, func(*args, **kwargs))
    gpu.capturing.before(func, args, kwargs)
    results = func(*args, **kwargs)
    gpu.capturing.after(func, args, kwargs, results)
    return tree_map(placed, results)


def note_waiting(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], there: bool, goes_there: bool) -> None:
    """Whether the host waits in this operation: for a value, for a copy from the GPU, or for one to it from memory that
    is not pinned."""
    if there and name in READING:
        gpu.wait(name)
    if name not in CROSSING or name in READING:
        return
    source = args[1] if name == "aten::copy_" else args[0]
    if isinstance(source, OnGpu) != goes_there and isinstance(source, torch.Tensor):
        asynchronous = kwargs.get("non_blocking") or (name == "aten::copy_" and len(args) > 2 and args[2])
        pinned = isinstance(source, OnGpu) or source.untyped_storage().data_ptr() in gpu.pinned
        if not goes_there or not (asynchronous and pinned):
            gpu.wait(f"{name} {'to' if goes_there else 'from'} the GPU")


class Dispatch(TorchDispatchMode):
    """Also what makes new tensors goes through ``compute``."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(func, args, kwargs or {})


class Names(TorchFunctionMode):
    """Between the caller's "cuda" and torch's META."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func == torch.Tensor.device.__get__:
            device = func(*args)
            return CUDA if device == META else device
        if func == torch.Tensor.is_meta.__get__:
            return False
        if func is torch.device:
            return func(*args, **kwargs)
        if func is torch.Tensor.pin_memory:
            copy = args[0].clone()
            gpu.pinned.add(copy.untyped_storage().data_ptr())
            return copy
        if func is torch._has_compatible_shallow_copy_type:  # asked when a module changes its device
            return False
        if func is torch.tensor and is_cuda(kwargs.get("device")):
            return func(*args, **{**kwargs, "device": None}).to(META)
        if func in (torch.Tensor.__getitem__, torch.Tensor.__setitem__):
            args = (args[0], torch.tensor(args[1]) if isinstance(args[1], list) else args[1], *args[2:])
        args, kwargs = tree_map(lambda x: META if is_cuda(x) else x, (args, kwargs))
        return func(*args, **kwargs)


def is_cuda(x: Any) -> bool:
    return (isinstance(x, torch.device) and x.type == "cuda") or (isinstance(x, str) and x.split(":")[0] == "cuda")


@contextmanager
def pretended_gpu() -> Iterator[Gpu]:
    """One GPU with 1 GiB of memory, in this thread and in those that thread pools start."""
    gpu.__init__()  # type: ignore[misc]
    submit = ThreadPoolExecutor.submit

    def submit_inside(pool: ThreadPoolExecutor, call: Any, /, *args: Any, **kwargs: Any) -> Any:
        def inside() -> Any:
            with Names(), Dispatch():
                return call(*args, **kwargs)

        return submit(pool, inside)

    says = {
        "is_available": True,
        "device_count": 1,
        "mem_get_info": (2**30, 2**30),
        "is_bf16_supported": True,
        "max_memory_allocated": 2**20,
        "Stream": mock.Mock(),
        "Event": mock.Mock(),
        "current_stream": mock.Mock(),
        "stream": nullcontext(),
        "synchronize": None,
    }
    with ExitStack() as stack:
        for name, answer in says.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, mock.Mock(return_value=answer)))
        stack.enter_context(mock.patch.object(torch.cuda, "CUDAGraph", Graph))
        stack.enter_context(mock.patch.object(torch.cuda, "graph", capture))
        stack.enter_context(mock.patch.object(ThreadPoolExecutor, "submit", submit_inside))
        stack.enter_context(mock.patch.object(torch.random, "fork_rng", nullcontext))  # asks each GPU for its state
        stack.enter_context(mock.patch.object(torch, "inference_mode", torch.no_grad))  # its tensors take no subclass
        stack.enter_context(mock.patch.object(torch, "compile", lambda network, **_: network))
        stack.enter_context(mock.patch.object(torch, "autocast", return_value=nullcontext()))
        stack.enter_context(Names())
        stack.enter_context(Dispatch())
        yield gpu
