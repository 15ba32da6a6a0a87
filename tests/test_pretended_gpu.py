"""The pretended GPU refuses what a real one refuses, and computes the rest."""

from __future__ import annotations

import pytest
import torch

from .pretended_gpu import pretended_gpu


def test_devices_do_not_mix() -> None:
    with pretended_gpu():
        here = torch.arange(3.0)
        there = here.to("cuda")
        assert there.device.type == "cuda"
        assert (2 * there + there[torch.tensor([0, 0, 0])]).cpu().tolist() == [0, 2, 4]
        with pytest.raises(RuntimeError, match="a tensor on the GPU meets one on the cpu"):
            there + here
        with pytest.raises(RuntimeError, match="meets"):
            there.gather(0, torch.tensor([0]))


def test_gradients_are_there_too() -> None:
    with pretended_gpu():
        layer = torch.nn.Linear(2, 1).to("cuda")
        layer(torch.ones(4, 2, device="cuda")).sum().backward()
        assert layer.weight.grad is not None
        assert layer.weight.grad.cpu().tolist() == [[4, 4]]
