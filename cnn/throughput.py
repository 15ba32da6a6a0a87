"""Images a second that a network trains at, from device memory, beside what the arithmetic alone would allow.

    python -m topfive.cnn.throughput [NETWORK] [--device cuda] [--side 224] [--batch 512] [--images 32768] [--epochs 6]
                                     [--profile] [--json FILE]

NETWORK is "alexnet-2012" (the default), "alexnet" or "resnet-2015". The training loop itself is measured, on random
pixels that lie on the device, with the network, batch, sizes and augmentation that the contender has on that device;
only the learning rate is tiny. ``alexnet-2012``'s own batch is 128; 512, the default here, shows what the device can
do. Compiling and capturing come before the first epoch and are given apart. Of the epochs at the full size the first is
left out and the median counts.

It then says what a step is made of: whether it was captured, why not, where the compiler broke the network's graph,
a step's time when it is replayed, when it is launched operation by operation, and of its parts; with ``--profile``
also the kernels that take longest. ``--json`` appends the figures to a file, one object a line.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from topfive.common.work import wait
from torch import nn

from .alexnet import alexnet
from .augment import Augment
from .device import choose, precision
from .estimator import DeepClassifier, flops
from .feed import Feed
from .models import AlexNet, AlexNet2012, ResNet2015
from .train import Job, Trainer

NETWORKS: dict[str, type[DeepClassifier]] = {
    "alexnet-2012": AlexNet2012,
    "alexnet": AlexNet,
    "resnet-2015": ResNet2015,
}
SIDES = {"alexnet-2012": 224, "alexnet": 64, "resnet-2015": 64}
CLASSES = {"alexnet-2012": 1000, "alexnet": 200, "resnet-2015": 200}


def matmul_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a large square matrix product: the practical peak."""
    n = 8192 if device.type == "cuda" else 2048
    a = torch.randn(n, n, device=device).to(dtype)
    return 2 * n**3 / min(timed(device, lambda: torch.mm(a, a), 1) for _ in range(10))


def timed(device: torch.device, call: Callable[[], Any], times: int) -> float:
    """Seconds of one of so many calls, with the device waited for before and after them."""
    wait(device)
    started = time.perf_counter()
    for _ in range(times):
        call()
    wait(device)
    return (time.perf_counter() - started) / times


def training_flops(side: int, n_classes: int = 1000, width: float = 1.0) -> float:
    """Operations of AlexNet's training on one image, without the LRN's."""
    return flops_of_training(alexnet(n_classes, side, lrn=False, width=width), side)


def flops_of_training(network: nn.Module, side: int) -> float:
    """A forward pass and, for the backward pass, twice as many operations, but that nobody asks for the gradient of the
    images themselves, which the first layer's would be."""
    assert isinstance(network, nn.Sequential)
    return 3 * flops(network, side) - flops(network[:1], side)


def make_trainer(name: str, device: torch.device, side: int, batch: int | None, n_images: int, epochs: int) -> Trainer:
    """The contender's training on random pixels, a fiftieth of which is held out."""
    on_gpu = device.type == "cuda"
    model = NETWORKS[name](side=side, batch=batch, epochs=epochs)
    model.stored_, model.side_ = model._sides(side, on_gpu)
    held_out = n_images // 50
    stored, classes = model.stored_, CLASSES[name]
    pixels = torch.randint(0, 256, (n_images + held_out, stored, stored, 3), dtype=torch.uint8, device=device)
    feed = Feed.held(pixels, torch.arange(n_images + held_out, device=device) % classes, device)
    colour, scale = model._colour(pixels[:64].cpu())
    how = ("scale+flip" if on_gpu else "crop+flip") if model.augment == "auto" else model.augment
    hyper = replace(model._hyperparameters(epochs, n_images, on_gpu), schedule="one-cycle", lr=1e-6)
    order = np.arange(n_images + held_out, dtype=np.int64)
    job = Job(
        model._network(classes, side, on_gpu), order[:n_images], order[n_images:],
        Augment(how or "none", side, colour, scale), hyper, classes,
    )  # fmt: skip
    return Trainer(job, feed, precision(device))


def figures(trainer: Trainer, side: int) -> dict[str, Any]:
    """Train, and sum up the records of the epochs."""
    trained = trainer.run()
    by_side: dict[int, list[float]] = {}
    for record in trained.history:
        by_side.setdefault(int(record["side"]), []).append(record["images_per_second"])
    medians = {s: statistics.median(rates[1:] or rates) for s, rates in by_side.items()}
    whole = trained.history[-1]
    spent = trainer.steps * trainer.batch / whole["images_per_second"]
    return {
        "images_per_second": medians[side],
        "by_side": {s: round(rate) for s, rate in medians.items()},
        "compile_seconds": trained.prepare_seconds,
        "outside_steps": 1 - spent / whole["seconds"],
        "captured": sorted(trainer.step.graphs),
        "at_once": trainer.step.at_once,
        "batch": trainer.batch,
        "peak_gb": trained.peak_bytes / 1e9,
        "parameters": sum(p.numel() for p in trainer.network.parameters()),
    }


def parts_of_a_step(trainer: Trainer, side: int, times: int) -> dict[str, float]:
    """Milliseconds, means of so many ``times``: of a step as it runs, of the same launched operation by operation, and
    of its parts.

    The parts are launched one after the other, so that on a GPU each is at least what the host takes to launch it.
    """
    step, device = trainer.step, trainer.device
    trainer.network.train()

    def at_the_start(call: Callable[[], Any]) -> Callable[[], Any]:
        def from_the_first_step() -> None:
            step.place.zero_()
            call()

        return from_the_first_step

    rows = step.span
    assert step.feed.pixels is not None
    drawn = {name: t[rows] for name, t in step.numbers.items() if name not in ("order", "rates")}
    chosen = step.numbers["order"][rows]
    pixels, labels = step.feed.pixels[chosen], step.feed.labels[chosen]
    images = step.augment.apply(pixels, drawn, side)

    def forward() -> None:
        with torch.autocast(device.type, step.dtype, enabled=step.dtype != torch.float32):
            step.forward(images[: step.at_once])

    calls: dict[str, Callable[[], Any]] = {
        "a step": at_the_start(lambda: step(side)),
        "the same, not captured": at_the_start(lambda: step.body(side)),
        "gather": lambda: step.feed.pixels[chosen] if step.feed.pixels is not None else None,
        "augmentation": lambda: step.augment.apply(pixels, drawn, side),
        "forward": forward,
        "forward, loss and backward": lambda: step.backward(images, labels, step.at_once),
        "update": step.optimizer.step,
    }
    found = {}
    for name, call in calls.items():
        timed(device, call, 1)
        found[name] = 1e3 * timed(device, call, times)
    return found


def kernels(trainer: Trainer, side: int, most: int = 18) -> str:
    """A table of the kernels of ten steps by the time they take; why not, where they cannot be watched."""
    from torch.profiler import ProfilerActivity, profile

    try:
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
            for _ in range(10):
                trainer.step.place.zero_()
                trainer.step(side)
            wait(trainer.device)
        events = [e for e in profiler.key_averages() if e.self_device_time_total > 0 and e.device_type.name == "CUDA"]
    except Exception as error:  # CUPTI may be missing or forbidden; the other figures stand without it
        return f"kernels cannot be watched: {type(error).__name__}: {error}"
    total = sum(e.self_device_time_total for e in events)
    lines = [f"kernels: {total / 1e4:.3f} ms a step on the device, {sum(e.count for e in events) // 10} of them"]
    lines += [
        f"  {e.self_device_time_total / 1e4:7.3f} ms  {e.count / 10:5.0f} x  {e.key[:110]}"
        for e in sorted(events, key=lambda e: -e.self_device_time_total)[:most]
    ]
    return "\n".join(lines)


def compiler_says() -> str:
    """Where the compiler broke the graph and how often it compiled, in one line each."""
    from torch._dynamo.utils import counters

    lines = [f"compiler: {dict(counters['stats'])}, cache {cached(dict(counters['inductor']))}"]
    lines += [
        f"  graph break ({n} x): {' '.join(reason.split())[:300]}" for reason, n in counters["graph_break"].items()
    ]
    return "\n".join(lines)


def cached(inductor: dict[str, int]) -> str:
    return ", ".join(f"{name.removeprefix('fxgraph_cache_')} {n}" for name, n in inductor.items() if "cache" in name)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("network", nargs="?", default="alexnet-2012", choices=NETWORKS)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--images", type=int, default=32768)
    parser.add_argument("--side", type=int)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format="%(levelname)s %(message)s")
    device = choose(given.device)
    side = SIDES[given.network] if given.side is None else given.side
    hardware = (
        torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    )
    dtype = precision(device)
    trainer = make_trainer(given.network, device, side, given.batch, given.images, given.epochs)
    found = figures(trainer, side)
    # A copy, as captured steps know where the weights are.
    work, peak = flops_of_training(deepcopy(trainer.network).cpu(), side), matmul_rate(device, dtype)
    print(
        f"{given.network} at {side}, batch {found['batch']}, {str(dtype).removeprefix('torch.')}, {hardware}, "
        f"torch {torch.__version__}: {found['images_per_second']:.0f} images/s trained; FLOP floor "
        f"{peak / work:.0f} images/s ({work / 1e9:.2f} GFLOP an image, {peak / 1e12:.2f} TFLOP/s in a matrix product)"
    )
    captured = f"captured at {found['captured']}" if found["captured"] else "not captured"
    print(
        f"steps {captured}; by side {found['by_side']}; compiled and captured in {found['compile_seconds']:.1f} s; "
        f"{100 * found['outside_steps']:.0f} % of an epoch outside its steps; {found['parameters'] / 1e6:.1f} M "
        f"parameters; {found['at_once']} images at a time; peak memory {found['peak_gb']:.1f} GB"
    )
    if given.json is not None:  # first, as what follows only explains
        row = {"part": given.network, "hardware": hardware, "floor": peak / work, **found}
        with given.json.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    if device.type == "cuda":
        print(compiler_says())
    for name, milliseconds in parts_of_a_step(trainer, side, 20 if device.type == "cuda" else 1).items():
        print(f"  {milliseconds:8.3f} ms  {name}")
    if given.profile:
        print(kernels(trainer, side))


if __name__ == "__main__":
    main()
