"""A runner killed at any moment loses nothing that was finished, and the same command ends as if nothing had happened.

``TOPFIVE_KILLS=20 python -m pytest tests/benchmark/test_kill.py`` tries more moments than the default.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
from topfive.baselines.arrayfile import read_arrays
from topfive.benchmark.results.run import open_run

COMMAND = [sys.executable, "-m", "topfive.benchmark", "run", "-d", "photos[per_class=4]", "-q"]
# One of a few lines, one whose codebook and features are cached, a network with checkpoints.
METHODS = ["mean-color", "fisher[k=4,step=8]", "le-net[epochs=4]"]
PLUGINS = ("contenders.py", "often.py")
TIMES = {"fit_seconds", "cached_seconds", "predict_seconds", "images_per_second"}
TIMES |= {"cpu_seconds", "fit_cpu_seconds", "predict_cpu_seconds"}
TIMES |= {"peak_rss_bytes", "fit_peak_rss_bytes", "predict_peak_rss_bytes"}
FINISHED = {".arrays", ".pt"}


def command(out: Path) -> list[str]:
    plugins = [word for name in PLUGINS for word in ("--plugin", str(Path(__file__).parent / "plugins" / name))]
    return [*COMMAND, "-o", str(out), *plugins, *[word for name in METHODS for word in ("-m", name)]]


def environment(out: Path) -> dict[str, str]:
    """Each with stages of its own."""
    return {**os.environ, "TOPFIVE_CACHE": f"{out}-cache"}


def outcome(out: Path) -> dict[str, dict[str, object]]:
    """Each record without what depends on the time it took."""
    found = {}
    for record in open_run(out).records:
        found[record.cell] = record.model_dump(exclude={"timings": True, "log": True, "finished": True, "costs": TIMES})
        for epoch in found[record.cell]["history"]:
            for spent in ("seconds", "cpu_seconds", "images_per_second"):
                del epoch[spent]
    return found


def started_by(out: Path) -> list[psutil.Process]:
    alive = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if str(out) in " ".join(words) and process.info["status"] != psutil.STATUS_ZOMBIE:
            alive.append(process)
    return alive


def check(out: Path, calm: Path) -> None:
    """A run that ended by itself: the results of the one that nobody disturbed, and nothing half-written."""
    assert outcome(out) == outcome(calm)
    assert not [path for path in out.rglob("*") if path.name.endswith(".part")]
    assert not (out / ".work").exists()
    for path in (calm / "predictions").iterdir():
        assert (out / "predictions" / path.name).read_bytes() == path.read_bytes()
    assert (out / "report.html").stat().st_size > 0
    stages = {path.name: path for path in Path(f"{out}-cache", "stages").rglob("*") if path.suffix in FINISHED}
    assert {path.suffix for path in stages.values()} == FINISHED
    for path in Path(f"{calm}-cache", "stages").rglob("*.arrays"):
        (_, made), (_, expected) = read_arrays(stages[path.name]), read_arrays(path)
        assert made.keys() == expected.keys()
        assert all(np.array_equal(made[name], expected[name]) for name in made), path.name


def test_killed_at_any_moment_and_run_again(tmp_path: Path) -> None:
    calm, out = tmp_path / "calm", tmp_path / "killed"
    begin = time.monotonic()
    subprocess.run(command(calm), check=True, env=environment(calm))
    whole = time.monotonic() - begin
    check(calm, calm)
    moments = np.random.default_rng(2012).uniform(0.05, 0.7, int(os.environ.get("TOPFIVE_KILLS", "2")))
    ended = 0
    for share in moments:
        process = subprocess.Popen(command(out), env=environment(out))
        with suppress(subprocess.TimeoutExpired):
            process.wait(share * whole)
        process.send_signal(signal.SIGKILL)
        process.wait()
        end = time.monotonic() + 20
        while started_by(out):
            assert time.monotonic() < end, "a process was left behind"
            time.sleep(0.05)
        if (out / "results.json").is_file():
            outcome(out)  # whole at any moment
        if process.returncode == 0:  # nothing is left to disturb: from the beginning
            check(out, calm)
            ended += 1
            shutil.rmtree(out)
            shutil.rmtree(f"{out}-cache")
    print(f"{len(moments)} kills of a run of {whole:.0f} s, {ended} of them after its end")
    subprocess.run(command(out), check=True, env=environment(out))
    check(out, calm)
