"""LRN against PyTorch's own, forward and backward."""

from __future__ import annotations

import pytest
import torch
from topfive.cnn import lrn
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
@pytest.mark.parametrize("compiled_for_gpu", [False, True])
def test_equals_pytorchs(
    channels: int, size: int, alpha: float, beta: float, k: float, layout: torch.memory_format, compiled_for_gpu: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(lrn, "_compiled_for_gpu", lambda t: compiled_for_gpu)
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


@pytest.mark.parametrize("compiled_for_gpu", [False, True])
@pytest.mark.parametrize("scale", [1.0, 30.0, 100.0])
def test_bfloat16_loses_no_more_than_its_results_rounding(
    scale: float, compiled_for_gpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The factor b/a, read off by dividing, has an error of at most half a bfloat16 step (2^-8) and a little for the
    window's sum; its mean over all is right, so that not all are rounded to the same value."""
    monkeypatch.setattr(lrn, "_compiled_for_gpu", lambda t: compiled_for_gpu)
    x = (scale * torch.randn(4, 96, 8, 8, generator=torch.Generator().manual_seed(0))).bfloat16()
    exact = nn.LocalResponseNorm(5, 1e-4, 0.75, 2.0)(x.double())
    error = (LocalResponseNorm(96)(x).double() / exact - 1)[x != 0]
    assert float(error.abs().max()) < 2**-8 + (1e-6 if compiled_for_gpu else 0.003)
    assert abs(float(error.mean())) < 2e-4


@pytest.mark.parametrize("compiled_for_gpu", [False, True])
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_the_gradient_in_bfloat16_loses_no_more(
    scale: float, compiled_for_gpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lrn, "_compiled_for_gpu", lambda t: compiled_for_gpu)
    random = torch.Generator().manual_seed(0)
    x = (scale * torch.randn(4, 96, 8, 8, generator=random)).bfloat16().requires_grad_()
    upstream = torch.randn(4, 96, 8, 8, generator=random).bfloat16()
    exact = x.detach().double().requires_grad_()
    LocalResponseNorm(96)(x).backward(upstream)
    nn.LocalResponseNorm(5, 1e-4, 0.75, 2.0)(exact).backward(upstream.double())
    assert x.grad is not None
    assert exact.grad is not None
    assert x.grad.dtype == torch.bfloat16
    torch.testing.assert_close(x.grad.double(), exact.grad, rtol=0.01, atol=0.01 * float(exact.grad.abs().mean()))
