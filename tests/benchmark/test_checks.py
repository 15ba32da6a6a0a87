"""`topfive check` finds each way to break the contract, and nothing to find in what keeps it."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from topfive.benchmark.contenders import checks
from topfive.benchmark.contenders.checks import Finding, check
from topfive.benchmark.contenders.discovery import Entry, discover
from topfive.benchmark.contenders.scaffold import write
from topfive.benchmark.errors import InputError
from topfive.benchmark.specs import Spec

from tests.baselines.made_onnx import convolution
from tests.in_process import Program

BROKEN = str(Path(__file__).with_name("plugins") / "broken.py")
SETUP = configparser.ConfigParser()
SETUP.read(Path(__file__).resolve().parents[2] / "setup.cfg")
POINTS = SETUP["options.entry_points"]["topfive.methods"].split("\n")
BUILT_INS = [point.partition(" = ")[0] for point in POINTS if point and ".pretrained:" not in point]


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
        ("misspells-quick", "constructor", "quick_params has 'epoch'"),
        ("wrong-shape", "scores", "one finite score per image and class"),
        ("counts-votes", "scores", "let each image's sum to one"),
        ("wrong-class-order", "class order", "order of classes_"),
        ("normalises-over-the-test", "order and batches", "score each image by itself"),
        ("peeks-at-the-order", "order and batches", "change with their order"),
        ("global-state", "determinism", "default_rng(random_state)"),
        ("pythons-random", "determinism", "default_rng(random_state)"),
        ("holds-a-lambda", "pickling", "keep no lambdas"),
        ("learns-into-the-class", "two classes", "not in the class or the module"),
        ("one-column-for-two", "two classes", "shape (12, 1), expected (12, 2)"),
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


@pytest.mark.parametrize(
    ("first_line", "cause"),
    [
        ("import a_library_that_is_not_installed", "ModuleNotFoundError: No module named 'a_library_that"),
        ("from json import a_thing_it_lacks", "ImportError: cannot import name 'a_thing_it_lacks'"),
        ("raise RuntimeError('no licence file')", "RuntimeError: no licence file"),
        ("raise SystemExit('needs a GPU')", "SystemExit: needs a GPU"),
        ("Sound = 1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_module_that_fails_is_one_line(tmp_path: Path, first_line: str, cause: str) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(first_line + "\n" + Path(BROKEN).read_text().partition("import annotations")[2])
    found = findings("sound", str(plugin))
    assert list(found) == ["import"]
    assert not found["import"].passed
    assert cause in found["import"].message
    assert "\n" not in found["import"].message


def test_an_entry_point_to_nothing_says_so() -> None:
    for target, cause in {"topfive.baselines.whole:Hogg": "no attribute 'Hogg'", "nowhere:X": "'nowhere'"}.items():
        found = list(check(Spec("x"), Entry("x", target, "test")))
        assert [finding.passed for finding in found] == [False]
        assert cause in found[0].message


def test_a_slow_import_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "SLOW_IMPORT_SECONDS", 0.3)
    plugin = tmp_path / "slow.py"
    busy = "import time\nstart = time.process_time()\nwhile time.process_time() - start < 0.4:\n    pass\n"
    plugin.write_text(f"{Path(BROKEN).read_text()}\n{busy}")
    found = findings("sound", str(plugin))
    assert [name for name, finding in found.items() if not finding.passed] == ["import"]
    assert "import heavy libraries inside the methods that use them" in found["import"].message


def test_a_slow_fit_is_told_how_to_be_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "SLOW_FIT_SECONDS", 0.0)
    found = findings("sound")
    assert found["fit"].passed
    assert "quick_params" in found["fit"].message


def test_a_name_that_is_taken_is_one_line(program: Program) -> None:
    Path("mine.py").write_text("class Hog:\n    def fit(self): ...\n    def decision_function(self): ...\n")
    for words in (["check", "mine.py"], ["run", "--plugin", "mine.py", "-m", "hog"]):
        status, _, err = program(words)
        assert status == 2
        assert len(err.splitlines()) == 1
        assert "two contenders are called 'hog': topfive.baselines.whole:Hog (topfive" in err
        assert "mine.py:Hog (mine.py); rename one" in err


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", BUILT_INS)
def test_built_ins_pass(name: str) -> None:
    found = findings(name)
    assert [(n, f.message) for n, f in found.items() if not f.passed] == []
    assert len(found) == 11


def test_a_pretrained_network_passes_where_it_is_there_and_says_what_it_lacks_where_it_is_not(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    filters = np.random.default_rng(0).normal(size=(8, 3, 8, 8)).astype(np.float32)
    file = convolution(tmp_path / "net.onnx", filters, np.eye(8, dtype=np.float32), shape=("n", 3, 32, 32))
    entry = discover()["onnx"]
    found = {finding.name: finding for finding in check(Spec("onnx", {"model": str(file)}), entry)}
    assert [(n, f.message) for n, f in found.items() if not f.passed] == []
    assert len(found) == 12
    *_, last = check(Spec("onnx", {"model": "elsewhere.onnx"}), entry)
    assert (last.name, last.passed) == ("missing", False)
    assert "(there is no file elsewhere.onnx)" in last.message


def test_a_new_package_passes_its_own_check(tmp_path: Path) -> None:
    folder = write("my-own-idea", tmp_path)
    entry = Entry("my-own-idea", f"{folder / 'my_own_idea.py'}:MyOwnIdea", "test")
    assert entry.describe()[1] == "hand-engineered"
    assert [(f.name, f.message) for f in check(Spec("my-own-idea"), entry) if not f.passed] == []
    with pytest.raises(InputError, match="exists already"):
        write("my-own-idea", tmp_path)
    with pytest.raises(InputError, match="small letters"):
        write("My Idea", tmp_path)


PIPELINE = """
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

def pixels(images):
    return np.concatenate([batch.reshape(len(batch), -1) / 255 for batch in images.batches(256, side=8)])

def linear(C=1.0, random_state=0):
    return make_pipeline(FunctionTransformer(pixels), LinearSVC(C=C, random_state=random_state))
"""


def test_a_pipeline_by_its_dotted_path(tmp_path: Path) -> None:
    """A function that makes it, in a module of the folder where the command is given."""
    (tmp_path / "mine.py").write_text(PIPELINE)
    command = [sys.executable, "-c", "import sys; sys.path.remove(''); from topfive.benchmark.cli import main; main()"]
    done = subprocess.run(
        [*command, "check", "mine:linear[C=0.1]"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("keeps the contract")


def test_the_command_answers_with_its_exit_status(program: Program) -> None:
    status, said, err = program(["check", "chance"])
    assert status == 0, err
    assert said.rstrip().endswith("keeps the contract")
    status, said, _ = program(["check", "module_that_is_not_there:Mine"])
    assert status == 1
    assert said.rstrip().endswith("1 to mend")
