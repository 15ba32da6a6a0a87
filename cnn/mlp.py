"""The multi-layer perceptron of 1986: Rumelhart, Hinton and Williams, "Learning representations by back-propagating
errors", Nature 323."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def mlp(n_classes: int, side: int, *, hidden: int = 512) -> nn.Sequential:
    """(n, 3, side, side) → (n, n_classes) logits through one hidden layer of sigmoids.

    Weights have variance 1/fan-in, so that sigmoids start in their middle; the paper's ±0.3 suits its few inputs only.
    """
    network = nn.Sequential(
        OrderedDict(
            flat=nn.Flatten(),
            hidden=nn.Linear(3 * side * side, hidden),
            sigmoid=nn.Sigmoid(),
            out=nn.Linear(hidden, n_classes),
        )
    )
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, layer.in_features**-0.5)
            nn.init.zeros_(layer.bias)
    return network
