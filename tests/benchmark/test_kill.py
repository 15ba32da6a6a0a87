"""A runner killed at any moment loses nothing that was finished, and the same command ends as if nothing had happened.

``TOPFIVE_KILLS=20 python -m pytest tests/benchmark/test_kill.py`` tries more moments than the default.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil

COMMAND = [sys.executable, "-m", "topfive.benchmark", "run", "-d", "photos[per_class=8]", "-q"]
METHODS = ["mean-color", "reversed", "mean-color[shift=2]"]
TIMES = {"fit_seconds", "predict_seconds", "cpu_seconds", "images_per_second", "peak_rss_bytes", "timings", "log"}


def command(out: Path, plugin: str) -> list[str]:
    return [*COMMAND, "-o", str(out), "--plugin", plugin, *[word for name in METHODS for word in ("-m", name)]]


def outcome(out: Path) -> dict[str, dict[str, object]]:
    cells = json.loads((out / "results.json").read_text())["cells"]
    return {c["cell"]: {k: v for k, v in c.items() if k not in TIMES} for c in cells}


def started_by(out: Path) -> list[psutil.Process]:
    alive = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if str(out) in " ".join(words) and process.info["status"] != psutil.STATUS_ZOMBIE:
            alive.append(process)
    return alive


def test_killed_at_any_moment_and_run_again(tmp_path: Path, contenders: str) -> None:
    calm, out = tmp_path / "calm", tmp_path / "killed"
    begin = time.monotonic()
    subprocess.run(command(calm, contenders), check=True)
    whole = time.monotonic() - begin
    moments = np.random.default_rng(2012).uniform(0.05, 1.0, int(os.environ.get("TOPFIVE_KILLS", "3")))
    for share in moments:
        process = subprocess.Popen(command(out, contenders))
        time.sleep(share * whole)
        process.send_signal(signal.SIGKILL)
        process.wait()
        end = time.monotonic() + 20
        while started_by(out):
            assert time.monotonic() < end, "a process was left behind"
            time.sleep(0.05)
        if (out / "results.json").is_file():
            outcome(out)  # whole at any moment
    subprocess.run(command(out, contenders), check=True)
    assert outcome(out) == outcome(calm)
    assert not [path for path in out.rglob("*") if path.name.endswith(".part")]
    assert not (out / ".work").exists()
    for path in (calm / "predictions").iterdir():
        assert (out / "predictions" / path.name).read_bytes() == path.read_bytes()
    assert (out / "report.html").stat().st_size > 0
