"""`topfive check` finds each way to break the contract, and nothing to find in what keeps it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from topfive.benchmark.checks import Finding, check
from topfive.benchmark.discovery import Entry, discover
from topfive.benchmark.errors import InputError
from topfive.benchmark.scaffold import write
from topfive.benchmark.specs import Spec

BROKEN = str(Path(__file__).with_name("plugins") / "broken.py")


def findings(name: str, plugin: str = BROKEN) -> dict[str, Finding]:
    entry = discover([plugin])[name]
    with np.errstate(all="ignore"):
        return {finding.name: finding for finding in check(Spec(name), entry)}


def test_what_keeps_the_contract_passes() -> None:
    found = findings("sound")
    assert len(found) == 11
    assert [name for name, finding in found.items() if not finding.passed] == []


@pytest.mark.parametrize(
    ("name", "where", "message"),
    [
        ("stores-nothing", "constructor", "self.strength = strength"),
        ("returns-nothing", "fit", "return self"),
        ("changes-labels", "fit", "work on a copy"),
        ("wrong-class-order", "class order", "order of classes_"),
        ("normalises-over-the-test", "order and batches", "score each image by itself"),
        ("peeks-at-the-order", "order and batches", "change with their order"),
        ("global-state", "determinism", "default_rng(random_state)"),
        ("holds-a-lambda", "pickling", "keep no lambdas"),
        ("one-column-for-two", "two classes", "shape (18, 1), expected (18, 2)"),
        ("divides-by-contrast", "odd images", "not finite"),
    ],
)
def test_each_fault_is_found_and_says_its_cure(name: str, where: str, message: str) -> None:
    found = findings(name)
    assert not found[where].passed
    assert message in found[where].message.replace("\n", " ")


def test_a_plugin_that_cannot_be_imported_says_what_it_lacks(unimportable: str) -> None:
    found = findings("orphan", unimportable)
    assert list(found) == ["import"]
    assert "a_library_that_is_not_installed" in found["import"].message


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", ["chance", "hog"])
def test_built_ins_pass(name: str) -> None:
    found = findings(name)
    assert [(n, f.message) for n, f in found.items() if not f.passed] == []


def test_a_new_package_passes_its_own_check(tmp_path: Path) -> None:
    folder = write("my-own-idea", tmp_path)
    entry = Entry("my-own-idea", f"{folder / 'my_own_idea.py'}:MyOwnIdea", "test")
    assert entry.describe()[1] == "hand-engineered"
    assert [(f.name, f.message) for f in check(Spec("my-own-idea"), entry) if not f.passed] == []
    with pytest.raises(InputError, match="exists already"):
        write("my-own-idea", tmp_path)
    with pytest.raises(InputError, match="small letters"):
        write("My Idea", tmp_path)


def test_the_command_answers_with_its_exit_status() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "topfive.benchmark", "check", "chance"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("keeps the contract")
