"""A step of training: the plain one, bit for bit, also when it is captured; and nothing in it waits for the device."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.base import clone
from topfive.cnn import models
from topfive.cnn.augment import Augment, Colour
from topfive.cnn.feed import Feed
from topfive.cnn.hyperparameters import Hyperparameters
from topfive.cnn.step import TrainingStep
from topfive.cnn.train import Job, Trainer
from torch import nn

from ..pretended_gpu import pretended_gpu
from .conftest import Even, Small, Striped, small
from .test_checkpoint import killed_in_third_epoch

N = 48


def make_trainer(
    device: str, network: nn.Module | None = None, *, how: str = "crop+flip", resident: bool = True, held_out: int = 0,
    striped: Striped | None = None, mixing: str = "none", **hyper: Any,
) -> Trainer:  # fmt: skip
    torch.manual_seed(0)
    images, labels = (striped or Striped())(N + held_out)
    feed = Feed(images, labels, 32, torch.device(device))
    if not resident:
        feed.pixels, feed.labels = None, torch.from_numpy(labels)
    augment = Augment(how, 32, Colour(torch.full((3,), 100.0), 50.0, torch.eye(3)), 50.0, mixing=mixing)
    chosen = Hyperparameters(**{"epochs": 3, "batch": 16, "lr": 0.05, **hyper})
    order = np.arange(N + held_out)
    job = Job(network or Small(4, 32), order[:N], order[N:], augment, chosen, 4)
    return Trainer(job, feed, torch.float32)


def weights(network: nn.Module) -> list[torch.Tensor]:
    return [t.detach().cpu().clone() for t in network.state_dict().values()]


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adamw"])
@pytest.mark.parametrize("how", ["none", "crop", "crop+flip", "scale+flip", "paper"])
def test_an_epoch_is_that_of_the_loop_that_one_would_write(optimizer: str, how: str, striped: Striped) -> None:
    """Batches by hand, numbers drawn for each, torch's optimizers as they are, a float for a rate: equal to the bit."""
    trainer = make_trainer("cpu", how=how, optimizer=optimizer)
    torch.manual_seed(0)
    network = Small(4, 32).to(memory_format=torch.channels_last)
    groups: list[dict[str, Any]] = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": trainer.hyper.decay},
        {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    peers: torch.optim.Optimizer
    if optimizer == "adamw":
        peers = torch.optim.AdamW(groups, lr=0.0, fused=True)
    else:
        peers = torch.optim.SGD(groups, lr=0.0, momentum=0.9, nesterov=optimizer == "sgd", fused=True)
    assert same(weights(trainer.network), weights(network))
    for epoch in range(2):
        trainer.epoch(epoch)
        torch.manual_seed(epoch)
        random = torch.Generator().manual_seed(epoch)
        order = np.random.default_rng([0, epoch]).permutation(N)
        network.train()
        total = 0.0
        for step in range(3):
            chosen = torch.from_numpy(order[16 * step : 16 * step + 16])
            assert trainer.feed.pixels is not None
            x = trainer.augment.train(trainer.feed.pixels[chosen], random)
            for group in peers.param_groups:
                group["lr"] = 0.05 * trainer.hyper.factor((epoch + (step + 0.5) / 3) / 3)
            peers.zero_grad()
            loss = F.cross_entropy(network(x), trainer.feed.labels[chosen], label_smoothing=0.1)
            loss.backward()
            peers.step()
            total += loss.item()
        assert same(weights(trainer.network), weights(network))
        assert trainer.history[-1]["loss"] == pytest.approx(total / 3, rel=1e-6)


PARAMETERS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "sgd, dropout, batch normalisation": (small, {"optimizer": "sgd"}),
    "adamw": (small, {"optimizer": "adamw"}),
    "held out": (small, {"held_out": 0.2}),
    "plateau, colour noise": (
        models.AlexNet2012,
        {"width": 0.125, "side": 28, "init": "he", "held_out": 0.2, "batch": 16, "epochs": 3, "augment": "paper"},
    ),
    "several sizes": (
        models.AlexNet,
        {
            "width": 0.125,
            "side": 32,
            "first_side": 0.5,
            "batch": 16,
            "epochs": 6,
            "augment": "scale+flip",
            "lrn": False,
        },
    ),
    "mixed in pairs, changed colours": (small, {"mix": "cutmix", "augment": "scale+flip+colour"}),
    "lrn, towers": (models.AlexNet, {"width": 0.125, "batch": 16, "epochs": 2}),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_a_captured_training_is_the_uncaptured_one_bit_for_bit(
    case: str, striped: Striped, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    images, labels = striped(64)
    make, parameters = PARAMETERS[case]
    body, bodies = TrainingStep.body, []
    monkeypatch.setattr(TrainingStep, "body", lambda self, *given: (bodies.append(self.capturing), body(self, *given)))
    results = []
    for captured in (True, False):
        bodies.clear()
        with pretended_gpu(), monkeypatch.context() as patch:
            if not captured:
                patch.setattr(TrainingStep, "prepare", lambda *_: None)
            model = make(**{**parameters, "device": "cuda"}).fit(images, labels)
            results.append((weights(model.model_), model))
        assert (False in bodies) is not captured  # no step but the captured ones
    (a, one), (b, other) = results
    assert same(a, b)
    for name in ("loss", "train_error", "held_out_loss", "rate", "side"):
        np.testing.assert_array_equal(*([r[name] for r in model.history_] for model in (one, other)))
    assert one.timings_["compile"] > 0
    assert "cannot be captured" not in caplog.text
    if case == "several sizes":
        assert len({r["side"] for r in one.history_}) == 5


def test_preparing_trains_nothing(striped: Striped) -> None:
    with pretended_gpu():
        trainer = make_trainer("cuda", optimizer="adamw", held_out=8)
        trainer.epoch(0)
        state = [*trainer.network.state_dict().values(), trainer.step.loss_sum, trainer.step.place]
        state += [t for s in trainer.optimizer.state.values() for t in s.values()]
        before = [t.detach().cpu().clone() for t in state]
        trainer.step.prepare([32, 24])
        assert sorted(trainer.step.graphs) == [24, 32]
        assert same([t.detach().cpu() for t in state], before)
        assert all(p.grad is None for p in trainer.network.parameters()) is False  # which the graphs write


@pytest.mark.parametrize(
    ("how", "mixing"),
    [
        ("none", "none"),
        ("crop+flip", "mixup"),
        ("scale+flip", "none"),
        ("scale+flip+colour", "cutmix"),
        ("paper", "none"),
    ],
)
@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("captured", [True, False])
def test_the_host_waits_for_nothing_within_an_epoch(resident: bool, how: str, mixing: str, captured: bool) -> None:
    """No value is read, and nothing is copied from memory that is not pinned."""
    with pretended_gpu() as gpu:
        trainer = make_trainer("cuda", how=how, mixing=mixing, resident=resident, optimizer="adamw")
        if captured:
            trainer.prepare(0)
        assert (len(trainer.step.graphs) == 1) is captured
        numbers, rates = trainer.numbers(1), trainer.rates(1)
        gpu.waits.clear()
        trainer.step.begin(numbers, rates)
        for batch in trainer.batches(numbers["order"]):
            assert (batch is None) is resident
            trainer.step(32, batch)
        assert gpu.waits == []
        assert float(trainer.step.place) == 3
        assert gpu.waits == ["aten::_local_scalar_dense"]  # the count counts


@pytest.mark.parametrize("held_out", [0, 20])
def test_an_epoch_waits_for_the_loss_every_fifty_steps_and_for_its_records(
    held_out: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("topfive.cnn.train.LOOK_EVERY", 2)
    with pretended_gpu() as gpu:
        trainer = make_trainer("cuda", held_out=held_out, optimizer="adamw")
        trainer.prepare(0)
        trainer.epoch(0)
        gpu.waits.clear()
        trainer.epoch(1)
        # Steps 0 and 2; the sums; the held-out sums, however many batches.
        assert len(gpu.waits) == 2 + 1 + (held_out > 0)


def test_streamed_and_resident_images_train_the_same() -> None:
    with pretended_gpu():
        networks = []
        for resident in (True, False):
            trainer = make_trainer("cuda", resident=resident)
            trainer.run()
            assert len(trainer.step.graphs) == 1
            networks.append(weights(trainer.network))
    assert same(*networks)


class Reads(Even):
    """Waits for a value, which cannot be captured."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x.sum().item()
        return super().forward(x)


def test_what_cannot_be_captured_is_trained_all_the_same(striped: Striped, caplog: pytest.LogCaptureFixture) -> None:
    images, labels = striped(48)
    results = []
    with pretended_gpu():
        for module in (Even, Reads):
            model = models.TorchClassifier(module=module, epochs=2, batch=16, device="cuda").fit(images, labels)
            results.append(weights(model.model_))
    assert same(*results)
    assert caplog.text.count("cannot be captured as a CUDA graph (RuntimeError: aten::_local_scalar_dense") == 1


class Hungry(Even):
    """Runs out of memory on more than four images at a time."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and len(x) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(x)


def test_memory_is_probed_before_the_capture(striped: Striped, caplog: pytest.LogCaptureFixture) -> None:
    images, labels = striped(48)
    results = []
    with pretended_gpu():
        for module in (Even, Hungry):
            model = models.TorchClassifier(
                module=module, epochs=2, batch=16, device="cuda", lr=0.01, optimizer="momentum"
            )
            results.append(weights(model.fit(images, labels).model_))
    assert [line for line in caplog.messages if "memory" in line] == [
        "out of memory: goes on with 8 images at a time", "out of memory: goes on with 4 images at a time",
    ]  # fmt: skip
    assert "cannot be captured" not in caplog.text
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_a_resumed_captured_training_is_the_uninterrupted_one_bit_for_bit(
    striped: Striped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = striped(80)
    with pretended_gpu():
        whole = small(device="cuda", optimizer="adamw", held_out=0.2).fit(images, labels)
        cut = small(device="cuda", optimizer="adamw", held_out=0.2, cache_dir=str(tmp_path))
        killed_in_third_epoch(cut, images, labels, monkeypatch)
        resumed = clone(cut).fit(images, labels)
        again = clone(cut).fit(images, labels)
    assert same(weights(whole.model_), weights(resumed.model_))
    assert [r["loss"] for r in whole.history_] == [r["loss"] for r in resumed.history_]
    assert set(resumed.cached_timings_) == {"train"}  # it compiled anew
    assert again.cached_timings_ == {name: again.timings_[name] for name in ("train", "compile")}
    assert again.timings_["compile"] == resumed.timings_["compile"]
    epochs = [r["cpu_seconds"] for r in again.history_]
    assert resumed.cached_cpu_seconds_ == pytest.approx(sum(epochs[:2]))
    assert again.cached_cpu_seconds_ > sum(epochs)  # with what it took to compile


def test_the_processes_draw_the_numbers_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("topfive.cnn.train.data_parallel", lambda network, *_: network)
    one = make_trainer("cpu", how="paper")
    whole = one.numbers(1)
    parts = [Trainer(one.job, one.feed, torch.float32, rank, 2).numbers(1) for rank in range(2)]
    assert set(whole) == {"order", "top", "left", "flip", "alpha"}
    for name, tensor in whole.items():
        together = torch.cat([part[name].unflatten(0, (3, 8)) for part in parts], 1).flatten(0, 1)
        assert torch.equal(together, tensor), name


def test_the_numbers_do_not_depend_on_the_device() -> None:
    on_cpu = make_trainer("cpu", how="scale+flip").numbers(2)
    with pretended_gpu():
        trainer = make_trainer("cuda", how="scale+flip")
        trainer.step.begin(trainer.numbers(2), trainer.rates(2))
        there = {name: t.cpu() for name, t in trainer.step.numbers.items()}
    assert set(there) == {"order", "rates", "transforms"}
    for name, tensor in on_cpu.items():
        assert torch.equal(tensor, there[name])


def test_the_network_that_is_kept_is_that_of_the_best_epoch() -> None:
    for device in ("cpu", "cuda"):
        with pretended_gpu():
            trainer = make_trainer(device, held_out=20, epochs=12, lr=0.3, optimizer="sgd", schedule="plateau")
            trainer.run()
            losses = [r["held_out_loss"] for r in trainer.history]
            assert losses.index(min(losses)) < 11, "the last epoch shows nothing"
            assert trainer.held_out_loss(20)[0] == pytest.approx(min(losses), rel=1e-6)


def test_the_numbers_of_the_next_epoch_are_drawn_once(caplog: pytest.LogCaptureFixture) -> None:
    """They are drawn while the device works, before it is known whether the plateau's rate falls."""
    with caplog.at_level(logging.INFO):
        trainer = make_trainer("cpu", held_out=8, schedule="plateau", epochs=4, lr=1e-9, patience=1)
        trainer.run()
    assert [r["rate"] for r in trainer.history] == pytest.approx([1e-9, 1e-9, 1e-10, 1e-11])


def test_the_default_batch() -> None:
    """512 on a GPU are faster and err more: docs/measurements.md."""

    def batch(on_gpu: bool, **parameters: Any) -> int:
        model = models.AlexNet(**parameters)
        model.side_ = 64
        return model._hyperparameters(10, 100_000, on_gpu).batch

    assert batch(True) == 128
    assert batch(False) == 64
    assert batch(True, batch=1024) == 1024


def test_the_default_rate_grows_with_the_batch() -> None:
    def rate(optimizer: str, batch: int) -> float:
        return Hyperparameters(epochs=1, optimizer=optimizer, batch=batch).top_rate

    assert [rate("adamw", n) for n in (16, 128, 512)] == pytest.approx([0.001, 0.001, 0.002])
    assert [rate("sgd", n) for n in (16, 128, 512)] == pytest.approx([0.04, 0.04, 0.16])
    assert [rate("momentum", n) for n in (64, 256)] == pytest.approx([0.01, 0.02])
    assert Hyperparameters(epochs=1, optimizer="sgd", batch=512, lr=0.3).top_rate == 0.3
