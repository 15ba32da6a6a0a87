"""Two processes train what one does, and score every image once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from topfive.cnn.classifier import LeNet1998, TorchClassifier
from topfive.cnn.distributed import my_part
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


SCRIPT = """
import atexit, json, sys
from pathlib import Path
import torch.distributed as dist
sys.path.insert(0, sys.argv[1])
from conftest import Striped
from topfive.cnn.classifier import LeNet1998
# runs last: a thread of the process group that is still there could abort the interpreter as it ends
atexit.register(lambda: print("threads:", [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]))
images, labels = Striped()(61)
model = LeNet1998(epochs=3, batch=16, device="cpu", precision="f32", n_jobs=1).fit(images, labels)
scores = model.decision_function(images)
if dist.get_rank() == 0:
    Path(sys.argv[2]).write_text(json.dumps({"scores": scores.tolist(), "world": dist.get_world_size()}))
"""


def test_every_batch_is_divided_without_loss() -> None:
    order = np.arange(24)[::-1].copy()
    parts = [my_part(order, 8, rank, 4) for rank in range(4)]
    assert sorted(np.concatenate(parts)) == list(range(24))
    assert parts[1].tolist() == [21, 20, 13, 12, 5, 4]


def test_torchrun_with_two_processes_equals_one(striped: Striped, tmp_path: Path) -> None:
    images, labels = striped(61)  # an odd number: the parts of the evaluation differ
    one = LeNet1998(epochs=3, batch=16, device="cpu", precision="f32", n_jobs=1).fit(images, labels)
    script, result = tmp_path / "train.py", tmp_path / "scores.json"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(Path(__file__).parent), str(result)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("threads:") == 2
    assert "gloo" not in done.stdout
    two = json.loads(result.read_text())
    assert two["world"] == 2
    np.testing.assert_allclose(np.array(two["scores"]), one.decision_function(images), atol=2e-3)


def test_several_devices_from_one_process_equal_one(striped: Striped) -> None:
    images, labels = striped(61)
    one = LeNet1998(epochs=2, batch=16, device="cpu", precision="f32").fit(images, labels)
    two = LeNet1998(epochs=2, batch=16, device="cpu,cpu", precision="f32").fit(images, labels)
    np.testing.assert_allclose(two.decision_function(images), one.decision_function(images), atol=2e-3)
    assert [r["epoch"] for r in two.history_] == [1, 2]
    for a, b in zip(one.model_.parameters(), two.model_.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-2)


def test_a_killed_process_ends_the_training_with_its_name(striped: Striped) -> None:
    images, labels = striped(32)
    model = TorchClassifier(module=Dies, epochs=1, batch=16, device="cpu,cpu", augment="none")
    with pytest.raises(ProcessExitedException, match="process 1 terminated with signal SIGKILL"):
        model.fit(images, labels)
