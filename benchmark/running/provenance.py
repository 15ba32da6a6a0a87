"""Where a result comes from: the data, the command, the code, the versions and the machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from topfive.common.machine import cores, total_memory

from ..data import Dataset
from ..data.wordnet import branch, known

CORE = (
    *("topfive", "torch", "numpy", "scipy", "scikit-learn", "scikit-image", "opencv-python-headless", "pandas"),
    *("pyarrow", "matplotlib", "statsmodels"),
)


def collect(config: dict[str, Any]) -> dict[str, Any]:
    """The fixed part of ``manifest.json``."""
    return {
        "command": ["topfive", *sys.argv[1:]],
        "config": config,
        "seeds": config["seed"],
        "git": _git(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found for name in CORE if (found := _version(name))},
        "hardware": {
            "cpu": _cpu(),
            "cores": cores(),
            "memory_bytes": total_memory(),
            "gpus": gpus(),
        },
    }


def describe(name: str, dataset: Dataset, *, limited: bool) -> dict[str, Any]:
    """What ``results.json`` keeps of a data set; the report knows no more of it."""
    height, width = dataset.val.images.typical_size
    return {
        "name": name,
        "title": dataset.title,
        "description": dataset.description,
        "layout": dataset.layout,
        "n_train": len(dataset.train.images),
        "n_val": len(dataset.val.images),
        "n_classes": len(dataset.classes),
        "classes": list(dataset.classes),
        "class_names": list(dataset.class_names),
        "branches": [branch(wnid) for wnid in dataset.classes] if known(dataset.classes) else None,
        "fingerprint": dataset.fingerprint,
        "image_size": [height, width],
        "limited": limited,
        "problems": [{"split": p.split, "id": p.id, "reason": p.reason} for p in dataset.problems],
        "notes": list(dataset.notes),
    }


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


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git() -> dict[str, Any] | None:
    """Commit of the source tree this code runs from, and whether it was changed; None for an installed package."""

    def ask(*words: str) -> str:
        command = ["git", "-C", str(Path(__file__).resolve().parent), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()

    try:
        if not Path(ask("rev-parse", "--show-toplevel"), "setup.cfg").is_file() or not ask("ls-files", __file__):
            return None
        return {"commit": ask("rev-parse", "HEAD"), "changed": bool(ask("status", "--porcelain", "-uno"))}
    except (OSError, subprocess.SubprocessError):
        return None
