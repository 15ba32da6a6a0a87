"""The code, the versions and the machine that make a result."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from topfive.common.machine import cores, total_memory

from .schema import Environment

# Those that compute what a contender answers; a cell of other versions is another cell.
COMPUTING = (*("torch", "numpy", "scipy", "scikit-learn", "scikit-image", "opencv-python-headless", "simplejpeg"),)
TOLD = ("topfive", *COMPUTING, "pandas", "pyarrow", "matplotlib")


def environment() -> Environment:
    """Of this process, now."""
    commit, uncommitted = _git()
    packages = versions(TOLD)
    return Environment(
        commit=commit,
        uncommitted=uncommitted,
        topfive=packages.get("topfive"),
        python=platform.python_version(),
        platform=platform.platform(),
        packages=packages,
        cpu=_cpu(),
        cores=cores(),
        memory_bytes=total_memory(),
        gpus=gpus(),
    )


def versions(names: tuple[str, ...] = COMPUTING) -> dict[str, str]:
    """Versions of the installed packages among ``names``."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def gpus() -> list[str]:
    """Names of the NVIDIA GPUs, asked of the driver's own tool so that no deep-learning library is imported."""
    try:
        answer = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in answer.stdout.splitlines() if line.strip()] if answer.returncode == 0 else []


def visible_gpus() -> list[str]:
    """Those GPUs that a program started here may use, as CUDA_VISIBLE_DEVICES names them."""
    there = [str(i) for i in range(len(gpus()))]
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return there if chosen is None or not there else [name.strip() for name in chosen.split(",") if name.strip()]


def resolved(device: str) -> str:
    """What ``--device`` means on this machine: "cpu", or the GPUs by name. "auto" is a GPU where one may be used."""
    if device == "auto" and not visible_gpus():
        return "cpu"
    if device == "auto" or device.startswith("cuda"):
        names = dict(enumerate(gpus()))
        seen = [names.get(int(gpu), gpu) if gpu.isdecimal() else gpu for gpu in visible_gpus()]
        # "auto" and "cuda" are any one of them, so that more of the same kind change nothing.
        those = seen if ":" in device else sorted(set(seen))
        return f"{'cuda' if device == 'auto' else device}: {', '.join(those) or 'none'}"
    return device


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git() -> tuple[str | None, bool | None]:
    """(commit of the source tree this code runs from, whether it was changed since); Nones for an installed package."""

    def ask(*words: str) -> str:
        command = ["git", "-C", str(Path(__file__).resolve().parent), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()

    try:
        if not Path(ask("rev-parse", "--show-toplevel"), "setup.cfg").is_file() or not ask("ls-files", __file__):
            return None, None
        return ask("rev-parse", "HEAD"), bool(ask("status", "--porcelain", "-uno"))
    except (OSError, subprocess.SubprocessError):
        return None, None
