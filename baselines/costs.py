"""What a stage of a fit costs: wall-clock seconds and CPU seconds, stored with the stage's result."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """``seconds`` of wall-clock time, ``cpu_seconds`` of all threads of this process together."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.seconds + other.seconds, self.cpu_seconds + other.cpu_seconds)

    def __sub__(self, other: Cost) -> Cost:
        """The difference, not below 0."""
        return Cost(max(0.0, self.seconds - other.seconds), max(0.0, self.cpu_seconds - other.cpu_seconds))

    def dearer(self, other: Cost) -> Cost:
        """The maximum of each of the two."""
        return Cost(max(self.seconds, other.seconds), max(self.cpu_seconds, other.cpu_seconds))


def now() -> Cost:
    """The clocks of this process; subtract two readings."""
    return Cost(time.perf_counter(), time.process_time())


def thread_now() -> Cost:
    """The same with the CPU time of the calling thread only."""
    return Cost(time.perf_counter(), time.thread_time())
