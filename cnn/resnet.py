"""ResNet-18 and -34: He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2015."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .convolution import Stem

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


class Block(nn.Module):
    """relu(x + bn(conv(relu(bn(conv(x)))))); a strided 1×1 projection where the shape changes (option B)."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or c_in != c_out:
            self.shortcut = nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x), inplace=True)


def resnet(n_classes: int, side: int, *, depth: int = 18, width: float = 1.0, positions: int = 56) -> nn.Sequential:
    """(n, 3, side, side), and other sizes → (n, n_classes) logits.

    The stem leaves at least ``positions`` a side, where the image has as many: the paper's 7×7/2 and pooling when the
    image is four times as large (224 → 56), a 3×3/2 convolution when twice, else 3×3/1. At 224, 1000 classes, depth 18
    and width 1 this is torchvision's ``resnet18``: 11,689,512 parameters. Raises ValueError for another depth.
    """
    if depth not in BLOCKS:
        raise ValueError(f"depth must be 18 or 34, not {depth}")
    # Not 8: the backward pass of Conv2d(8, 16, 1, stride=2) on channels-last maps corrupts the heap with two threads or
    # more (oneDNN, torch 2.13).
    maps = [max(16, round(c * width / 8) * 8) for c in (64, 128, 256, 512)]
    large = side >= 4 * positions
    stem = Stem(3, maps[0], 7 if large else 3, 2 if side >= 2 * positions else 1, 3 if large else 1, bias=False)
    layers: list[nn.Module] = [stem, nn.BatchNorm2d(maps[0]), nn.ReLU(inplace=True)]
    if large:
        layers.append(nn.MaxPool2d(3, 2, 1))
    before = maps[0]
    for stage, (n, c) in enumerate(zip(BLOCKS[depth], maps, strict=True)):
        for i in range(n):
            layers.append(Block(before, c, 2 if i == 0 and stage > 0 else 1))
            before = c
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, n_classes))
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if isinstance(module, Block):
            nn.init.zeros_(module.bn2.weight)  # every block starts as the identity (Goyal et al. 2017)
    return network
