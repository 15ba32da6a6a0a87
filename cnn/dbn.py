"""A deep belief network: Hinton, Osindero and Teh, "A fast learning algorithm for deep belief nets", 2006.

Each layer is a restricted Boltzmann machine, trained by one step of contrastive divergence (CD-1) on what the layers
below make of the images; the first has Gaussian visible units of unit variance, for pixels. The stack then is an
ordinary network of sigmoids that back-propagation fine-tunes. Settings follow Hinton, "A practical guide to training
restricted Boltzmann machines", 2010.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from .device import to_device

if TYPE_CHECKING:
    from .train import Trainer

log = logging.getLogger("topfive.cnn")


class DeepBeliefNetwork(nn.Module):
    """(n, ...) images of ``n_visible`` numbers of zero mean and unit variance → (n, n_classes) logits.

    ``layers[l]`` maps up; ``down[l]``, the bias of the layer's visible units, matters in pre-training only.
    """

    def __init__(self, n_classes: int, n_visible: int, hidden: list[int]) -> None:
        super().__init__()
        sizes = [n_visible, *hidden]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, hidden, strict=False))
        self.out = nn.Linear(hidden[-1], n_classes)
        for layer in self.layers:
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, 0.0, 0.01)
            nn.init.zeros_(layer.bias)

    def up(self, x: Tensor, n: int) -> Tensor:
        """Probabilities of the ``n``-th hidden layer (0: the images, flat)."""
        h = x.flatten(1)
        for layer in self.layers[:n]:
            h = torch.sigmoid(layer(h))
        return h

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.out(self.up(x, len(self.layers)))
        return logits


class BoltzmannMachine:
    """One layer in training. weight (hidden, visible), biases; ``gaussian``: visible units are real numbers."""

    def __init__(self, layer: nn.Linear, *, gaussian: bool) -> None:
        self.weight, self.hidden_bias = layer.weight.data, layer.bias.data
        self.visible_bias = torch.zeros(layer.in_features, device=layer.weight.device)
        self.gaussian = gaussian
        self.rate = 0.001 if gaussian else 0.05
        self.momentum = [torch.zeros_like(t) for t in (self.weight, self.hidden_bias, self.visible_bias)]

    def gradient(self, v: Tensor, chance: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """⟨vh⟩ of the data less that of its reconstruction, a mean over (n, visible) ``v``; and the squared error.

        ``chance``: (n, hidden) uniform numbers. Hidden units are sampled where they drive the reconstruction,
        probabilities are used everywhere else.
        """
        h = torch.sigmoid(v @ self.weight.t() + self.hidden_bias)
        back = (chance < h).to(v.dtype) @ self.weight + self.visible_bias
        if not self.gaussian:
            back = torch.sigmoid(back)
        h_back = torch.sigmoid(back @ self.weight.t() + self.hidden_bias)
        n = len(v)
        return (h.t() @ v - h_back.t() @ back) / n, (h - h_back).mean(0), (v - back).mean(0), ((v - back) ** 2).mean()

    def update(self, v: Tensor, chance: Tensor, momentum: float) -> Tensor:
        """One CD-1 step; the mean squared error of the reconstruction."""
        *gradients, error = self.gradient(v, chance)
        gradients[0] = gradients[0] - 2e-4 * self.weight
        for parameter, velocity, gradient in zip(
            (self.weight, self.hidden_bias, self.visible_bias), self.momentum, gradients, strict=True
        ):
            parameter += velocity.mul_(momentum).add_(gradient, alpha=self.rate)
        return error


def pretrain(trainer: Trainer, epochs: int) -> None:
    """Train the layers of ``trainer.network`` from the bottom up, each for ``epochs`` passes without labels."""
    network, feed = trainer.network, trainer.feed
    augment = replace(trainer.augment, part=(0, 1))  # every process trains the same layers on all images
    assert isinstance(network, DeepBeliefNetwork)
    for n, layer in enumerate(network.layers):
        assert isinstance(layer, nn.Linear)
        machine = BoltzmannMachine(layer, gaussian=n == 0)
        for epoch in range(epochs):
            random = torch.Generator().manual_seed(trainer.hyper.seed * 1_000_003 + 1000 * n + epoch)
            order = np.random.default_rng([trainer.hyper.seed, n, epoch]).permutation(trainer.train)
            total, batches = torch.zeros((), device=feed.device), 0
            with torch.no_grad():
                for pixels, _ in feed.batches(order, 100):
                    v = network.up(augment.train(pixels, random), n)
                    chance = torch.rand(len(v), layer.out_features, generator=random)
                    total += machine.update(v, to_device(chance, v.device), 0.5 if epoch < 5 else 0.9)
                    batches += 1
            if epoch in (0, epochs - 1):
                log.info(
                    "layer %d, epoch %d/%d: reconstruction error %.4f", n + 1, epoch + 1, epochs, float(total) / batches
                )
