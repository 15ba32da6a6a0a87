"""Training and LRN on the CPU against plain PyTorch, in one process on the same batch, in alternating rounds.

The peer is what one writes first: the same network with ``torch.nn.LocalResponseNorm``, eager, float32, channels first,
unfused SGD. Ours is the training loop's: banded LRN, bfloat16 where the CPU has it, channels last, fused SGD. Absolute
times on a shared machine mean little; the median of the rounds' ratios does. Nothing here fails a build.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from topfive.cnn.alexnet import alexnet
from topfive.cnn.device import precision
from topfive.cnn.lrn import LocalResponseNorm
from topfive.cnn.throughput import training_flops
from torch import nn

CPU = torch.device("cpu")
ROUNDS = 3


def peers_alexnet(n_classes: int, side: int, width: float) -> nn.Sequential:
    network = alexnet(n_classes, side, width=width)
    for name, layer in list(network.named_children()):
        if isinstance(layer, LocalResponseNorm):
            setattr(network, name, nn.LocalResponseNorm(5, 1e-4, 0.75, 2.0))
    return network


def trainer(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, ours: bool) -> Callable[[], None]:
    """One step of training on the batch, as a function."""
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4, fused=ours)
    dtype = precision(CPU) if ours else torch.float32
    if ours:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        images = images.contiguous(memory_format=torch.channels_last)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            logits = network(images)
        F.cross_entropy(logits.float(), labels).backward()
        optimizer.step()

    return step


def seconds(step: Callable[[], None]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def alternate(ours: Callable[[], None], theirs: Callable[[], None]) -> tuple[float, float, float]:
    """(median ratio theirs/ours, our best seconds, their best seconds)."""
    for warm in (ours, theirs):
        warm()
    rounds = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)]
    return statistics.median(b / a for a, b in rounds), min(a for a, _ in rounds), min(b for _, b in rounds)


def peak_flops(dtype: torch.dtype) -> float:
    """Best rate of a square matrix product in this precision, the floor's denominator: operations a second."""
    a = torch.randn(2048, 2048).to(dtype)
    best = min(seconds(lambda: torch.mm(a, a)) for _ in range(8))
    return 2 * 2048**3 / best


@pytest.mark.parametrize(
    ("side", "width", "batch"), [(64, 0.5, 64), (64, 1.0, 64), (224, 1.0, 64)], ids=["64-half", "64-full", "224-full"]
)
def test_training_alexnet(side: int, width: float, batch: int) -> None:
    torch.manual_seed(0)
    images, labels = torch.randn(batch, 3, side, side), torch.randint(0, 200, (batch,))
    network = alexnet(200, side, width=width)
    ours = trainer(network, images, labels, ours=True)
    theirs = trainer(peers_alexnet(200, side, width), images, labels, ours=False)
    ratio, a, b = alternate(ours, theirs)
    work = training_flops(side, 200, width) * batch
    dtype = precision(CPU)
    peak = peak_flops(dtype)
    print(
        f"\nalexnet training, {side} px, width {width:g}, batch {batch}: {ratio:.1f}x plain float32 PyTorch "
        f"({batch / a:.0f} against {batch / b:.0f} images/s; FLOP floor {batch * peak / work:.0f} images/s: "
        f"{work / batch / 1e9:.2f} GFLOP an image at {peak / 1e9:.0f} GFLOP/s {str(dtype).removeprefix('torch.')})"
    )
    assert ratio > 0


@pytest.mark.parametrize(("channels", "side"), [(96, 32), (96, 55), (256, 27)])
def test_lrn(channels: int, side: int) -> None:
    x = torch.randn(32, channels, side, side)
    last = x.to(precision(CPU)).contiguous(memory_format=torch.channels_last)

    def passes(layer: nn.Module, images: torch.Tensor) -> Callable[[], None]:
        images = images.clone().requires_grad_()

        def both() -> None:
            layer(images).sum().backward()

        return both

    ratio, a, _ = alternate(
        passes(LocalResponseNorm(channels), last), passes(nn.LocalResponseNorm(5, 1e-4, 0.75, 2.0), x)
    )
    print(
        f"\nLRN forward and backward, 32x{channels}x{side}x{side}: {ratio:.1f}x nn.LocalResponseNorm ({1e3 * a:.1f} ms)"
    )
    assert ratio > 0
