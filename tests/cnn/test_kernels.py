"""The kernels of GPUs against PyTorch's own layers in float64."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch
from torch import nn

if not torch.cuda.is_available() or find_spec("triton") is None:
    pytest.skip("needs a CUDA device and Triton", allow_module_level=True)

from topfive.cnn import convolution, fused
from topfive.cnn import triton_kernels as kernels
from topfive.cnn.augment import Augment, Colour

# channels of less than a block, a block, several; pixels that do not fill the last one
SHAPES = [(3, 96, 9, 11), (2, 10, 5, 5), (1, 128, 8, 8), (2, 256, 7, 6), (1, 300, 5, 13)]


def maps(shape: tuple[int, ...], scale: float, seed: int = 0) -> torch.Tensor:
    x = scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return x.bfloat16().to("cuda").contiguous(memory_format=torch.channels_last)


def near(ours: torch.Tensor, exact: torch.Tensor) -> None:
    """As near as rounding the result to bfloat16, whose step is 2^-8, allows."""
    assert ours.is_contiguous(memory_format=torch.channels_last)
    assert ours.dtype == torch.bfloat16
    torch.testing.assert_close(ours.double(), exact, rtol=2**-8, atol=2**-14 * float(exact.detach().abs().max()))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("size", "alpha", "beta", "k"), [(5, 1e-4, 0.75, 2.0), (5, 0.3, 0.75, 1.0), (4, 0.5, 0.5, 2.0), (9, 0.1, 0.6, 1.0)]
)
def test_normalisation(shape: tuple[int, ...], size: int, alpha: float, beta: float, k: float) -> None:
    ours = maps(shape, 30.0).requires_grad_()
    exact = ours.detach().double().requires_grad_()
    upstream = maps(shape, 1.0, seed=1)
    y = kernels.normalise(ours, size, alpha / size, k, beta)
    z = nn.LocalResponseNorm(size, alpha, beta, k)(exact)
    near(y, z)
    y.backward(upstream)
    z.backward(upstream.double())
    assert ours.grad is not None
    assert exact.grad is not None
    near(ours.grad, exact.grad)


@pytest.mark.parametrize("shape", [*SHAPES, (2, 96, 32, 32), (2, 16, 3, 3), (1, 16, 4, 15)])
@pytest.mark.parametrize("scale", [1.0, 0.02])
def test_max_pooling(shape: tuple[int, ...], scale: float) -> None:
    """With many equal values, as after a ReLU, and one that is not a number."""
    ours = (maps(shape, scale) * 8).round().relu().requires_grad_()
    with torch.no_grad():
        ours[0, 1, 1, 2] = torch.nan
    exact = ours.detach().double().requires_grad_()
    y, z = kernels.max_pool(ours)[0], nn.MaxPool2d(3, 2)(exact)
    torch.testing.assert_close(y.double(), z, rtol=0, atol=0, equal_nan=True)
    upstream = maps(tuple(y.shape), 1.0, seed=1)
    y.backward(upstream)
    z.backward(upstream.double())
    assert ours.grad is not None
    assert exact.grad is not None
    near(ours.grad, exact.grad)


def test_the_kernels_are_used_in_a_compiled_network() -> None:
    """A stem, normalisation, pooling and towers, compiled in one graph: as near to float64 as bfloat16 is."""
    from topfive.cnn.alexnet import alexnet

    assert fused.usable()
    torch.manual_seed(0)
    network = alexnet(10, 32, dropout=0.0, width=0.25).to("cuda", memory_format=torch.channels_last)
    assert sum(isinstance(m, convolution.Towers | convolution.Stem) for m in network.modules()) == 4
    x = torch.randn(8, 3, 32, 32, device="cuda").contiguous(memory_format=torch.channels_last)
    exact = network.double()(x.double())
    exact.square().sum().backward()
    wanted = [p.grad for p in network.parameters()]
    network.float().zero_grad(set_to_none=True)
    with torch.autocast("cuda", torch.bfloat16):
        y = torch.compile(network, fullgraph=True)(x)
    y.float().square().sum().backward()
    assert float((y - exact).norm() / exact.norm()) < 0.03
    for p, w in zip(network.parameters(), wanted, strict=True):
        assert p.grad is not None
        assert w is not None
        assert float((p.grad - w).norm() / w.norm()) < 0.2  # 0.12 without the kernels, of bfloat16 itself


@pytest.mark.parametrize(("how", "mean_image"), [("paper", True), ("crop+flip", False)])
def test_random_crops(how: str, mean_image: bool) -> None:
    """As the CPU cuts, mirrors and shifts them."""
    pixels = torch.randint(0, 256, (5, 40, 40, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    augment = Augment(how, 29, Colour.of(pixels, mean_image=mean_image), 3.0)
    drawn = augment.draw(5, 40, torch.Generator().manual_seed(1))
    exact = augment.apply(pixels, drawn, 29)
    there = augment.on(torch.device("cuda"))
    ours = there.apply(pixels.to("cuda"), {name: t.to("cuda") for name, t in drawn.items()}, 29)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(ours.cpu(), exact, rtol=1e-5, atol=1e-4)
