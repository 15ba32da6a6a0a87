"""Disks that are full or read-only, and a cache that is gone: one clear line, nothing broken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmark.conftest import records
from tests.in_process import Program


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 600 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=600k", "topfive-test", str(place)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(words, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root and the right to mount")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def topfive(out: Path, plugin: str, *more: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "topfive.benchmark", "run", "-d", "photos[per_class=8]", "-q", "-o", str(out)]
    words += ["--plugin", plugin, "-m", "mean-color", "-m", "reversed", *more]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_a_full_disk_is_one_line_and_going_on_works(small_disk: Path, contenders: str) -> None:
    out = small_disk / "run"
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(500_000))
    done = topfive(out, contenders)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert "No space left on device" in done.stderr
    for path in out.rglob("*.json"):
        json.loads(path.read_text())  # whole, or not there
    assert not list(out.rglob("*.part"))
    ballast.unlink()
    assert subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)]).returncode == 0
    assert topfive(out, contenders).returncode == 0
    assert {name: record.status for name, record in records(out).items()} == {"mean-color": "done", "reversed": "done"}


def test_a_read_only_place_is_one_line(small_disk: Path, contenders: str) -> None:
    assert subprocess.run(["mount", "-o", "remount,ro", str(small_disk)]).returncode == 0
    done = topfive(small_disk / "run", contenders)
    assert done.returncode == 2
    assert "cannot write to" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_cache_that_is_gone_is_made_again(program: Program, contenders: str) -> None:
    words = ["run", "-d", "photos[per_class=8]", "-q", "--plugin", contenders, "-m", "mean-color", "-o"]
    assert program([*words, "run"])[0] == 0
    shutil.rmtree(os.environ["TOPFIVE_CACHE"])
    assert program([*words, "run"])[0] == 0
    assert program([*words, "other"])[0] == 0
    assert Path(os.environ["TOPFIVE_CACHE"]).is_dir()
