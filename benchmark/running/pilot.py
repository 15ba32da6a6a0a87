"""What a cell would cost, from two short pilots: time, memory and disk as straight lines in the number of images."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .display import clock
from .isolation import run_isolated

SHARES = (1, 3)  # of PILOT_PER_CLASS images a class
PILOT_PER_CLASS = 4
PILOT_SECONDS = 300.0


@dataclass(frozen=True)
class Forecast:
    """Seconds, bytes of memory and of disk for the whole cell; ``reason`` instead where a pilot did not finish."""

    seconds: float = 0.0
    memory: float = 0.0
    disk: float = 0.0
    reason: str = ""

    def __str__(self) -> str:
        if self.reason:
            return self.reason
        return (
            f"about {clock(self.seconds)}, {self.memory / 2**30:.1f} GiB of memory, {self.disk / 1e6:,.0f} MB of cache"
        )


def estimate(task: dict[str, Any], n_train: int, say: Callable[[str], None]) -> Forecast:
    """Run ``task`` (see ``engine``) on two small subsets and extend the lines through them to the whole."""
    points = []
    for share in SHARES:
        per_class = share * PILOT_PER_CLASS
        with tempfile.TemporaryDirectory(prefix="topfive-pilot-") as name:
            cache = Path(name, "cache")
            cache.mkdir()
            condition = {**task["condition"], "train_per_class": per_class}
            small = {**task, "condition": condition, "probes": [], "cache_dir": str(cache)}
            record = run_isolated(
                small, Path(name), timeout=PILOT_SECONDS, stop=threading.Event(), on_progress=say
            ).record
            if record["status"] != "done":
                return Forecast(
                    reason=f"{record['status']} on a pilot of {per_class} images a class: {record['reason']}"
                )
            disk = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
        costs = record["costs"]
        points.append((record["n_train"], costs["fit_seconds"], costs["peak_rss_bytes"], disk, costs))
    (n1, *first, _), (n2, *second, last) = points
    if n2 == n1:
        fit, memory, disk = second
    else:
        fit, memory, disk = (
            b + max(0.0, (b - a) / (n2 - n1)) * (n_train - n2) for a, b in zip(first, second, strict=True)
        )
    predict = last["predict_seconds"]  # the pilots predict the whole validation set
    return Forecast(max(0.0, fit) + predict, memory, disk)
