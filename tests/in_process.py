"""The command line in the test's own process, cells included: starting Python with its libraries takes longer than what
most tests look at. That each cell has a process of its own is looked at by those of ``benchmark.running``."""

from __future__ import annotations

import io
import sys
import tempfile
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from topfive.benchmark.cli import app
from topfive.benchmark.errors import InputError
from topfive.benchmark.report import render
from topfive.benchmark.running import engine, isolation, runner


class Program:
    """``program(["run", "-m", "hog"])``: as ``topfive run -m hog`` in ``folder``; its exit status and what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.monkeypatch = monkeypatch
        monkeypatch.chdir(folder)
        monkeypatch.setenv("TOPFIVE_CACHE", str(folder / "cache"))
        monkeypatch.setattr(sys, "path", [*sys.path, ""])  # as of `python -m`
        cells_here(monkeypatch)

    def __call__(self, words: list[str]) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        self.monkeypatch.setattr(sys, "argv", ["topfive", *words])
        with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("default")  # as in a process of its own: a contender's warning is no error
            try:
                status = app(words) or 0
            except InputError as error:
                print(f"topfive: {error}", file=sys.stderr)
                status = 2
            except SystemExit as end:  # after help, or usage that is none
                status = int(end.code or 0)
        return status, out.getvalue(), err.getvalue()


def cells_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a run has its cells in this process, on one thread, and draws no PNG and no PDF."""

    def run_here(cell: dict[str, Any], scratch: Path, *, on_progress: Any, **_: Any) -> isolation.Outcome:
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            folder = Path(name)
            answers: list[dict[str, Any]] = []
            try:
                record = engine._run(cell, folder)
            except (Exception, SystemExit) as error:  # as engine.main does
                record = engine._failure(*engine.failure(error))
            if record is None:
                record, answers = isolation._outcome(folder, 0, {})
            named = [one["predictions"] for one in [record, *answers] if "predictions" in one]
            named += [file for one in answers for file in one.get("tables", {}).values()]
            return isolation.Outcome(record, answers, {file: (folder / file).read_bytes() for file in named})

    def render_svg(runs: Any, out: Any, formats: Any = ("svg",), plugins: Any = ()) -> Path:
        return whole(runs, out, [one for one in formats if one == "svg"], plugins)  # the others take seconds

    whole = render.render
    monkeypatch.setattr(runner, "run_isolated", run_here)
    monkeypatch.setattr(runner, "cores", lambda: 1)
    monkeypatch.setattr(render, "render", render_svg)


def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the page of a run is an empty file: drawing takes longer than running the tests' contenders."""

    def empty(runs: Any, out: Path, *_: Any, **__: Any) -> Path:
        (out / "report.html").touch()
        return out / "report.html"

    monkeypatch.setattr(render, "render", empty)
