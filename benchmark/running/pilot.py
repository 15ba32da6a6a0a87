"""What a cell would cost, from short pilots on growing parts of its training images.

Work is images × passes over them where a contender says how many (``passes``), else images. Pilots grow threefold until
one takes long enough to go by, or tells enough, or has all images. The last two are extended to the whole in two ways:
by a straight line, which is too high where a stage ends growing (a codebook is learned from so many patches and no
more), and by a power, which is too low where a constant part hides the growth. The truth lies between, give or take
``MARGIN`` and ``SLACK``; how well that holds: tests/speed/dry_run.py.
"""

from __future__ import annotations

import math
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .display import clock
from .isolation import run_isolated

START, LEAST = 4, 250  # images a class in the first pilot, and in all: with fewer, codebooks take longer with each
GROWTH = 3  # how much each is larger than the one before
# The hand-engineered solve few rows exactly, and learn more of them step by step: one says nothing of the other.
EXACT_PER_CLASS, EXACT_ROWS = 50, 5000
TRIFLE = 4.0  # seconds: a range no wider needs no further pilot
LONG_ENOUGH = 10.0  # seconds of fitting: a further pilot that would take longer is not run
PILOT_SECONDS = 300.0
MARGIN = 1.5  # either way, for what changes from run to run: a machine's other tenants take that much
SLACK = 1.0  # seconds, either way: what a process does at its first call, and never again
STEEP = 2.0  # times growth in proportion, at most, where one pilot alone tells: exact SVMs grow faster than their rows


@dataclass(frozen=True)
class Pilot:
    """One pilot: images × passes, seconds of fitting, bytes of memory and of cache; seconds to predict one image."""

    images: int
    work: float
    seconds: float
    memory: float
    disk: float
    predict: float


@dataclass(frozen=True)
class Forecast:
    """Seconds between ``low`` and ``high``, bytes of memory and of disk; ``reason`` where a pilot did not finish."""

    low: float = 0.0
    high: float = 0.0
    memory: float = 0.0
    disk: float = 0.0
    reason: str = ""

    def __str__(self) -> str:
        if self.reason:
            return self.reason
        return f"{span(self)}, {self.memory / 2**30:.1f} GiB of memory, {self.disk / 1e6:,.0f} MB of cache"


def span(forecast: Forecast) -> str:
    """ "40 s to 1:10"."""
    low, high = clock(forecast.low), clock(forecast.high)
    return f"about {low}" if low == high else f"{low} to {high}"


def estimate(task: dict[str, Any], n_train: int, n_val: int, n_classes: int, say: Callable[[str], None]) -> Forecast:
    """Run ``task`` (see ``engine``) on growing subsets of its ``n_train`` images and foresee the whole."""
    pilots: list[Pilot] = []
    per_class, most = max(START, math.ceil(LEAST / n_classes)), task["condition"].get("train_per_class", math.inf)
    alike = min(n_train, EXACT_PER_CLASS * n_classes, EXACT_ROWS + 1)  # images from which a pilot works as the whole
    while True:
        ran = _pilot(task, min(per_class, most), n_train, say)
        if isinstance(ran, str):
            return Forecast(reason=ran)
        pilot, whole = ran
        if pilots and pilot.images == pilots[-1].images:
            break  # there are no more
        pilots.append(pilot)
        found = foresee(pilots, whole, n_train, n_val)
        if pilot.images < alike:
            per_class = max(per_class + 1, math.ceil(alike / n_classes))
            continue
        if pilot.images >= n_train or found.high - found.low <= TRIFLE:
            break
        if len(pilots) > 1 and GROWTH * pilot.seconds > LONG_ENOUGH:
            break
        per_class *= GROWTH
    return found


def foresee(pilots: Sequence[Pilot], whole: float, n_train: int, n_val: int) -> Forecast:
    """From one pilot or more to a fit of ``whole`` work on ``n_train`` images, and predicting ``n_val``.

    From one alone: between no growth and ``STEEP`` times growth in proportion.
    """
    last = pilots[-1]
    predict = last.predict * n_val
    line = power = last.seconds
    memory, disk = last.memory, last.disk
    if len(pilots) == 1:
        line *= STEEP * whole / last.work if whole > last.work else 1.0
        disk *= n_train / last.images
    else:
        before = pilots[-2]
        growth = (last.seconds - before.seconds) / (last.work - before.work)
        line += max(growth, 0.0) * max(whole - last.work, 0.0)
        exponent = math.log(max(last.seconds, 1e-6) / max(before.seconds, 1e-6)) / math.log(last.work / before.work)
        power *= (whole / last.work) ** max(exponent, 0.0)
        more = (n_train - last.images) / (last.images - before.images)
        memory += max(last.memory - before.memory, 0.0) * more
        disk += max(last.disk - before.disk, 0.0) * more
    low, high = sorted((line, power))
    least, most = max(0.0, (low + predict) / MARGIN - SLACK), (high + predict) * MARGIN + SLACK
    return Forecast(least, most, memory, disk)


def _pilot(task: dict[str, Any], per_class: int, n_train: int, say: Callable[[str], None]) -> tuple[Pilot, float] | str:
    """(the pilot, the work of the whole); or why there is none."""
    with tempfile.TemporaryDirectory(prefix="topfive-pilot-") as name:
        cache = Path(name, "cache")
        cache.mkdir()
        condition = {**task["condition"], "train_per_class": per_class}
        small = {**task, "condition": condition, "probes": [], "cache_dir": str(cache), "pilot_of": n_train}
        record = run_isolated(small, Path(name), timeout=PILOT_SECONDS, stop=threading.Event(), on_progress=say).record
        if record["status"] != "done":
            return f"{record['status']} on a pilot of {per_class} images a class: {record['reason']}"
        disk = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    costs, images, passes = record["costs"], record["n_train"], record["passes"]
    pilot = Pilot(
        images,
        images * passes["here"],
        costs["fit_seconds"],
        costs["peak_rss_bytes"],
        disk,
        1 / costs["images_per_second"],
    )
    return pilot, n_train * passes["whole"]
