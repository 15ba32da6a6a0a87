"""The examples are what people copy from: the plugin package installs and runs, the study and the awk program too."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from topfive.benchmark.config import load
from topfive.benchmark.interface import load as load_run

from .benchmark.report.conftest import build_run
from .in_process import Program

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


@pytest.fixture
def importable(installed: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """On the path of this process, until the test ends."""
    monkeypatch.syspath_prepend(installed)
    yield
    sys.modules.pop("topfive_pretrained", None)


@pytest.mark.skipif(importlib.util.find_spec("timm") is not None, reason="timm is installed here")
@pytest.mark.usefixtures("importable")
def test_the_plugin_says_in_a_line_that_timm_is_not_there(program: Program) -> None:
    assert "pretrained" in program(["list"])[1]
    status, said, errors = program(["run", "-m", "pretrained", "-m", "chance", "-d", "photos[per_class=2]"])
    assert status == 0, errors
    assert "timm is not installed: pip install timm" in said
    assert "Traceback" not in said + errors
    status, said, errors = program(["check", "pretrained"])
    assert status == 1
    assert "FAIL  skip                the contender skips these images (timm is not installed" in said
    assert "Traceback" not in said + errors


@pytest.mark.usefixtures("importable")
def test_the_plugin_keeps_the_contract_with_a_network(program: Program, tmp_path: Path) -> None:
    (tmp_path / "timm.py").write_text(TIMM)
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 8, 4), torch.nn.BatchNorm2d(8))
    torch.save(network.state_dict(), tmp_path / "tiny.pt")
    _, said, errors = program(["check", "pretrained[model=tiny,weights=tiny.pt]"])
    assert said.rstrip().endswith("keeps the contract"), said + errors
    _, said, _ = program(["check", "pretrained[model=tiny,weights=other.pt]"])
    assert "the weights of tiny are not on this machine: give weights=FILE" in said


def test_the_study_is_valid() -> None:
    config = load(EXAMPLES / "study.toml", {})
    assert config.per_class == [10, 30, 100]


def test_the_study_runs_when_cut_short(program: Program, tmp_path: Path) -> None:
    """The same file, with flags over it: its quickest contender, two sizes, few images."""
    words = ["run", str(EXAMPLES / "study.toml"), "-d", "photos[per_class=4]", "-m", "chance"]
    status, _, errors = program([*words, "--per-class", "2,4", "-o", "out"])
    assert status == 0, errors
    assert len((tmp_path / "out" / "results.csv").read_text().splitlines()) == 1 + 2


def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell, in a kernel of its own; `jupyter execute --inplace examples/python.ipynb` renews what it shows."""
    nbclient = pytest.importorskip("nbclient", reason="the notebook needs nbclient and ipykernel, of the extra test")
    nbformat = importlib.import_module("nbformat")
    for variable in ("TOPFIVE_CACHE", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    notebook = nbformat.read(EXAMPLES / "python.ipynb", 4)
    before = [cell["source"] for cell in notebook.cells]
    for cell in notebook.cells:
        cell["outputs"] = []
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=240, kernel_name="python3", resources=place).execute()
    shown = [
        output.get("text") or output["data"]
        for cell in notebook.cells
        if cell["cell_type"] == "code"
        for output in cell["outputs"]
    ]
    assert [cell["source"] for cell in notebook.cells] == before
    progress, run, *_ = shown
    assert progress == {"text/plain": ""}
    assert "hog" in run["text/plain"]
    assert "<svg" in run["text/html"]
    assert any("image/svg+xml" in output for output in shown)
    assert (tmp_path / "reports" / "notebook" / "report.html").is_file()


@pytest.fixture(scope="module")
def steps() -> dict[str, str]:
    """The scripts of action.yml by their step's name."""
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with the extra cluster")
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    asked = {f"${{{{ inputs.{name} }}}}" for name in action["inputs"]}
    given = {value for step in action["runs"]["steps"] for value in step.get("env", {}).values()}
    assert {value for value in given if "inputs" in value} <= asked
    return {step["name"]: step["run"] for step in action["runs"]["steps"] if "run" in step}


def script(text: str, folder: Path, **environment: str) -> str:
    """What GitHub does with a step's script; the output."""
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text]
    given = {**os.environ, "RUNNER_TEMP": str(folder), **environment}
    return subprocess.run(shell, cwd=folder, env=given, capture_output=True, text=True, check=True).stdout


def test_the_action_runs_what_is_asked_for(steps: dict[str, str], tmp_path: Path) -> None:
    program = tmp_path / "topfive" / "bin" / "topfive"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    program.chmod(0o755)
    (tmp_path / "alexnet=").touch()  # a pattern would be taken for this file
    asked = {"DATA": "my images; rm -rf x", "METHODS": "hog alexnet[=]", "ARGUMENTS": "--per-class 5,10", "OUTPUT": "o"}
    assert script(steps["Run"], tmp_path, **asked).splitlines() == [
        *("run", "-d", "my images; rm -rf x", "-o", "o", "-m", "hog", "-m", "alexnet[=]", "--per-class", "5,10")
    ]


def test_the_action_tells_the_verdict(steps: dict[str, str], tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", thumbnails=False)
    python = tmp_path / "topfive" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    told = {"GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    script(steps["Verdict"], tmp_path, OUTPUT=str(folder), **told)
    said = (tmp_path / "output").read_text(encoding="utf-8")
    assert said == f"verdict={load_run(folder).verdict()}\n"
    assert said.count("\n") == 1
    summary = (tmp_path / "summary").read_text(encoding="utf-8")
    assert "sift-fisher" in summary
    assert summary.startswith("```\n")
