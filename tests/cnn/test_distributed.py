"""Two processes train what one does, and score every image once."""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from topfive.cnn import TorchClassifier
from topfive.cnn.distributed import shard
from topfive.cnn.models import LeNet1998
from topfive.cnn.spawn import _pickled
from torch import nn
from torch.multiprocessing import ProcessExitedException

from .conftest import Striped


class Dies(nn.Sequential):
    """The second process is killed in its first step."""

    def __init__(self, n_classes: int, side: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(3 * side * side, n_classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if dist.is_initialized() and dist.get_rank() == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(x)


class Fails(Dies):
    """The second process raises in its first step, and would die if it then waited for the first to leave together."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if dist.is_initialized() and dist.get_rank() == 1:
            dist.destroy_process_group = lambda: os._exit(3)
            raise TwoWords("no such", "number")
        return nn.Sequential.forward(self, x)


class TwoWords(ArithmeticError):
    """It can be pickled, but not be made again from its message."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


SCRIPT = """
import atexit, json, os, sys
from pathlib import Path
import torch
import torch.distributed as dist
sys.path.insert(0, sys.argv[1])
from conftest import Striped
from sklearn.base import clone
from topfive.cnn.models import LeNet1998, ResNet2015
# runs last: a thread of the process group that is still there could abort the interpreter as it ends
atexit.register(lambda: print("threads:", [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]))
images, labels = Striped()(61)
folder, rank = Path(sys.argv[2]), os.environ["RANK"]
settings = {"epochs": 2, "batch": 16, "device": "cpu", "precision": "f32", "n_jobs": 1}
model = LeNet1998(**settings, cache_dir=str(folder / rank)).fit(images, labels)
again = clone(model).fit(images, labels)  # the second process's folder has no checkpoint
normalised = ResNet2015(**settings, width=0.125, held_out=0.2).fit(images, labels)
x = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
with torch.inference_mode():
    logits = normalised.model_(x)
(folder / f"{rank}.json").write_text(json.dumps({
    "world": dist.get_world_size(),
    "history": model.history_,
    "scores": model.decision_function(images).tolist(),
    "resumed history": again.history_,
    "resumed scores": again.decision_function(images).tolist(),
    "buffers": [t.tolist() for t in normalised.model_.buffers()],
    "logits": logits.tolist(),
}))
"""


def test_every_batch_is_divided_without_loss() -> None:
    order = np.arange(24)[::-1].copy()
    parts = [shard(order, 8, rank, 4) for rank in range(4)]
    assert sorted(np.concatenate(parts)) == list(range(24))
    assert parts[1].tolist() == [21, 20, 13, 12, 5, 4]


def test_torchrun_with_two_processes_equals_one(striped: Striped, tmp_path: Path) -> None:
    images, labels = striped(61)  # an odd number: the parts of the evaluation differ
    one = LeNet1998(epochs=2, batch=16, device="cpu", precision="f32", n_jobs=1).fit(images, labels)
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(Path(__file__).parent), str(tmp_path)],
        env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("threads:") == 2
    assert "gloo" not in done.stdout
    assert (len(list((tmp_path / "0").rglob("*.pt"))), (tmp_path / "1").exists()) == (1, False)
    two, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert two["world"] == 2
    for same in ("scores", "resumed scores", "buffers", "logits"):
        assert two[same] == second[same]
    assert two["resumed history"] == second["resumed history"] == two["history"]
    assert two["resumed scores"] == two["scores"]
    for measured in ("loss", "train_error"):  # of both processes' images
        assert [r[measured] for r in two["history"]] == pytest.approx([r[measured] for r in one.history_], rel=1e-3)
    np.testing.assert_allclose(np.array(two["scores"]), one.decision_function(images), atol=2e-3)


def test_several_devices_from_one_process_equal_one(
    striped: Striped, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("told: %(message)s"))
    monkeypatch.setattr(logging.getLogger("topfive"), "handlers", [handler])
    images, labels = striped(61)
    one = LeNet1998(epochs=2, batch=16, device="cpu", precision="f32").fit(images, labels)
    two = LeNet1998(epochs=2, batch=16, device="cpu,cpu", precision="f32").fit(images, labels)
    np.testing.assert_allclose(two.decision_function(images), one.decision_function(images), atol=2e-3)
    assert [r["epoch"] for r in two.history_] == [1, 2]
    assert "told: epoch 2/2" in capfd.readouterr().err  # the run shows such lines, whichever process they come from
    for a, b in zip(one.model_.parameters(), two.model_.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-2)


def test_a_process_that_fails_says_why_while_the_others_wait(striped: Striped) -> None:
    images, labels = striped(32)
    model = TorchClassifier(module=Fails, epochs=1, batch=16, device="cpu,cpu", augment="none")
    with pytest.raises(RuntimeError, match="TwoWords: no such number"):
        model.fit(images, labels)


def test_an_error_that_can_be_made_again_is_sent_as_it_is() -> None:
    sent = pickle.loads(_pickled(FileNotFoundError(2, "no such file", "x.png")))
    assert (type(sent), sent.args, sent.filename) == (FileNotFoundError, (2, "no such file"), "x.png")


ENDS = """
import os, sys
import torch.distributed as dist
from topfive.cnn import distributed
os.environ["WORLD_SIZE"] = "2"
distributed.init_process_group = lambda device: None
distributed.destroy_process_group = lambda: print("left")
dist.get_rank, dist.get_world_size = lambda: 0, lambda: 2
distributed.join_torchrun(distributed.torch.device("cpu"))
@distributed.collective()
def fails():
    raise ArithmeticError
again = lambda: distributed.join_torchrun(distributed.torch.device("cpu"))
for then in sys.argv[1:]:  # each in a process of its own, so that torch is imported once for all
    if os.fork() == 0:
        exec(then)
        sys.exit()
    print("ended", os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
os._exit(0)
"""


def test_a_process_waits_for_the_others_at_its_end_only_if_all_went_well() -> None:
    cases = {
        "": ["left", "ended 0"],
        "raise ArithmeticError": ["ended 1"],
        "try:\n    fails()\nexcept ArithmeticError:\n    pass": ["ended 0"],
        "try:\n    fails()\nexcept ArithmeticError:\n    again()": ["left", "ended 0"],
    }
    done = subprocess.run([sys.executable, "-c", ENDS, *cases], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == [*(line for lines in cases.values() for line in lines), ""]


@pytest.mark.parametrize("device", ["cpu,cuda:0", "cuda:0,0", "cuda:0,cuda:1,0"])
def test_several_devices_are_of_one_kind_and_each_once(device: str) -> None:
    with pytest.raises(ValueError, match="of one kind, and no GPU twice"):
        LeNet1998(device=device).fit(None, np.zeros(0, np.int64))


def test_a_killed_process_ends_the_training_with_its_name(striped: Striped) -> None:
    images, labels = striped(32)
    model = TorchClassifier(module=Dies, epochs=1, batch=16, device="cpu,cpu", augment="none")
    with pytest.raises(ProcessExitedException, match="process 1 terminated with signal SIGKILL"):
        model.fit(images, labels)
