"""The arithmetic of a fitted contender's features and scores, and what its device could do: for a roofline."""

from __future__ import annotations

from typing import Any

import torch
from topfive.common import energy
from topfive.common.machine import torch_threads
from topfive.common.work import peaks, work_of

from .compute import product_dtype
from .descriptors import MAX_PIXELS
from .extraction import BATCH

FEW = 2  # images that are counted, and twice as many


def work(contender: Any, images: Any) -> dict[str, Any]:
    """Of a fitted ``coded.Coded``, as the probe ``throughput`` asks for it; see ``contenders.contract``.

    Its training is what dominates it, the features of the training images; the SVM's epochs are in the fit's seconds
    alone. Descriptors are counted as operations move bytes; only matrix products count as arithmetic.
    """
    encoder, device = contender.encoder_, torch.device(contender.device)
    learned, views = 1 + contender.mirrored, contender.views
    [some] = images.batches(2 * FEW, max_pixels=MAX_PIXELS, order=range(min(2 * FEW, len(images))))
    pixels = [some[i % len(some)] for i in range(2 * FEW)]
    with torch_threads(1):  # what other threads do is not counted
        encoded = work_of(lambda n: encoder.encode(pixels[:n]), FEW)
    classes = len(contender.classes_)
    dtype = product_dtype(contender.device)
    peak_flops, peak_bytes = peaks(device, dtype, contender.n_jobs)
    weights = 4 * encoder.dim_ * classes
    return {
        "precision": str(dtype).removeprefix("torch."),
        "threads": contender.n_jobs if device.type == "cpu" else None,
        "batch": BATCH,
        "train_stage": "features",
        "train_images_per_second": contender.n_images_ / contender.timings_["features"],
        "train_flops": learned * encoded.flops,
        "train_bytes": learned * encoded.bytes_in(BATCH),
        "predict_flops": views * (encoded.flops + 2 * encoder.dim_ * classes),
        "predict_bytes": views * (encoded.bytes_in(BATCH) + 4 * encoder.dim_ + weights / len(images)),
        "peak_flops": peak_flops,
        "peak_bytes": peak_bytes,
        "counter": energy.counter(device),
    }
