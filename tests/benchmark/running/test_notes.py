"""What the loader left out is told where it matters: in the run's output and in its report."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from topfive.benchmark.config import load
from topfive.benchmark.running.runner import run

from tests.in_process import cells_here


def test_what_was_left_out_is_told_in_the_run_and_in_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cells_here(monkeypatch)
    for label, level in (("cat", 60), ("dog", 190)):
        (tmp_path / "im" / label).mkdir(parents=True)
        for i in range(10):
            noise = np.random.default_rng([level, i]).integers(-50, 50, (16, 16, 3)) + level
            cv2.imwrite(str(tmp_path / "im" / label / f"{i}.png"), noise.astype(np.uint8))
    (tmp_path / "im" / "cat" / ".late.jpg.icloud").write_bytes(b"bplist00")
    flags = {"data": [str(tmp_path / "im")], "method": ["chance"], "output": str(tmp_path / "run")}
    assert run(load(None, flags)) == 0
    said = " ".join(capsys.readouterr().out.split())
    page = " ".join((tmp_path / "run" / "report.html").read_text(encoding="utf-8").split())
    for text in (said, page):
        assert "in the cloud" in text
        assert "drawn by seed 0" in text
