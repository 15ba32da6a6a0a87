"""The device on which tests compare with the CPU, and the command line in the test's own process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .in_process import Program


@pytest.fixture(params=["pretended", "real"])
def gpu(request: pytest.FixtureRequest) -> Iterator[str]:
    """``"cuda"``: the GPU where there is one, and in any case one that only checks what is where."""
    import torch

    if request.param == "real":
        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")
        yield "cuda"
        return
    from .pretended_gpu import pretended_gpu

    with pretended_gpu():
        yield "cuda"


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Program]:
    """A ``Program`` that works in ``tmp_path``; modules that it imported from there are forgotten afterwards."""
    from .in_process import Program

    before = set(sys.modules)
    yield Program(monkeypatch, tmp_path)
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "").is_relative_to(tmp_path.parent):
            del sys.modules[name]
