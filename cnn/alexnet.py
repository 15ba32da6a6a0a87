"""AlexNet: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional networks", NIPS 2012.

One function makes the whole family; each ingredient of the paper is an argument, so that each can be switched off.
The two GPUs ("towers") of the paper are grouped convolutions: conv2, conv4 and conv5 see half of the maps.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from .convolution import Stem, Towers
from .fused import MaxPool
from .lrn import LocalResponseNorm

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
CHANNELS = (96, 256, 384, 384, 256)
OWT_CHANNELS = (64, 192, 384, 256, 256)  # "One weird trick for parallelizing convolutional neural networks", 2014
KERNELS = {1: 3, 2: 5, 3: 7, 4: 11}  # of conv1, by its stride; 11/4 is the paper's


def stem_stride(side: int) -> int:
    """Stride of conv1: a 32nd of the side, 1 to 4, so that some 24 to 48 positions are left; the paper's 4 from 112."""
    return min(4, max(1, round(side / 32)))


def stem_padding(side: int) -> int:
    """Padding of conv1: the paper prints 224 pixels, its arithmetic needs 227 without padding: (227 − 11)/4 + 1 = 55.

    So none where windows of 11 at stride 4 fit the side exactly, as at 227; else 2, which leaves 55 of 224 too. Of the
    smaller kernels half.
    """
    stride = stem_stride(side)
    if stride == 4:
        return 0 if (side - KERNELS[4]) % 4 == 0 else 2
    return KERNELS[stride] // 2


def alexnet(
    n_classes: int,
    side: int,
    *,
    activation: str = "relu",
    dropout: float = 0.5,
    lrn: bool = True,
    batch_norm: bool = False,
    overlap: bool = True,
    groups: int = 2,
    init: str = "he",
    width: float = 1.0,
    hidden: int | None = None,
    channels: tuple[int, int, int, int, int] = CHANNELS,
    dropout_first: bool = False,
) -> nn.Sequential:
    """(n, 3, ``side``, ``side``) float → (n, ``n_classes``) logits.

    At side 224 or 227, 1000 classes: 60,965,224 parameters and 724 M multiply-adds (without the LRN's), as published.

    activation     "relu", "tanh" or "sigmoid"
    overlap        pooling 3/2 (the paper) or 2/2
    init           "he", for inputs of unit variance; "paper": N(0, 0.01), bias 1 in conv2, 4, 5 and the hidden
                   fully-connected layers, which needs inputs on the scale of 0 to 255
    lrn            with k = 2 and α = 1e-4 as published it does something on the activations of such inputs; on "he"'s,
                   whose squares are near 1, it is at first nearly the constant 2^-0.75
    width          scales every hidden layer
    hidden         units of fc6 and fc7; None: 4096 · ``width``
    dropout_first  dropout before fc6 and fc7 (torchvision's variant) instead of after them (the paper)

    The last pooling adapts to the size that the network was made for, so that it also takes images of other sizes.
    Raises ValueError for an unknown activation or init, for groups other than 1 or 2, and for a side below 16.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {activation!r}")
    if init not in ("he", "paper"):
        raise ValueError(f"init must be 'he' or 'paper', not {init!r}")
    if groups not in (1, 2):
        raise ValueError(f"groups must be 1 or 2, not {groups}")
    if side < 16:
        raise ValueError(f"AlexNet needs images of at least 16 pixels a side, not {side}")

    stride = stem_stride(side)
    kernel = KERNELS[stride]
    c1, c2, c3, c4, c5 = (max(8, round(c * width / 8) * 8) for c in channels)
    hidden = hidden or max(8, round(4096 * width))
    layers: OrderedDict[str, nn.Module] = OrderedDict()

    def conv(i: int, c_in: int, c_out: int, size: int, stride: int = 1, padding: int = 0, groups: int = 1) -> None:
        kind = Stem if i == 1 else nn.Conv2d if groups == 1 else Towers
        layers[f"conv{i}"] = kind(c_in, c_out, size, stride, padding, groups=groups, bias=not batch_norm)
        if batch_norm:
            layers[f"bn{i}"] = nn.BatchNorm2d(c_out)
        layers[f"act{i}"] = _activation(activation)

    def pool(i: int) -> None:
        layers[f"pool{i}"] = MaxPool(3 if overlap else 2, 2)

    conv(1, 3, c1, kernel, stride=stride, padding=stem_padding(side))
    if lrn:
        layers["lrn1"] = LocalResponseNorm(c1)
    pool(1)
    conv(2, c1, c2, 5, padding=2, groups=groups)
    if lrn:
        layers["lrn2"] = LocalResponseNorm(c2)
    pool(2)
    conv(3, c2, c3, 3, padding=1)
    conv(4, c3, c4, 3, padding=1, groups=groups)
    conv(5, c4, c5, 3, padding=1, groups=groups)
    pool(5)
    grid = last_map(side, overlap)
    layers["fit"] = nn.AdaptiveAvgPool2d(grid)
    layers["flat"] = nn.Flatten()
    for i, (n_in, n_out) in ((6, (c5 * grid * grid, hidden)), (7, (hidden, hidden))):
        if dropout_first:
            layers[f"drop{i}"] = nn.Dropout(dropout)
        layers[f"fc{i}"] = nn.Linear(n_in, n_out)
        layers[f"act{i}"] = _activation(activation)
        if not dropout_first:
            layers[f"drop{i}"] = nn.Dropout(dropout)
    layers["fc8"] = nn.Linear(hidden, n_classes)

    network = nn.Sequential(layers)
    if init == "paper":
        initialise_as_published(network)
    else:
        initialise_he(network, activation)
    return network


def smallest_side(side: int) -> int:
    """The smallest images that a network made for ``side`` can take: conv1 leaves 15 positions, the last pooling 1."""
    stride = stem_stride(side)
    return 14 * stride + KERNELS[stride] - 2 * stem_padding(side)


def last_map(side: int, overlap: bool = True) -> int:
    """Side of the last pooled map: 6 at 224, 3 at 64 and 32."""
    stride = stem_stride(side)
    n = (side + 2 * stem_padding(side) - KERNELS[stride]) // stride + 1
    for _ in range(3):
        n = max(1, (n - (3 if overlap else 2)) // 2 + 1)
    return n


def initialise_as_published(network: nn.Sequential) -> None:
    """N(0, 0.01) weights; bias 1 in conv2, 4, 5 and the hidden fc layers, "positive inputs for the ReLUs"; else 0."""
    for name, layer in network.named_children():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.01)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, float(name in ("conv2", "conv4", "conv5", "fc6", "fc7")))


def initialise_he(network: nn.Module, activation: str = "relu") -> None:
    """Variance 2/fan-in for ReLU (He et al. 2015), 1/fan-in otherwise; N(0, 0.01) in the last layer; zero biases."""
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu" if activation == "relu" else "linear")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    nn.init.normal_(layers[-1].weight, 0.0, 0.01)


def _activation(name: str) -> nn.Module:
    return nn.ReLU(inplace=True) if name == "relu" else ACTIVATIONS[name]()
