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


def test_waiting_is_noted() -> None:
    with pretended_gpu() as gpu:
        here = torch.arange(3.0)
        there = here.pin_memory().to("cuda", non_blocking=True)
        there += 1
        assert gpu.waits == []
        here.to("cuda")
        here.pin_memory().to("cuda")
        there.sum().item()
        there.cpu()
        there.copy_(here)
        assert gpu.waits == [
            "aten::_to_copy to the GPU", "aten::_to_copy to the GPU", "aten::_local_scalar_dense",
            "aten::_to_copy from the GPU", "aten::copy_ to the GPU",
        ]  # fmt: skip


def test_a_graph_is_captured_without_being_run_and_replayed_with_the_values_of_then() -> None:
    with pretended_gpu():
        x, n = torch.ones(3, device="cuda"), torch.zeros((), device="cuda")
        factor = 2
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            y = factor * x + torch.zeros(3, device="cuda")
            n += 1
            x += n
        factor = 3  # a Python value: the graph keeps the one that it was captured with
        assert (float(n), x.cpu().tolist()) == (0.0, [1.0, 1.0, 1.0])
        graph.replay()
        assert (float(n), x.cpu().tolist(), y.cpu().tolist()) == (1.0, [2.0] * 3, [2.0] * 3)
        x.fill_(10)
        graph.replay()
        assert (float(n), x.cpu().tolist(), y.cpu().tolist()) == (2.0, [12.0] * 3, [20.0] * 3)


def test_what_waits_cannot_be_captured() -> None:
    with pretended_gpu():
        x = torch.ones(3, device="cuda")
        with (
            pytest.raises(RuntimeError, match="not permitted when stream is capturing"),
            torch.cuda.graph(torch.cuda.CUDAGraph()),
        ):
            x.sum().item()


def test_random_numbers_are_drawn_anew_by_each_replay_as_without_the_graph() -> None:
    with pretended_gpu():
        x = torch.ones(1000, device="cuda")
        graph = torch.cuda.CUDAGraph()
        torch.manual_seed(0)
        with torch.cuda.graph(graph):
            y = torch.nn.functional.dropout(x, 0.5)
        replayed = []
        for _ in range(2):
            graph.replay()
            replayed.append(y.cpu().clone())
        torch.manual_seed(0)
        for values in replayed:
            assert torch.equal(torch.nn.functional.dropout(x, 0.5).cpu(), values)
        assert not torch.equal(*replayed)
