"""The examples are what people copy from: the plugin package installs and runs, the study and the awk program too."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from topfive.benchmark.config import load

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"

# As much of timm as the example needs: a network with random weights, told apart from those of a file.
TIMM = """
import torch
from torch import nn

def create_model(name, *, pretrained, num_classes, pretrained_cfg_overlay):
    assert (name, pretrained, num_classes) == ("tiny", True, 0)
    network = nn.Sequential(nn.Conv2d(3, 8, 8, 4), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten())
    network.load_state_dict(torch.load(pretrained_cfg_overlay["file"], weights_only=True))
    network.pretrained_cfg = {"input_size": (3, 32, 32), "mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}
    return network
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as pip installs it. Built without a network, by the setuptools that is there."""
    pytest.importorskip("setuptools", minversion="77", reason="building needs setuptools 77 or newer")
    source, target = tmp_path_factory.mktemp("source") / "pretrained", tmp_path_factory.mktemp("site")
    shutil.copytree(EXAMPLES / "pretrained", source)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*pip, "--target", target, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def topfive(words: list[str], folder: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "TOPFIVE_CACHE": str(folder / "cache")}
    command = [sys.executable, "-m", "topfive.benchmark", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


@pytest.mark.skipif(importlib.util.find_spec("timm") is not None, reason="timm is installed here")
def test_the_plugin_says_in_a_line_that_timm_is_not_there(installed: Path, tmp_path: Path) -> None:
    assert "pretrained" in topfive(["list"], tmp_path, installed).stdout
    done = topfive(["run", "-m", "pretrained", "-m", "chance", "-d", "photos[per_class=2]"], tmp_path, installed)
    assert done.returncode == 0, done.stderr
    assert "timm is not installed: pip install timm" in done.stdout
    checked = topfive(["check", "pretrained"], tmp_path, installed)
    assert checked.returncode == 1
    assert "FAIL  skip                the contender skips these images (timm is not installed" in checked.stdout
    assert "Traceback" not in done.stderr + checked.stderr


def test_the_plugin_keeps_the_contract_with_a_network(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "timm.py").write_text(TIMM)
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 8, 4), torch.nn.BatchNorm2d(8))
    torch.save(network.state_dict(), tmp_path / "tiny.pt")
    checked = topfive(["check", "pretrained[model=tiny,weights=tiny.pt]"], tmp_path, installed, tmp_path)
    assert checked.stdout.rstrip().endswith("keeps the contract"), checked.stdout + checked.stderr
    missing = topfive(["check", "pretrained[model=tiny,weights=other.pt]"], tmp_path, installed, tmp_path)
    assert "the weights of tiny are not on this machine: give weights=FILE" in missing.stdout


def test_the_study_is_valid() -> None:
    config = load(EXAMPLES / "study.toml", {})
    assert config.per_class == [10, 30, 100]


def test_the_study_runs_when_cut_short(tmp_path: Path) -> None:
    """The same file, with flags over it: its quickest contender, two sizes, few images."""
    words = ["run", str(EXAMPLES / "study.toml"), "-d", "photos[per_class=4]", "-m", "chance"]
    done = topfive([*words, "--per-class", "2,4", "-o", "out"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "out" / "results.csv").read_text().splitlines()) == 1 + 2
