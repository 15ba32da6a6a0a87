from __future__ import annotations

from pathlib import Path

import pytest
from topfive.benchmark.config import load
from topfive.benchmark.errors import InputError


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
        ("device = 'gpu'", "--device: is auto, cpu, cuda, cuda:N, or several: cuda:0,1"),
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
