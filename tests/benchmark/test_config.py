from __future__ import annotations

import re
from pathlib import Path

import pytest
from topfive.benchmark.config import load, studies, study
from topfive.benchmark.contenders.discovery import PROBE, check_params, discover, resolve
from topfive.benchmark.errors import InputError
from topfive.benchmark.specs import parse


def test_alone_it_runs_both_sides_on_the_photographs() -> None:
    config = load(None, {})
    assert config.data == ["photos"]
    assert {"chance", "sift-fisher", "alexnet"} <= set(config.method)
    assert (config.seed, config.jobs, config.device) == ([0], 1, "auto")


def test_flags_win_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text('method = ["hog", "chance"]\nseed = [1, 2]\njobs = 2\n')
    config = load(file, {"seed": [7], "method": [], "output": None})
    assert (config.method, config.seed, config.jobs, config.data) == (["hog", "chance"], [7], 2, ["photos"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("methods = ['hog']", "unknown key 'methods'; did you mean 'method'?"),
        ("jobs = 0", "--jobs"),
        ("jobs = 'two'", "--jobs"),
        ("device = 'gpu'", "--device: gpu is none; give auto, cpu, cuda, cuda:N, or several: cuda:0,1"),
        ("device = 'cuda:0;1'", "--device"),
        ("device = 'cpu,cuda:0'", "--device"),
        ("seed = [", "not valid TOML"),
        ("method = []", "--method"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "study.toml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        load(file, {})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the config .*none\.toml"):
        load(tmp_path / "none.toml", {})


def test_every_study_that_ships_is_valid_and_says_what_it_answers() -> None:
    found = studies()
    assert "data" in found
    for name, path in found.items():
        config = load(path, {})
        assert config.study == name
        assert study(name) == path
        question, *more = path.read_text(encoding="utf-8").splitlines()
        assert re.match(r"# \w.+[?.]", question), name  # the line that `topfive list studies` shows
        comments = "\n".join(line for line in more if line.startswith("#"))
        assert f"command   topfive study {name}" in comments
        for word in ("cost", "expect"):
            assert re.search(rf"^#   {word} +\S", comments, re.MULTILINE), (name, word)
        entries, probes = discover(), discover(kind=PROBE)
        for text in config.method:
            check_params(parse(text), resolve(parse(text), entries).load())
        for text in config.probe:
            check_params(parse(text), resolve(parse(text), probes, PROBE).load())


def test_flags_win_over_a_study_and_another_file_is_none(tmp_path: Path) -> None:
    config = load(study("data"), {"method": ["chance"], "per_class": [2, 4]})
    assert (config.method, config.per_class, config.data, config.study) == (["chance"], [2, 4], ["photos"], "data")
    file = tmp_path / "data.toml"
    file.write_text('method = ["hog"]\nprobe = "corruptions"\n')
    config = load(file, {})
    assert (config.study, config.probe) == (None, ["corruptions"])
    file.write_text("study = 'data'\n")
    with pytest.raises(InputError, match="unknown key 'study'"):
        load(file, {})


def test_an_unknown_study_is_one_line() -> None:
    with pytest.raises(InputError) as caught:
        study("dat")
    assert str(caught.value) == "unknown study 'dat'; did you mean 'data'? (`topfive list studies` shows all)"
