"""A cell in a process of its own: started, watched, and ended with everything that it started.

Whatever happens to that process (an exception, a crash, a hang, an exit, the kernel's out-of-memory killer) becomes an
outcome with a status and a reason; nothing of it reaches the runner or the other cells.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from topfive.common.machine import total_memory

from .engine import FITTED, PROGRESS

POLL_SECONDS, FAMILY_SECONDS = 0.1, 1.0  # between looks at memory; between searches for children, which cost more
MEMORY_SHARE = 0.95  # of the machine's memory; a cell that takes more is stopped before the kernel chooses a victim
LOG_LINES = 60
# Threads that wait for their siblings sleep instead of spinning: on a machine that does anything else beside, spinning
# made the training of a network five times slower. And glibc keeps what is freed for the next request: handing large
# arrays back to the kernel each time cost that training a tenth of its time.
SETTINGS = {"OMP_WAIT_POLICY": "PASSIVE", "MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**32)}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Outcome:
    """What came of a cell: a record to merge into its row and, when done, the predictions file's bytes."""

    record: dict[str, Any]
    predictions: bytes | None


def run_isolated(
    cell: dict[str, Any],
    scratch: Path,
    *,
    timeout: float | None,
    stop: threading.Event,
    on_progress: Callable[[str], None],
    gpu: str | None = None,
) -> Outcome:
    """Run ``cell`` (see ``engine``) to its end, its time limit in seconds, or until ``stop`` is set.

    It works in a folder of its own below ``scratch``, which is gone afterwards. ``gpu``: the only one it is to see, as
    CUDA_VISIBLE_DEVICES names it; None leaves that as it is.
    """
    with tempfile.TemporaryDirectory(prefix="cell-", dir=scratch) as name:
        folder = Path(name)
        (folder / "cell.json").write_text(json.dumps(cell), encoding="utf-8")
        given = {**dict.fromkeys(THREAD_VARIABLES, str(cell["n_jobs"])), "PYTHONUNBUFFERED": "1"}
        if gpu is not None:
            given["CUDA_VISIBLE_DEVICES"] = gpu
        process = subprocess.Popen(
            [sys.executable, "-m", "topfive.benchmark.running.engine", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**SETTINGS, **os.environ, **given},
            start_new_session=True,
        )
        assert process.stdin is not None
        lines: deque[str] = deque(maxlen=LOG_LINES)
        reader = threading.Thread(target=_read, args=(process, lines, on_progress), daemon=True)
        reader.start()
        ended, peaks = _watch(process, timeout, stop, folder / FITTED)
        reader.join(timeout=2)
        process.stdin.close()
        record = ended or _outcome(folder, process.returncode)
        record["log"] = list(lines)
        for stage, peak in peaks.items():  # a process that ended between two looks knows its own
            record[f"{stage}_peak_rss_bytes"] = max(record.get(f"{stage}_peak_rss_bytes") or 0, peak) or None
        record["peak_rss_bytes"] = max(record[f"{stage}_peak_rss_bytes"] or 0 for stage in peaks) or None
        predictions = folder / "predictions.parquet"
        done = record["status"] == "done"
        return Outcome(record, predictions.read_bytes() if done else None)


def _watch(
    process: subprocess.Popen[bytes], timeout: float | None, stop: threading.Event, fitted: Path
) -> tuple[dict[str, Any], dict[str, int]]:
    """Wait for the end, and make sure of it: (why it was ended early, or {}; peak memory of its processes in bytes).

    The peaks are those before and after the file ``fitted`` is there: of "fit" and of "predict".
    """
    started = time.monotonic()
    memory = int(total_memory() * MEMORY_SHARE)
    family: set[psutil.Process] = set()
    peaks, ended = {"fit": 0, "predict": 0}, {}
    with suppress(psutil.NoSuchProcess):
        family.add(psutil.Process(process.pid))
    searched = 0.0
    while process.poll() is None:
        stage = "predict" if fitted.exists() else "fit"
        if time.monotonic() - searched > FAMILY_SECONDS:
            searched = time.monotonic()
            _search(family)
        resident = _resident(family)
        peaks[stage] = max(peaks[stage], resident)
        if stop.is_set():
            ended = {"status": "interrupted", "reason": "stopped by the user"}
        elif timeout is not None and time.monotonic() - started > timeout:
            ended = {"status": "timeout", "reason": f"not finished after {timeout:g} s"}
        elif resident > memory:
            ended = {
                "status": "oom",
                "reason": f"took {resident / 2**30:.1f} GiB of {memory / MEMORY_SHARE / 2**30:.1f}",
            }
        if ended:
            break
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
    _search(family)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for member in family:  # also those that left the process group
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()
    return ended, peaks


def _search(family: set[psutil.Process]) -> None:
    """Add the children of all members; who once belonged stays, even when its parent has gone."""
    for member in list(family):
        with suppress(psutil.NoSuchProcess):
            family.update(member.children(recursive=True))


def _resident(family: set[psutil.Process]) -> int:
    """Bytes that the processes in ``family`` hold in memory of their own.

    Pages of mapped files (features on disk, libraries) are the kernel's cache and not counted: it takes them back.
    """
    total = 0
    for member in family:
        with suppress(psutil.NoSuchProcess):
            info = member.memory_info()
            total += info.rss - getattr(info, "shared", 0)
    return total


def _outcome(folder: Path, returncode: int) -> dict[str, Any]:
    """What the process wrote at its end; where it could not write any more, what its exit says."""
    try:
        outcome: dict[str, Any] = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
        return outcome
    except (OSError, json.JSONDecodeError):
        pass
    if returncode == -signal.SIGKILL:
        return {"status": "oom", "reason": "killed by the system (SIGKILL), most likely because memory ran out"}
    if returncode < 0:
        name = signal.Signals(-returncode).name
        return {"status": "failed", "reason": f"crashed with {name} ({signal.strsignal(-returncode)})"}
    return {"status": "failed", "reason": f"its process exited with status {returncode} without an answer"}


def _read(process: subprocess.Popen[bytes], lines: deque[str], on_progress: Callable[[str], None]) -> None:
    """Keep the last lines of what the cell prints; pass on those that are progress."""
    assert process.stdout is not None
    with process.stdout as output:
        for raw in output:
            line = raw.decode(errors="replace").rstrip("\n")
            lines.append(line.removeprefix(PROGRESS)[:500])
            if line.startswith(PROGRESS):
                on_progress(line.removeprefix(PROGRESS))
