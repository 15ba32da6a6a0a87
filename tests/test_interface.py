"""``import topfive``: what it offers, and that it costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import topfive


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOPFIVE_CACHE", str(tmp_path / "cache"))


def test_a_data_set_by_name_and_of_arrays() -> None:
    assert len(topfive.open_dataset("photos", per_class=4).train) == 80
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 9, 3), dtype=np.uint8)
    found = topfive.open_dataset(pixels, ["cat", "dog"] * 10)
    assert found.classes == ("cat", "dog")
    assert len(found.train) + len(found.val) == 20


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, topfive; assert not {'numpy', 'torch', 'cv2', 'pandas'} & set(sys.modules), sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
