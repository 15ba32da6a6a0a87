"""The probe ``throughput``: images a second, energy, and the share of what the hardware could do."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from topfive.common import energy
from topfive.common.parameters import whole_number

from .contract import Fitted, Images, hook

KEYS = (
    *("precision", "threads", "batch", "train_stage", "train_images_per_second"),
    *("train_flops", "train_bytes", "predict_flops", "predict_bytes", "peak_flops", "peak_bytes"),
)

LEAST_SECONDS = 1.0  # of all rounds: a card's counter of energy moves ten times a second


class Throughput:
    """How fast it predicts when warm, how fast it trained, and its share of the roofline.

    Prediction is timed from pixels in memory to scores on the host, which waits for the device, after one round that
    does not count; the median of ``repeats`` rounds. The rest is what the contender says of itself (its method
    ``work``). The roofline after Williams, Waterman and Patterson, "Roofline: an insightful visual performance model
    for multicore architectures", CACM 2009; the peaks are measured, not those of a data sheet. Energy is that of the
    whole package or card (RAPL, NVML) while it predicts.

    Parameters
    ----------
    images: how many validation images are predicted at a time.
    repeats: rounds that count, at least.
    random_state: seed of the choice of images.
    """

    def __init__(self, images: int = 200, repeats: int = 3, random_state: int = 0) -> None:
        self.images = images
        self.repeats = repeats
        self.random_state = random_state
        whole_number("images", images, 1)
        whole_number("repeats", repeats, 1)
        whole_number("random_state", random_state, 0)

    def ask(self, contender: Fitted, images: Images, labels: NDArray[np.int64]) -> Mapping[str, pa.Table]:
        """``{"throughput": one row}``: images, predict_seconds and predict_joules of all of them, and ``KEYS``."""
        pixels = [images[i] for i in range(len(images))]
        contender.scores(pixels)
        seconds: list[float] = []
        before, total = energy.read(), 0.0
        while len(seconds) < self.repeats or total < LEAST_SECONDS:
            started = time.perf_counter()
            contender.scores(pixels)
            seconds.append(time.perf_counter() - started)
            total += seconds[-1]
        after = energy.read()
        work = hook(contender, "work")
        told = {} if work is None else work(images)
        joules = energy.spent(before, after, str(told.get("counter", "cpu:")))
        row: dict[str, Any] = {
            "images": len(pixels),
            "predict_seconds": statistics.median(seconds),
            "predict_joules": None if joules is None else joules / len(seconds),
            **{key: told.get(key) for key in KEYS},
        }
        return {"throughput": pa.table({key: [value] for key, value in row.items()})}
