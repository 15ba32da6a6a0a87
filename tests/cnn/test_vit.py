"""The vision transformer against the published one, and what it does with images of other sizes."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from topfive.cnn.estimator import flops
from topfive.cnn.models import Vit2021
from topfive.cnn.vit import Attention, Block, Tokens, vit
from torch import nn


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_of_patches_it_is_deit_ti_without_the_class_token() -> None:
    network = vit(1000, 224, depth=12, dim=192, ratio=4, stem="patches", positions=16)
    assert count(network) == 5_717_416 - 2 * 192  # the token and its position's vector
    assert network[1].positions.shape == (1, 192, 14, 14)
    assert flops(network, 224) / 2 == pytest.approx(1.25e9, rel=0.01)  # of 196 tokens; published for 197: 1.26


def test_flops_are_those_of_layers_and_attention() -> None:
    tokens, dim, depth, ratio = 64, 128, 6, 2
    stem = 2 * (32 * 32 * 32 * 27 + 16 * 16 * 64 * 32 * 9 + 64 * 128 * 64 * 9 + 64 * 128 * 128)
    layers = depth * tokens * 2 * (4 + 2 * ratio) * dim * dim
    attention = depth * 2 * 2 * tokens * tokens * dim
    assert flops(vit(20, 64, depth=depth, dim=dim, ratio=ratio, positions=8), 64) == (
        stem + layers + attention + 2 * dim * 20
    )


def test_attention_by_hand() -> None:
    torch.manual_seed(0)
    layer = Attention(64)
    x = torch.randn(2, 5, 64)
    q, k, v = layer.qkv(x).chunk(3, 2)
    heads = [slice(0, 32), slice(32, 64)]
    mixed = [torch.softmax(q[..., h] @ k[..., h].transpose(1, 2) / 32**0.5, 2) @ v[..., h] for h in heads]
    torch.testing.assert_close(layer(x), layer.out(torch.cat(mixed, 2)))


def test_a_block_adds_to_what_it_is_given() -> None:
    torch.manual_seed(0)
    block = Block(32, 2)
    x = torch.randn(2, 5, 32)
    after = x + block.attention(block.norm1(x))
    torch.testing.assert_close(block(x), after + block.mlp(block.norm2(after)))


def test_a_token_is_a_position_of_the_map_with_its_vector_added() -> None:
    tokens = Tokens(3, 2)
    with torch.no_grad():
        tokens.positions.copy_(torch.arange(12.0).view(1, 3, 2, 2))
    maps = 100 * torch.arange(12.0).view(1, 3, 2, 2)
    assert tokens(maps)[0].tolist() == [[101.0 * (4 * c + i) for c in range(3)] for i in range(4)]
    larger = tokens(torch.zeros(1, 3, 4, 4))[0].T.view(1, 3, 4, 4)
    torch.testing.assert_close(larger, F.interpolate(tokens.positions, (4, 4), mode="bilinear"))


@pytest.mark.parametrize(
    ("stem", "side", "positions", "grid"),
    [
        ("convolutions", 64, 8, 8), ("convolutions", 64, 16, 16), ("convolutions", 16, 8, 8),
        ("convolutions", 30, 8, 8), ("convolutions", 8, 8, 8), ("patches", 64, 8, 8), ("patches", 30, 8, 7),
    ],
)  # fmt: skip
def test_the_side_is_halved_until_few_positions_are_left(stem: str, side: int, positions: int, grid: int) -> None:
    network = vit(7, side, depth=1, dim=32, stem=stem, positions=positions).eval()
    with torch.inference_mode():
        assert network[0](torch.zeros(1, 3, side, side)).shape == (1, 32, grid, grid)
        assert network(torch.zeros(2, 3, side, side)).shape == (2, 7)
        assert network(torch.zeros(2, 3, side // 2, side // 2)).shape == (2, 7)


def test_the_contender_is_deit_ti_wide_on_a_gpu_and_narrower_on_a_cpu() -> None:
    on_gpu, on_cpu = (Vit2021()._network(200, 64, gpu) for gpu in (True, False))
    assert [network[1].positions.shape for network in (on_gpu, on_cpu)] == [(1, 192, 16, 16), (1, 128, 8, 8)]
    assert [sum(isinstance(m, Block) for m in network) for network in (on_gpu, on_cpu)] == [12, 6]


def test_an_unknown_stem_is_refused() -> None:
    with pytest.raises(ValueError, match="stem must be one of convolutions, patches, not 'words'"):
        vit(10, 64, stem="words")
