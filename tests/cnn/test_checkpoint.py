"""Checkpoints: a resumed training is the uninterrupted one; what is damaged, foreign or harmful is not used."""

from __future__ import annotations

import hashlib
import logging
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from topfive.cnn import checkpoint
from topfive.cnn.train import Trainer

from .conftest import Striped, small


def killed_in_third_epoch(model: Any, images: Any, labels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    train_epoch = Trainer.epoch

    def killed(self: Trainer, epoch: int) -> None:
        if epoch == 2:
            raise KeyboardInterrupt
        train_epoch(self, epoch)

    with monkeypatch.context() as patch:
        patch.setattr("topfive.cnn.train.SAVE_EVERY", 0.0)
        patch.setattr("topfive.cnn.train.SAVE_SHARE", 0.0)
        patch.setattr(Trainer, "epoch", killed)
        with pytest.raises(KeyboardInterrupt):
            model.fit(images, labels)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_resumed_training_is_the_uninterrupted_one_bit_for_bit(
    optimizer: str, striped: Striped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = striped(80)
    whole = small(optimizer=optimizer).fit(images, labels)
    cut = small(optimizer=optimizer, cache_dir=str(tmp_path))
    killed_in_third_epoch(cut, images, labels, monkeypatch)
    resumed = clone(cut).fit(images, labels)
    assert len(resumed.history_) == 4
    again = clone(cut).fit(images, labels)  # nothing is left to train
    assert np.array_equal(again.decision_function(images), resumed.decision_function(images))
    assert again.timings_ == {**resumed.timings_, "load": again.timings_["load"]}
    one_view = clone(cut).set_params(views=1).fit(images, labels)  # only asks otherwise
    assert one_view.timings_["train"] == resumed.timings_["train"]
    for a, b in zip(whole.model_.state_dict().values(), resumed.model_.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert [r["loss"] for r in whole.history_] == [r["loss"] for r in resumed.history_]
    assert np.array_equal(whole.decision_function(images), resumed.decision_function(images))
    assert not list(tmp_path.rglob("*.part"))


def test_a_training_resumes_on_a_gpu(
    gpu: str, striped: Striped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    images, labels = striped(80)
    cut = small(device=gpu, cache_dir=str(tmp_path))
    killed_in_third_epoch(cut, images, labels, monkeypatch)
    with caplog.at_level(logging.INFO):
        resumed = clone(cut).fit(images, labels)
    assert "goes on after epoch 2 of 4" in caplog.text
    whole = small(device=gpu).fit(images, labels)
    losses = [[record["loss"] for record in model.history_] for model in (resumed, whole)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.02)


def test_a_damaged_or_foreign_checkpoint_is_not_used(
    striped: Striped, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images, labels = striped(48)
    model = small(epochs=2, cache_dir=str(tmp_path))
    first = model.fit(images, labels).decision_function(images)
    (path,) = tmp_path.rglob("*.pt")
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    assert np.array_equal(clone(model).fit(images, labels).decision_function(images), first)
    assert "cannot be read" in caplog.text
    checkpoint.save(path, {"key": "another"})
    assert np.array_equal(clone(model).fit(images, labels).decision_function(images), first)
    assert "belongs to another training" in caplog.text


def test_a_changed_byte_anywhere_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "some.pt"
    checkpoint.save(path, {"key": "k", "network": {"weight": torch.randn(16, 8)}, "history": [{"loss": 1.0}]})
    good = path.read_bytes()
    assert checkpoint.load(path, "k") is not None
    damaged = [good[:i] + bytes([good[i] ^ 1 << i % 8]) + good[i + 1 :] for i in range(0, len(good), 5)]
    damaged += [good[:n] for n in (0, 20, 32, 40, len(good) - 1)]
    for content in damaged:
        path.write_bytes(content)
        assert checkpoint.load(path, "k") is None
    assert caplog.text.count("some.pt cannot be read") == len(damaged)


@pytest.mark.parametrize("full", [False, True])
def test_without_room_for_a_checkpoint_the_training_goes_on(
    full: bool, striped: Striped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A cache folder that is a file; or a disk that is full in the midst of writing."""

    def fills_the_disk(state: Any, file: Any) -> None:
        file.write(b"the first part")
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 768 vs 662")  # torch's way

    if full:
        monkeypatch.setattr(torch, "save", fills_the_disk)
    else:
        (tmp_path / "cnn").write_text("in the way")
    monkeypatch.setattr("topfive.cnn.train.SAVE_EVERY", 0.0)
    monkeypatch.setattr("topfive.cnn.train.SAVE_SHARE", 0.0)
    model = small(epochs=3, cache_dir=str(tmp_path)).fit(*striped(48))
    assert len(model.history_) == 3
    assert caplog.text.count("goes on without checkpoints") == 1
    assert not list(tmp_path.rglob("*.part"))


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("code in a checkpoint ran",)


def test_a_checkpoint_cannot_run_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "evil.pt"
    checkpoint.save(path, {"key": "k", "network": Evil()})
    assert checkpoint.load(path, "k") is None
    evil = pickle.dumps(Evil(), protocol=2)
    path.write_bytes(hashlib.sha256(evil).digest() + evil)
    assert checkpoint.load(path, "k") is None
    assert "ran" not in capsys.readouterr().out


def test_other_parameters_are_another_training(striped: Striped, tmp_path: Path) -> None:
    images, labels = striped(48)
    small(epochs=1, cache_dir=str(tmp_path)).fit(images, labels)
    small(epochs=1, lr=0.01, cache_dir=str(tmp_path)).fit(images, labels)
    small(epochs=1, lr=0.01, cache_dir=str(tmp_path)).fit(images, 1 - (labels > 1))
    assert len(list(tmp_path.rglob("*.pt"))) == 3


def test_a_training_on_a_cpu_is_not_one_on_a_gpu(gpu: str, striped: Striped, tmp_path: Path) -> None:
    """Epochs, batch, dropout and augmentation have other defaults there, though the weights have the same shapes."""
    images, labels = striped(48)
    for device in ("cpu", gpu):
        small(epochs=1, device=device, precision="f32", cache_dir=str(tmp_path)).fit(images, labels)
    assert len(list(tmp_path.rglob("*.pt"))) == 2
