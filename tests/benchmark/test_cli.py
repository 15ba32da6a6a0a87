"""The command line as a newcomer meets it: what help says, what is refused and in which words."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from topfive.benchmark.cli import app
from topfive.benchmark.config import load
from topfive.benchmark.results.run import open_run
from topfive.benchmark.running.runner import run
from typer.testing import CliRunner

from tests.benchmark.conftest import PLUGINS


def topfive(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "topfive.benchmark", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*words, name))
    if words:
        yield words, command


COMMANDS = list(commands(typer.main.get_command(app)))
BRACKETED = {
    words: [bracket for option in command.params for bracket in re.findall(r"\[[^\]]+\]", option.help or "")]
    for words, command in COMMANDS
}


@pytest.mark.parametrize("words", [words for words, found in BRACKETED.items() if found], ids=" ".join)
def test_help_keeps_what_stands_in_brackets(words: tuple[str, ...]) -> None:
    said = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "400"}).output
    for bracket in BRACKETED[words]:
        assert bracket in said


def test_help_tells_where_parameters_go() -> None:
    with_keys = {" ".join(words) for words, found in BRACKETED.items() if "[key=value,…]" in found}
    assert {"run", "score", "check", "data ids"} <= with_keys


def test_a_parameter_that_is_not_taken_is_bad_usage_of_check(tmp_path: Path) -> None:
    done = topfive(tmp_path, "check", "hog[x=1]")
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"topfive: hog: unknown parameter 'x'; known: .*\n", done.stderr)


def test_a_family_is_one_that_the_report_has_a_colour_for(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("image_id,1,2,3,4,5\n")
    done = topfive(tmp_path, "score", "p.csv", "-d", "photos", "--family", "magic")
    assert done.returncode == 2
    expected = (
        "--family 'magic': give one of 'hand-engineered', 'deep', 'pre-trained', 'learned, shallow', 'floor', 'other'"
    )
    assert done.stderr == f"topfive: {expected}\n"


def test_the_data_sets_are_listed_in_one_format(tmp_path: Path) -> None:
    head, *lines = topfive(tmp_path, "list", "data").stdout.splitlines()
    place = head.index("what it is")
    assert len(lines) >= 5
    for line in lines:
        assert line[place - 1] == " " != line[place], line


def test_one_contender_is_shown_whole(tmp_path: Path, contenders: str) -> None:
    said = topfive(tmp_path, "list", "lenet-1998").stdout
    assert said.startswith("lenet-1998  deep  topfive.cnn.models:LeNet1998 (topfive ")
    assert "What differs from the paper in the network: `lenet.LeNet5`." in said
    assert re.search(r"^  lr +0\.02$", said, re.MULTILINE)
    assert re.search(r"^  device +\S+  \(the run fills it in\)$", said, re.MULTILINE)
    assert "DeepClassifier, which it builds on:" in said
    assert re.search(r"^epochs +None: ", said, re.MULTILINE)  # where most of its parameters are explained
    mine = topfive(tmp_path, "list", "mean-color", "--plugin", contenders).stdout
    assert "Parameters, written mean-color[key=value,…]:\n  shift             0.0\n" in mine


def test_one_contender_that_is_not_there_or_cannot_be_imported_is_one_line(tmp_path: Path, unimportable: str) -> None:
    unknown = topfive(tmp_path, "list", "hogg")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    assert "did you mean 'hog'?" in unknown.stderr
    orphan = topfive(tmp_path, "list", "orphan", "--plugin", unimportable)
    assert (orphan.returncode, orphan.stderr.count("\n")) == (2, 1)
    assert "cannot be imported: ModuleNotFoundError: No module named 'a_library_that" in orphan.stderr


def test_a_contender_of_ones_own_needs_its_file(tmp_path: Path) -> None:
    done = topfive(tmp_path, "run", "-m", "gabor-ridge")
    assert done.returncode == 2
    expected = "unknown method 'gabor-ridge'; a file of your own needs --plugin FILE.py (`topfive list` shows all)"
    assert done.stderr == f"topfive: {expected}\n"


def start(folder: Path, plugin: str, *methods: str, **flags: Any) -> int:
    base = {"data": ["photos[per_class=4]"], "method": list(methods), "output": str(folder), "plugin": [plugin]}
    return run(load(None, base | flags))


def test_a_run_names_what_its_folder_holds_from_earlier_ones(
    tmp_path: Path, contenders: str, capsys: pytest.CaptureFixture[str]
) -> None:
    start(tmp_path / "run", contenders, "mean-color", "reversed")
    assert "also holds" not in capsys.readouterr().out
    start(tmp_path / "run", contenders, "raises")
    said = capsys.readouterr().out
    assert "the report also holds mean-color, reversed from earlier runs" in said
    assert re.search(r"failed: RuntimeError: no such luck \(contenders\.py:\d+\)", said)
    assert re.search(r"the report has the traceback; `topfive check \S*contenders\.py` looks for the cause", said)
    start(tmp_path / "run", contenders, "mean-color", fresh=True)
    assert "also holds" not in capsys.readouterr().out


def test_a_dry_run_says_what_it_does_not_count(
    tmp_path: Path, contenders: str, capsys: pytest.CaptureFixture[str]
) -> None:
    start(tmp_path / "run", contenders, "mean-color", dry_run=True)
    assert "not counted: the start of each cell and opening its data" in capsys.readouterr().out


@pytest.mark.parametrize("sizes", ["5,²", "5,,6", "5,six", "", "-5", "1.5", "0"])
def test_sizes_that_are_none_are_one_line(tmp_path: Path, sizes: str) -> None:
    done = topfive(tmp_path, "run", "-m", "chance", "--per-class", sizes)
    assert done.returncode == 2
    assert done.stderr.startswith("topfive: --per-class")
    assert done.stderr.count("\n") == 1


def test_probes_are_listed_and_shown_as_contenders_are(tmp_path: Path) -> None:
    mine = ["--plugin", str(PLUGINS / "probes.py")]
    head, *lines = topfive(tmp_path, "list", "probes", *mine).stdout.splitlines()
    assert head.split() == ["probe", "what", "it", "asks"]
    told = dict(line.strip().split(maxsplit=1) for line in lines)
    assert told["darker"] == "Images with less light."
    assert "corruptions" in told
    assert "mean-color" not in told
    assert "light" not in told  # a section
    said = topfive(tmp_path, "list", "darker", *mine).stdout
    assert said.startswith(f"darker  probe  {PLUGINS / 'probes.py'}:Darker (probes.py)\n\nImages with less light.")
    assert "Parameters, written darker[key=value,…]:" in said
    assert re.search(r"^  factors +0\.5\+0\.25$", said, re.MULTILINE)
    assert re.search(r"^  random_state +0$", said, re.MULTILINE)  # the probe's own, not the run's seed
    unknown = topfive(tmp_path, "list", "corruption")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    assert "did you mean 'corruptions'?" in unknown.stderr


def test_studies_are_listed(tmp_path: Path) -> None:
    head, *lines = topfive(tmp_path, "list", "studies").stdout.splitlines()
    assert head.split() == ["study", "what", "it", "answers"]
    told = dict(line.strip().split(maxsplit=1) for line in lines)
    assert told["data"].startswith("How many images until the network wins?")


def test_a_study_is_a_run_with_every_flag_still_there(tmp_path: Path) -> None:
    few = ["-d", "photos[per_class=8]", "-m", "chance", "--per-class", "2,4", "--seed", "1"]
    words = ["study", "data", *few, "-q"]
    done = topfive(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    stored = open_run(tmp_path / "reports" / "data-photos_per_class=8")
    assert [(r.method, r.seed, r.condition) for r in stored.records] == [
        ("chance", 1, {"train_per_class": 2}),
        ("chance", 1, {"train_per_class": 4}),
    ]
    assert stored.manifest.config["study"] == "data"
    unknown = topfive(tmp_path, "study", "dta")
    assert unknown.returncode == 2
    assert unknown.stderr == "topfive: unknown study 'dta'; did you mean 'data'? (`topfive list studies` shows all)\n"
    wrong = topfive(tmp_path, "study", "data", "--per-klass", "2")
    assert wrong.returncode == 2
    assert "--per-klass" in wrong.stderr
    assert "Traceback" not in wrong.stderr
