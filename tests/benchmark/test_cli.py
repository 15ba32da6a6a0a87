"""The command line as a newcomer meets it: what help says, what is refused and in which words."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
from topfive.benchmark.cli import app
from topfive.benchmark.contenders.discovery import discover
from topfive.benchmark.report.analysis.contest import contests_of
from topfive.benchmark.report.analysis.verdict import verdict
from topfive.benchmark.results.run import open_run
from topfive.benchmark.running import runner
from topfive.benchmark.running.pilot import Forecast
from typer.testing import CliRunner

from tests.benchmark.conftest import PLUGINS
from tests.in_process import Program


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*words, name))
    if words:
        yield words, command


COMMANDS = list(commands(typer.main.get_command(app)))
WITH_EXAMPLES = {"run", "study", "list", "report", "score", "check", "compare"}
IDS = [" ".join(words) for words, _ in COMMANDS]


def help_of(words: tuple[str, ...], columns: int = 80) -> str:
    """What ``topfive WORDS --help`` says on a terminal of that width."""
    return (
        CliRunner()
        .invoke(app, [*words, "--help"], env={"COLUMNS": f"{columns}", "TERMINAL_WIDTH": f"{columns}"})
        .output
    )


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=IDS)
def test_help_is_written_for_people(words: tuple[str, ...], command: Any) -> None:
    said = help_of(words)
    assert not re.search(r"<\w+[\[\]\w|]*>|\bTEXT\b|\bINTEGER\b|[{}\x08]", said)  # types and marks of a program
    assert max(map(len, said.splitlines())) <= 80
    flat = " ".join(said.split())
    for parameter in command.params:
        assert " ".join((parameter.help or "").split()) in flat  # whole, its brackets too
        if parameter.param_type_name == "argument":
            assert re.search(rf"^Usage: .*{re.escape(parameter.metavar)}", said)
            assert re.search(rf"^  {re.escape(parameter.metavar)} +\S", said, re.MULTILINE)


@pytest.mark.parametrize("words", [words for words, _ in COMMANDS if words[0] in WITH_EXAMPLES], ids=" ".join)
def test_help_has_examples_that_stand_on_lines_of_their_own(words: tuple[str, ...]) -> None:
    assert len(re.findall(rf"^  topfive {words[0]} \S+", help_of(words), re.MULTILINE)) >= 2


def test_the_help_of_run_fits_a_screen() -> None:
    assert len(help_of(("run",)).splitlines()) <= 40


def test_help_tells_where_parameters_go() -> None:
    with_keys = {" ".join(words) for words, _ in COMMANDS if "[key=value,…]" in help_of(words, 200)}
    assert {"run", "score", "check", "data ids"} <= with_keys


def test_a_parameter_that_is_not_taken_is_bad_usage_of_check(program: Program) -> None:
    status, out, err = program(["check", "hog[x=1]"])
    assert (status, out) == (2, "")
    assert re.fullmatch(r"topfive: hog: unknown parameter 'x'; known: .*\n", err)


def test_a_family_is_one_that_the_report_has_a_colour_for(program: Program) -> None:
    Path("p.csv").write_text("image_id,1,2,3,4,5\n")
    status, _, err = program(["score", "p.csv", "-d", "photos", "--family", "magic"])
    assert status == 2
    expected = (
        "--family 'magic': give one of 'hand-engineered', 'deep', 'pre-trained', 'learned, shallow', 'floor', 'other'"
    )
    assert err == f"topfive: {expected}\n"


def test_the_data_sets_are_listed_in_one_format(program: Program) -> None:
    head, *lines = program(["list", "data"])[1].splitlines()
    place = head.index("what it is")
    assert len(lines) >= 5
    for line in lines:
        assert line[place - 1] == " " != line[place], line


def test_contenders_are_listed_by_side_after_what_to_begin_with(program: Program, contenders: str) -> None:
    _, out, _ = program(["list", "--plugin", contenders])
    first, *rest = out.split("\n\n")
    named = re.findall(r"-m (\S+)", first)
    assert named == ["sift-fisher", "alexnet", "best-of-2012", "resnet-2015"]
    groups = {group.splitlines()[0]: re.findall(r"^  (\S+)", group, re.MULTILINE) for group in rest}
    titles = list(groups)
    assert titles[0].startswith("hand-engineered features")
    assert titles[1].startswith("deep networks")
    assert titles[-1].startswith("parts to combine, as in -m 'fisher[")
    assert {"sift-fisher", "best-of-2012", "hog", "mean-color"} <= set(groups[titles[0]])
    assert {"alexnet", "resnet-2015"} <= set(groups[titles[1]])
    assert groups[titles[-1]] == ["bovw", "fisher", "llc", "supervector", "vlad"]
    assert sorted(name for group in groups.values() for name in group) == sorted(discover([contenders]))
    assert re.search(r"^  mean-color +[^.]+\.\s+\(contenders\.py\)", out, re.MULTILINE)


def test_one_contender_is_shown_whole(program: Program, contenders: str) -> None:
    said = program(["list", "lenet-1998"])[1]
    assert said.startswith("lenet-1998  deep  topfive.cnn.models:LeNet1998 (topfive ")
    assert "What differs from the paper in the network: `lenet.LeNet5`." in said
    assert re.search(r"^  lr +0\.02$", said, re.MULTILINE)
    assert re.search(r"^  device +\S+  \(the run fills it in\)$", said, re.MULTILINE)
    assert "DeepClassifier, which it builds on:" in said
    assert re.search(r"^epochs +None: ", said, re.MULTILINE)  # where most of its parameters are explained
    mine = program(["list", "mean-color", "--plugin", contenders])[1]
    assert "Parameters, written mean-color[key=value,…]:\n  shift             0.0\n" in mine


def test_one_contender_that_is_not_there_or_cannot_be_imported_is_one_line(program: Program, unimportable: str) -> None:
    status, _, unknown = program(["list", "hogg"])
    assert (status, unknown.count("\n")) == (2, 1)
    assert "did you mean 'hog'?" in unknown
    status, _, orphan = program(["list", "orphan", "--plugin", unimportable])
    assert (status, orphan.count("\n")) == (2, 1)
    assert "cannot be imported: ModuleNotFoundError: No module named 'a_library_that" in orphan


def test_a_contender_of_ones_own_needs_its_file() -> None:
    done = subprocess.run(  # the console script itself, whole: one line, no trace
        [sys.executable, "-m", "topfive.benchmark", "run", "-m", "gabor-ridge"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    expected = "unknown method 'gabor-ridge'; a file of your own needs --plugin FILE.py (`topfive list` shows all)"
    assert done.stderr == f"topfive: {expected}\n"


def test_a_run_names_what_its_folder_holds_from_earlier_ones(program: Program, contenders: str) -> None:
    here = ["run", "-d", "photos[per_class=4]", "-o", "run", "--plugin", contenders]
    assert "also holds" not in program([*here, "-m", "mean-color", "-m", "reversed"])[1]
    status, said, _ = program([*here, "-m", "raises"])
    assert status == 1
    assert "the report also holds mean-color, reversed from earlier runs" in said
    assert re.search(r"failed: RuntimeError: no such luck \(contenders\.py:\d+\)", said)
    assert re.search(r"the report has the traceback; `topfive check \S*contenders\.py` looks for the cause", said)
    assert "also holds" not in program([*here, "-m", "mean-color", "--fresh"])[1]


def test_a_dry_run_says_what_it_does_not_count(
    program: Program, contenders: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "estimate", lambda *_: Forecast(10.0, 20.0))
    status, said, _ = program(
        ["run", "-d", "photos[per_class=4]", "--plugin", contenders, "-m", "mean-color", "--dry-run"]
    )
    assert status == 0
    assert (
        "10.0 s to 20.0 s in all, from short pilots; not counted: the start of each cell and opening its data" in said
    )


@pytest.mark.parametrize("sizes", ["5,²", "5,,6", "5,six", "", "-5", "1.5", "0"])
def test_sizes_that_are_none_are_one_line(program: Program, sizes: str) -> None:
    status, _, err = program(["run", "-m", "chance", "--per-class", sizes])
    assert status == 2
    assert err.startswith("topfive: --per-class")
    assert err.count("\n") == 1


def test_probes_are_listed_and_shown_as_contenders_are(program: Program) -> None:
    mine = ["--plugin", str(PLUGINS / "probes.py")]
    head, *lines = program(["list", "probes", *mine])[1].splitlines()
    assert head.split() == ["probe", "what", "it", "asks"]
    told = dict(line.strip().split(maxsplit=1) for line in lines)
    assert told["darker"] == "Images with less light."
    assert "corruptions" in told
    assert "mean-color" not in told
    assert "light" not in told  # a section
    said = program(["list", "darker", *mine])[1]
    assert said.startswith(f"darker  probe  {PLUGINS / 'probes.py'}:Darker (probes.py)\n\nImages with less light.")
    assert "Parameters, written darker[key=value,…]:" in said
    assert re.search(r"^  factors +0\.5\+0\.25$", said, re.MULTILINE)
    assert re.search(r"^  random_state +0$", said, re.MULTILINE)  # the probe's own, not the run's seed
    status, _, unknown = program(["list", "corruption"])
    assert (status, unknown.count("\n")) == (2, 1)
    assert "did you mean 'corruptions'?" in unknown


def test_studies_are_listed(program: Program) -> None:
    head, *lines = program(["list", "studies"])[1].splitlines()
    assert head.split() == ["study", "what", "it", "answers"]
    told = dict(line.strip().split(maxsplit=1) for line in lines)
    assert told["data"].startswith("How many images until the network wins?")


def test_a_study_is_a_run_with_every_flag_still_there(program: Program) -> None:
    few = ["-d", "photos[per_class=8]", "-m", "chance", "--per-class", "2,4", "--seed", "1"]
    status, _, err = program(["study", "data", *few, "-q"])
    assert status == 0, err
    stored = open_run(Path("reports", "data-photos_per_class=8"))
    assert [(r.method, r.seed, r.condition) for r in stored.records] == [
        ("chance", 1, {"train_per_class": 2}),
        ("chance", 1, {"train_per_class": 4}),
    ]
    assert stored.manifest.config["study"] == "data"
    status, _, err = program(["study", "dta"])
    assert status == 2
    assert err == "topfive: unknown study 'dta'; did you mean 'data'? (`topfive list studies` shows all)\n"
    status, _, err = program(["study", "data", "--per-klass", "2"])
    assert status == 2
    assert "--per-klass" in err
    assert "Traceback" not in err


def test_a_run_ends_with_the_verdict(program: Program) -> None:
    status, out, err = program(["run", "-d", "photos[per_class=8]", "-m", "hog", "-m", "color-histogram", "-o", "run"])
    assert status == 0, err
    (contest,) = contests_of([open_run(Path("run"))])
    found = verdict(contest)
    end = [line.replace("\xa0", " ") for line in (found.headline, found.sentence, *found.advice, found.more[0])]
    assert out.splitlines()[-2 - len(end) :] == ["report: run/report.html", "", *end]
    assert program(["run", "-d", "photos[per_class=8]", "-m", "hog", "-o", "run", "-q"]) == (0, "", "")


def test_the_version_is_told(program: Program) -> None:
    assert program(["--version"]) == (0, f"topfive {version('topfive')}\n", "")
