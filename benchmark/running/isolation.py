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
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from topfive.common.machine import total_memory

from .engine import FITTED, OUTCOME, PREDICTED, PROGRESS

POLL_SECONDS, FAMILY_SECONDS = 0.1, 1.0  # between looks at memory; between searches for children, which cost more
LOOKS = 20  # fewer in a stage, and the process's own figure counts, which knows no mapped file that it has let go
MEMORY_SHARE = 0.95  # of the machine's memory; a cell that takes more is stopped before the kernel chooses a victim
LOG_LINES = 60
# Threads that wait for their siblings sleep instead of spinning: on a machine that does anything else beside, spinning
# made the training of a network five times slower. And glibc keeps what is freed for the next request: handing large
# arrays back to the kernel each time cost that training a tenth of its time.
SETTINGS = {"OMP_WAIT_POLICY": "PASSIVE", "MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**32)}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Outcome:
    """What came of a cell: the fields of its record, those of its probes' answers, and the files that they name."""

    record: dict[str, Any]
    answers: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)


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
        ended, peaks, looks = _watch(process, timeout, stop, folder)
        reader.join(timeout=2)
        process.stdin.close()
        record, answers = _outcome(folder, process.returncode, ended)
        record["log"] = list(lines)
        costs = record.setdefault("costs", {})
        for stage in ("fit", "predict"):
            own = 0 if looks[stage] >= LOOKS else costs.get(f"{stage}_peak_rss_bytes") or 0
            costs[f"{stage}_peak_rss_bytes"] = max(own, peaks[stage]) or None
        costs["peak_rss_bytes"] = max(costs[f"{stage}_peak_rss_bytes"] or 0 for stage in ("fit", "predict")) or None
        named = [one.get("predictions") for one in [record, *answers]]
        named += [file for one in answers for file in one.get("tables", {}).values()]
        return Outcome(record, answers, {file: (folder / file).read_bytes() for file in named if file})


def _watch(
    process: subprocess.Popen[bytes], timeout: float | None, stop: threading.Event, folder: Path
) -> tuple[dict[str, Any], dict[str, int], Counter[str]]:
    """Wait for the end, and make sure of it: (why it was ended early, or {}; peak memory of its processes in bytes; how
    often that was looked at).

    Peaks and looks are those of "fit", "predict" and "ask"; files in ``folder`` say which is under way.
    """
    started = time.monotonic()
    memory = int(total_memory() * MEMORY_SHARE)
    family: set[psutil.Process] = set()
    peaks, ended = {"fit": 0, "predict": 0, "ask": 0}, {}
    looks: Counter[str] = Counter()
    with suppress(psutil.NoSuchProcess):
        family.add(psutil.Process(process.pid))
    searched = 0.0
    while process.poll() is None:
        stage = "ask" if (folder / PREDICTED).exists() else "predict" if (folder / FITTED).exists() else "fit"
        if time.monotonic() - searched > FAMILY_SECONDS:
            searched = time.monotonic()
            _search(family)
        resident = _resident(family)
        peaks[stage] = max(peaks[stage], resident)
        looks[stage] += 1
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
    return ended, peaks, looks


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


def _outcome(folder: Path, returncode: int, ended: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(the record's fields, the answers'): what the process wrote, and what its end says where it could write no more.

    A plain answer that is stored stays: an end while a probe was asking is that probe's failure.
    """
    why = ended or _exit(returncode)
    try:
        stored = json.loads((folder / OUTCOME).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return why, []
    record, answers, asking = stored["record"], stored["answers"], stored["asking"]
    if record["status"] == "done" and asking is not None:
        answers.append({"probe": asking, **why})
    return record, answers


def _exit(returncode: int) -> dict[str, Any]:
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
