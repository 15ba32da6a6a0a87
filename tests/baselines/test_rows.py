"""How a linear classifier reads its rows: a few at a time, whatever their number."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import topfive.baselines.rows as rows_module
from topfive.baselines import svm
from topfive.baselines.rows import Rows
from topfive.benchmark.running.isolation import SETTINGS


def test_only_few_rows_are_in_memory_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of rows: of wide ones, hundreds would take gigabytes."""
    asked = []
    monkeypatch.setattr(rows_module, "read", lambda rows, start, stop: asked.append(stop - start) or rows[start:stop])
    rows = np.zeros((300, 2**20), dtype=np.float16)  # 2 MB each, none of which is really there
    rows[:, 0] = 1
    assert float(Rows(rows, "cpu").mean(300)[0]) == 1
    coef, intercept = np.ones((2**20, 2), dtype=np.float32), np.zeros(2, dtype=np.float32)
    assert (svm.linear_scores(rows, coef, intercept, "cpu") == 1).all()
    assert max(asked) * rows[0].nbytes <= 2**25
    assert sum(asked) == 600


MEASURED = """
import threading, time, numpy as np
from topfive.baselines.svm import linear_scores

def own():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon")) / 1024

features = np.memmap("rows", mode="w+", dtype=np.float16, shape=(2560, 262144))
coef, intercept = np.zeros((262144, 100), np.float32), np.zeros(100, np.float32)
most = [before := own()]
watch = lambda: [(most.append(own()), time.sleep(0.01)) for _ in iter(int, 1)]
threading.Thread(target=watch, daemon=True).start()
assert linear_scores(features, coef, intercept, "cpu").shape == (2560, 100)
print(max(most) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's figures")
def test_the_memory_of_scoring_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Forty batches of 64 MiB as float32, with the settings of memory that contenders run with."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED],
        cwd=tmp_path, env={**os.environ, **SETTINGS}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(done.stdout) < 600
