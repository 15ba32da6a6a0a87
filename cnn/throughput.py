"""Images a second that AlexNet of 2012 trains at, from device memory, beside what the arithmetic alone would allow.

    python -m topfive.cnn.throughput [--device cuda] [--batch 512] [--images 16384] [--side 224] [--epochs 5]

The whole loop is measured, with the network and the work on each image of ``alexnet-2012``: pixels as bytes on the
device, random crops, flips and colour noise, forward, backward, update. Its batch is 128; 512, the default here, shows
what the device can do. The schedule, which costs nothing, is the one-cycle one, as nothing is held out. The first epoch
compiles and is left out; the median of the others counts.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

from .alexnet import alexnet
from .augment import Augment, Colour
from .device import choose, precision
from .estimator import flops
from .feed import Feed
from .hyperparameters import Hyperparameters
from .train import Job, Trainer


def matmul_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a large square matrix product: the practical peak."""
    n = 8192 if device.type == "cuda" else 2048
    a = torch.randn(n, n, device=device).to(dtype)
    best = float("inf")
    for _ in range(10):
        wait(device)
        started = time.perf_counter()
        torch.mm(a, a)
        wait(device)
        best = min(best, time.perf_counter() - started)
    return 2 * n**3 / best


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def training_flops(side: int, n_classes: int = 1000, width: float = 1.0) -> float:
    """Operations of AlexNet's training on one image, without the LRN's: a forward pass and, for the backward pass,
    twice as many, but that nobody asks for the gradient of the images themselves, which conv1's would be."""
    network = alexnet(n_classes, side, lrn=False, width=width)
    return 3 * flops(network, side) - flops(network[:1], side)


def training_rate(device: torch.device, side: int, batch: int, n_images: int, epochs: int) -> float:
    """Images a second, the median over the epochs but the first."""
    stored = side * 8 // 7
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (n_images, stored, stored, 3), np.uint8))
    labels = torch.arange(n_images) % 1000
    feed = Feed.held(pixels, labels, device)
    colour = Colour.of(pixels[:64], mean_image=True)
    job = Job(
        alexnet(1000, side, init="paper"),
        np.arange(n_images, dtype=np.int64),
        np.zeros(0, np.int64),
        Augment("paper", side, colour, 1.0),
        Hyperparameters(epochs=epochs + 1, batch=batch, optimizer="momentum", lr=1e-5),
        1000,
    )
    history = Trainer(job, feed, precision(device)).run().history
    return statistics.median(record["images_per_second"] for record in history[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--images", type=int, default=16384)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--epochs", type=int, default=5)
    given = parser.parse_args()
    device = choose(given.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    dtype = precision(device)
    rate = training_rate(device, given.side, given.batch, given.images, given.epochs)
    work = training_flops(given.side)
    peak = matmul_rate(device, dtype)
    print(
        f"alexnet-2012 at {given.side}, batch {given.batch}, {str(dtype).removeprefix('torch.')}, {name}: "
        f"{rate:.0f} images/s trained; FLOP floor {peak / work:.0f} images/s "
        f"({work / 1e9:.2f} GFLOP an image, {peak / 1e12:.2f} TFLOP/s in a matrix product)"
    )


if __name__ == "__main__":
    main()
