"""One step of training as a function of static shapes, which the host only launches.

All that differs between the steps of an epoch, the images' order, the numbers of the augmentation and the learning
rates, is drawn before the epoch begins and copied to the device once. A counter there says which step it is. So a step
takes nothing from the host and gives nothing back to it; its loss and errors are summed on the device.

On a GPU the function is captured as a CUDA graph for each size of images, and a step is one launch of that. On a CPU,
in several processes, and where capturing fails, the same function is called as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import mix
from .augment import Augment
from .device import first_line, out_of_memory, to_device, within_memory
from .feed import Feed
from .hyperparameters import set_rate, state_tensors

log = logging.getLogger("topfive.cnn")
WARM_UP = 2  # calls before a capture: what is compiled, chosen or allocated in the first calls must be there


class TrainingStep:
    """Gather, augment, forward, loss, backward, update.

    network    its parameters and buffers are updated by ``forward``, which is the network, compiled or data-parallel
    batch      images of a step in this process
    at_once    how many of them go through the network at a time; halved when memory runs out
    loss_sum, wrong   sums over the steps since ``begin``: mean loss of the batch, number of wrong answers (float32)
    """

    def __init__(
        self,
        network: nn.Module,
        forward: Callable[[Tensor], Tensor],
        optimizer: torch.optim.Optimizer,
        augment: Augment,
        feed: Feed,
        batch: int,
        dtype: torch.dtype,
        label_smoothing: float,
        halve: bool,
    ) -> None:
        self.network, self.forward, self.optimizer, self.augment, self.feed = network, forward, optimizer, augment, feed
        self.batch, self.dtype, self.label_smoothing, self.halve = batch, dtype, label_smoothing, halve
        self.device, self.at_once = feed.device, batch
        self.rate: Tensor = optimizer.param_groups[0]["lr"]
        self.numbers: dict[str, Tensor] = {}
        self.place = torch.zeros((), dtype=torch.int64, device=self.device)
        self.span = torch.arange(batch, device=self.device)
        self.loss_sum, self.wrong = (torch.zeros((), device=self.device) for _ in range(2))
        self.given: tuple[Tensor, Tensor] | None = None  # of a captured step whose pixels come from the host
        self.graphs: dict[int, Any] = {}
        self.pool: Any = None  # of device memory, which the graphs share, as they never run at the same time

    def begin(self, numbers: dict[str, Tensor], rates: list[float]) -> None:
        """An epoch: "order", (N,) indices of images, and what ``Augment.draw`` gave, (N, …) each; the steps' rates.

        From the second time on they are copied to where the first ones are, as a captured step reads them there.
        """
        for name, tensor in {**numbers, "rates": torch.tensor(rates, dtype=self.rate.dtype)}.items():
            if self.device.type == "cuda" and name in self.numbers:
                self.numbers[name].copy_(to_device(tensor, self.device))
            else:
                self.numbers[name] = to_device(tensor, self.device)
        for total in (self.place, self.loss_sum, self.wrong):
            total.zero_()

    def __call__(self, side: int, batch: tuple[Tensor, Tensor] | None = None) -> None:
        """One update on images of ``side`` pixels. ``batch``: pixels and labels, where the feed does not keep them on
        the device."""
        if side not in self.graphs:
            self.body(side, batch)
            return
        if batch is not None:
            assert self.given is not None
            for static, new in zip(self.given, batch, strict=True):
                static.copy_(new)  # on the device
        self.graphs[side].replay()

    def body(self, side: int, batch: tuple[Tensor, Tensor] | None = None) -> None:
        """What a step is."""
        rows = self.place * self.batch + self.span
        if batch is None:
            assert self.feed.pixels is not None
            chosen = self.numbers["order"][rows]
            batch = self.feed.pixels[chosen], self.feed.labels[chosen]
        pixels, labels = batch
        drawn = {name: t[rows] for name, t in self.numbers.items() if name not in ("order", "rates")}
        images, kept = self.augment.apply(pixels, drawn, side), drawn.get("kept")
        self.rate.copy_(self.numbers["rates"].index_select(0, self.place).squeeze(0))  # [place] would wait for it
        if self.halve and not self.capturing:
            (loss, wrong), self.at_once = within_memory(lambda n: self.backward(images, labels, n, kept), self.at_once)
        else:
            loss, wrong = self.backward(images, labels, self.at_once, kept)
        self.optimizer.step()
        self.loss_sum += loss
        self.wrong += wrong
        self.place += 1

    def backward(
        self, images: Tensor, labels: Tensor, at_once: int, kept: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Gradients of the batch's mean loss, summed over parts of ``at_once`` images; that loss, and how many answers
        were wrong. ``kept``: of images that are mixed with a neighbour, their own share (n,)."""
        self.optimizer.zero_grad(set_to_none=True)
        loss_sum, wrong = (torch.zeros((), device=self.device) for _ in range(2))
        targets = (labels,) if kept is None else (labels, mix.neighbours(labels), kept)
        for x, *of in zip(*(torch.split(t, at_once) for t in (images, *targets)), strict=True):
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                logits = self.forward(x)
            logits = logits.float()
            loss = self.loss(logits, *of) * (len(x) / len(images))
            loss.backward()  # type: ignore[no-untyped-call]
            loss_sum += loss.detach()
            wrong += (logits.detach().argmax(1) != of[0]).sum()
        return loss_sum, wrong

    def loss(self, logits: Tensor, labels: Tensor, others: Tensor | None = None, kept: Tensor | None = None) -> Tensor:
        """The mean; of images that are mixed by both labels, their own and their neighbours', by the share kept."""
        if others is None or kept is None:
            return F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        own, theirs = (
            F.cross_entropy(logits, of, label_smoothing=self.label_smoothing, reduction="none")
            for of in (labels, others)
        )
        return torch.lerp(theirs, own, kept).mean()

    # Capturing.

    capturing = False

    def prepare(self, sides: list[int]) -> None:
        """Compile the network and capture a step for each of these sizes, the largest first. Nothing is trained.

        Where memory runs out fewer images go through the network at a time. Where capturing fails a warning says why,
        and steps are not captured.
        """
        if not self.feed.resident:
            shape = (self.batch, self.feed.side, self.feed.side, 3)
            pixels = torch.zeros(shape, dtype=torch.uint8, device=self.device)
            self.given = pixels, torch.zeros(self.batch, dtype=torch.int64, device=self.device)
        for side in sorted(set(sides), reverse=True):
            with self.unchanged():
                try:
                    self.graphs[side], self.at_once = within_memory(partial(self.capture, side), self.at_once)
                except Exception as error:  # whatever a network, a compiler or CUDA may raise
                    if out_of_memory(error):
                        raise
                    log.warning(
                        "a training step cannot be captured as a CUDA graph (%s: %s): goes on without, slower",
                        type(error).__name__, first_line(error),
                    )  # fmt: skip
                    self.graphs.clear()
                    self.optimizer.zero_grad(set_to_none=True)
                    return

    def capture(self, side: int, at_once: int) -> Any:
        """A CUDA graph of ``body``, after ``WARM_UP`` calls of it."""
        self.at_once = at_once
        stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(self.device))
        self.capturing = True  # then running out of memory is dealt with by prepare
        try:
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP):
                    self.place.zero_()
                    self.body(side, self.given)
            torch.cuda.current_stream(self.device).wait_stream(stream)
            self.optimizer.zero_grad(set_to_none=True)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self.pool, stream=stream):
                self.body(side, self.given)
        finally:
            self.capturing = False
        self.pool = graph.pool()
        return graph

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Afterwards weights, statistics, the optimizer's state and all counters are again what they were."""
        tensors = [*self.network.parameters(), *self.network.buffers(), *state_tensors(self.optimizer)]
        tensors += [self.rate, self.place, self.loss_sum, self.wrong]
        kept = [t.detach().clone() for t in tensors]
        try:
            yield
        finally:
            torch.cuda.synchronize(self.device)  # what failed may still run on its own stream
            with torch.no_grad():
                for tensor, value in zip(tensors, kept, strict=True):
                    tensor.copy_(value)

    def load_optimizer(self, state: dict[str, Any]) -> None:
        """Take up an optimizer's saved state; before ``prepare``."""
        self.optimizer.load_state_dict(state)
        set_rate(self.optimizer, self.rate)
