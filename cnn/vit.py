"""A small vision transformer: Dosovitskiy et al., "An image is worth 16×16 words: transformers for image recognition at
scale", ICLR 2021, with what lets one learn from few and small images."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .convolution import Stem

STEMS = ("convolutions", "patches")
HEAD = 32  # numbers of a token that one head of attention sees


class Attention(nn.Module):
    """(n, T, dim) → the same: softmax(QKᵀ/√d)·V in each head, then a linear layer."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.heads = dim // HEAD
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, dim = x.shape
        q, k, v = self.qkv(x).view(n, tokens, 3, self.heads, HEAD).permute(2, 0, 3, 1, 4)
        mixed: Tensor = self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, tokens, dim))
        return mixed


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)), whose hidden layer has ``ratio`` times as many numbers."""

    def __init__(self, dim: int, ratio: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = Attention(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        mixed: Tensor = x + self.mlp(self.norm2(x))
        return mixed


class Tokens(nn.Module):
    """(n, dim, g, g) maps → (n, g², dim) tokens, a learned vector for its position added to each.

    For maps of another size than ``grid`` the positions' vectors are interpolated, as in the paper.
    """

    def __init__(self, dim: int, grid: int) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.empty(1, dim, grid, grid))

    def forward(self, maps: Tensor) -> Tensor:
        positions: Tensor = self.positions
        if maps.shape[-2:] != positions.shape[-2:]:
            positions = F.interpolate(positions, maps.shape[-2:], mode="bilinear", align_corners=False)
        return (maps + positions).flatten(2).transpose(1, 2)


class Mean(nn.Module):
    """(n, T, dim) → (n, dim): the mean of the tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1)


def vit(
    n_classes: int,
    side: int,
    *,
    depth: int = 6,
    dim: int = 192,
    ratio: int = 2,
    stem: str = "convolutions",
    positions: int = 16,
) -> nn.Sequential:
    """(n, 3, side, side), and other sizes → (n, n_classes) logits.

    The side is halved until at most ``positions`` are left: of 64 pixels 8 where ``positions`` is 8, of 224 14 where it
    is 16. Each position is a token. ``dim`` numbers a token; ``ratio``: see ``Block``. With "patches", depth 12, dim
    192, ratio 4 and 16 positions this is DeiT-Ti at 224 pixels (Touvron et al., "Training data-efficient image
    transformers", 2021), but for its class token and its heads, of 64 numbers. ValueError: an unknown stem.

    What differs from the paper: by default 3×3/2 convolutions with batch normalisation make the tokens, and a 1×1 one
    brings them to ``dim`` (Xiao et al., "Early convolutions help transformers see better", 2021), not one layer on each
    patch; the mean of the tokens is classified, not a token of its own (Beyer, Zhai and Kolesnikov, "Better plain ViT
    baselines for ImageNet-1k", 2022); no dropout; hidden layers are twice as wide as a token, not four times, as in
    small networks of Hassani et al., "Escaping the big data paradigm with compact transformers", 2021.
    """
    if stem not in STEMS:
        raise ValueError(f"stem must be one of {', '.join(STEMS)}, not {stem!r}")
    halvings = 0
    while -(-side >> halvings) > positions:
        halvings += 1
    network = nn.Sequential(
        _stem(dim, halvings, stem),
        Tokens(dim, -(-side >> halvings) if stem == "convolutions" else side >> halvings),
        *(Block(dim, ratio) for _ in range(depth)),
        nn.LayerNorm(dim),
        Mean(),
        nn.Linear(dim, n_classes),
    )
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if isinstance(module, Tokens):
            nn.init.trunc_normal_(module.positions, std=0.02)
    return network


def _stem(dim: int, halvings: int, kind: str) -> nn.Module:
    """(n, 3, S, S) → (n, dim, S/2^halvings, S/2^halvings)."""
    if kind == "patches":
        return Stem(3, dim, 1 << halvings, 1 << halvings)
    layers: list[nn.Module] = []
    before = 3
    for i in range(halvings, 0, -1):
        after = max(16, dim >> (i - 1))
        layers += [Stem(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
        before = after
    return nn.Sequential(*layers, Stem(before, dim, 1))
