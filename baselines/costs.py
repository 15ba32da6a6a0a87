"""What a piece of work took: seconds on the clock and seconds of processor, added up and stored with its result."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """``seconds`` on the clock, ``cpu_seconds`` of all cores of this process together."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.seconds + other.seconds, self.cpu_seconds + other.cpu_seconds)

    def __sub__(self, other: Cost) -> Cost:
        """What is left; never below 0."""
        return Cost(max(0.0, self.seconds - other.seconds), max(0.0, self.cpu_seconds - other.cpu_seconds))

    def dearer(self, other: Cost) -> Cost:
        """The larger of each."""
        return Cost(max(self.seconds, other.seconds), max(self.cpu_seconds, other.cpu_seconds))


def now() -> Cost:
    """The clocks of this process, of which differences are meant."""
    return Cost(time.perf_counter(), time.process_time())


def thread_now() -> Cost:
    """The same with the processor time of this thread alone."""
    return Cost(time.perf_counter(), time.thread_time())
