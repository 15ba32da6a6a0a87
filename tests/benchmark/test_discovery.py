"""Contenders are found by reading sources; nothing is imported to list them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from topfive.benchmark.contenders import listing
from topfive.benchmark.contenders.discovery import Entry, discover, kebab, resolve
from topfive.benchmark.errors import InputError
from topfive.benchmark.families import FAMILIES, OTHER
from topfive.benchmark.specs import Spec

PLUGIN = '''
from sklearn.base import BaseEstimator
from torch import nn
from topfive.cnn import TorchClassifier
import a_thing_that_is_not_installed

class Plain(BaseEstimator):
    """First sentence over
    two lines.

    More.
    """
    family = "floor"
    def fit(self, images, labels): ...
    def decision_function(self, images): ...

class Heir(Plain): ...

class Net(nn.Module):
    def forward(self, x): ...

class MyNet(TorchClassifier):
    def network(self, n_classes, side): return Net()

class _Hidden(Plain): ...

class Helper:
    def fit(self, x): ...
'''


def test_a_file_is_read_not_run(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    found = {name: entry for name, entry in discover([str(file)]).items() if entry.origin == "mine.py"}
    assert sorted(found) == ["heir", "my-net", "plain"]
    assert found["plain"].describe() == ("First sentence over two lines.", "floor")
    assert found["heir"].describe()[1] == "floor"


def test_the_code_version_changes_with_the_code(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    entry = discover([str(file)])["plain"]
    before = entry.code_version()
    assert entry.code_version() == before
    file.write_text(PLUGIN + "\n# changed\n")
    assert entry.code_version() != before


def test_names() -> None:
    assert [kebab(name) for name in ("MeanColor", "HOGPlus", "Sift2Fisher", "mean_color")] == [
        "mean-color",
        "hog-plus",
        "sift2-fisher",
        "mean-color",
    ]
    assert resolve(Spec("package.module:Class"), {}) == Entry(
        "package.module:Class", "package.module:Class", "package.module"
    )
    with pytest.raises(InputError, match="did you mean 'hog'"):
        resolve(Spec("hg"), {"hog": Entry("hog", "m:Hog", "m")})


def test_a_file_that_is_no_python(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("class Broken(:\n")
    with pytest.raises(InputError, match="is not valid Python"):
        discover([str(file)])


def test_every_built_in_says_what_it_is() -> None:
    for name, entry in discover().items():
        summary, family = entry.describe()
        assert summary, name
        assert family, name


def test_the_list_is_for_readers_without_the_source() -> None:
    for name, entry in discover().items():
        assert not re.search(r"[A-Za-z_]\.[A-Za-z_]", entry.describe()[0]), name


def test_the_list_has_a_group_for_each_family(capsys: pytest.CaptureFixture[str]) -> None:
    entries = discover()
    listing.contenders(entries.values())
    groups: dict[str, list[str]] = {}
    for line in capsys.readouterr().out.partition("\n\n")[2].splitlines():
        if line and not line.startswith(" "):
            heading = line
        elif re.match(r"  \S", line):
            groups.setdefault(heading, []).append(line.split()[0])
    families = [{entries[name].describe()[1] for name in names} for names in groups.values()]
    assert all(len(found) == 1 for found in families)  # nobody stands in another's group
    *of_sides, parts = [found.pop() for found in families]
    assert of_sides == [family.name for family in FAMILIES if family.name != OTHER]
    assert parts == "hand-engineered"
    assert sorted(name for names in groups.values() for name in names) == sorted(entries)
    assert next(reversed(groups.values())) == ["bovw", "fisher", "llc", "supervector", "vlad"]


def test_a_topfive_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files may be on Python's path all the same."""
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [])
    with pytest.raises(InputError, match="not installed, so none of its own are known"):
        resolve(Spec("hog"), discover())
