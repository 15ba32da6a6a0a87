"""LRN against PyTorch's own, forward and backward."""

from __future__ import annotations

import pytest
import torch
from topfive.cnn.lrn import LocalResponseNorm
from torch import nn


@pytest.mark.parametrize(
    ("channels", "size", "alpha", "beta", "k"),
    [
        (96, 5, 1e-4, 0.75, 2.0),
        (16, 5, 0.3, 0.75, 1.0),
        (10, 3, 0.5, 0.5, 2.0),
        (12, 4, 0.2, 0.75, 1.5),
        (2, 5, 1.0, 0.75, 2.0),
    ],
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_equals_pytorchs(
    channels: int, size: int, alpha: float, beta: float, k: float, layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    x = (10 * torch.randn(3, channels, 5, 7, dtype=torch.float64)).contiguous(memory_format=layout)
    upstream = torch.randn_like(x)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    y = LocalResponseNorm(channels, size, alpha, beta, k).double()(ours)
    z = nn.LocalResponseNorm(size, alpha, beta, k)(theirs)
    # Powers of 3/4 are two reciprocal square roots here.
    torch.testing.assert_close(y, z, rtol=1e-6, atol=1e-7)
    y.backward(upstream)
    z.backward(upstream)
    assert ours.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-6, atol=1e-7)


def test_the_gradient_is_that_of_finite_differences() -> None:
    x = (3 * torch.randn(2, 7, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))).requires_grad_()
    assert torch.autograd.gradcheck(LocalResponseNorm(7, 4, 0.5, 0.75, 1.0).double(), (x,))


def test_a_value_worked_by_hand() -> None:
    """Three channels 1, 2, 3; window 3, α = 3, β = 1, k = 1: b = 1/(1+1+4), 2/(1+1+4+9), 3/(1+4+9)."""
    y = LocalResponseNorm(3, 3, 3.0, 1.0, 1.0)(torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1))
    torch.testing.assert_close(y.flatten(), torch.tensor([1 / 6, 2 / 15, 3 / 14]))


def test_bfloat16_is_as_near_as_bfloat16_can_be() -> None:
    x = 100 * torch.randn(2, 96, 4, 4, generator=torch.Generator().manual_seed(0))
    ours = LocalResponseNorm(96)(x.bfloat16()).float()
    torch.testing.assert_close(ours, nn.LocalResponseNorm(5, 1e-4, 0.75, 2.0)(x), rtol=0.03, atol=0.05)


@pytest.mark.parametrize("scale", [1.0, 30.0, 100.0])
def test_bfloat16_loses_no_more_than_its_results_rounding(scale: float) -> None:
    """The factor b/a, read off by dividing, has an error of at most half a bfloat16 step (2^-9) and a little for the
    window's sum; the mean over all of it is right, so that nothing is rounded to the same value everywhere."""
    x = (scale * torch.randn(4, 96, 8, 8, generator=torch.Generator().manual_seed(0))).bfloat16()
    exact = nn.LocalResponseNorm(5, 1e-4, 0.75, 2.0)(x.double())
    error = (LocalResponseNorm(96)(x).double() / exact - 1)[x != 0]
    assert float(error.abs().max()) < 2**-9 + 0.0035
    assert abs(float(error.mean())) < 2e-4


def test_the_denominator_of_small_activations_is_not_the_constant_in_bfloat16() -> None:
    """At unit scale k + α/n Σa² lies between 2 and 2.001, where bfloat16's next number above 2 is 2.016."""
    x = torch.randn(4, 96, 8, 8, generator=torch.Generator().manual_seed(0)).bfloat16().requires_grad_()
    saved: list[torch.Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        LocalResponseNorm(96)(x)
    (denominator,) = [t for t in saved if t.shape == (4, 8, 8, 96)]
    squares = x.detach().movedim(1, -1).double() ** 2
    sums = nn.functional.avg_pool1d(nn.functional.pad(squares, (2, 2)).flatten(0, 2), 5, 1).view(4, 8, 8, 96)
    torch.testing.assert_close(denominator.double(), 2 + 1e-4 * sums, atol=4e-6, rtol=0)
