from __future__ import annotations

from pathlib import Path

import pytest
from topfive.benchmark.config import load
from topfive.benchmark.running.runner import run


def test_a_dry_run_foresees_and_writes_nothing(
    tmp_path: Path, contenders: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    base = {"data": ["photos[per_class=20]"], "method": ["mean-color", "raises"], "plugin": [contenders]}
    assert run(load(None, base | {"output": str(out), "dry_run": True})) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("photos[per_class=20] · mean-color: about ")
    assert "GiB of memory" in said[0]
    assert "failed on a pilot of 4 images a class: RuntimeError: no such luck" in said[1]
    assert said[2].startswith("about ")
    assert not out.exists()
