"""The device that tests compare with the CPU; the command line in the test's own process; what simulations found."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
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


@pytest.fixture
def simulated(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """To be called with what a simulation found: it is shown when all tests have run, whether they are quiet or not."""
    return lambda found: record_property("simulated", found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show it."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    of_calls = [found for report in reports if report.when == "call" for found in report.user_properties]
    said = [str(value) for key, value in of_calls if key == "simulated"]
    if said:
        terminalreporter.section("simulated with fixed seeds")
        for line in said:
            terminalreporter.line(re.sub(r"\d\.\d{4,}(?!e)", lambda found: f"{float(found[0]):.3f}", line))
