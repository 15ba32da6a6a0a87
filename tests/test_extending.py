"""docs/extending.md is true: each kind of thing is added in a copy of the sources, in the files its row names alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("benchmark", "baselines", "cnn")

LAYOUT = '''
"""Pictures whose names begin with their class: ``cat_1.png``."""

from ..storage.tree import is_image
from .rows import add, from_rows


def matches(location):
    return location.is_folder and location.tree.has("first-word.txt")


def read(location):
    tree, rows = location.tree, ([], [])
    for i, name in enumerate(tree.names):
        if is_image(name):
            add(rows, i, name.rpartition("/")[2].partition("_")[0])
    return from_rows(tree, "named by their first word", {"all": rows})
'''


def row(kind: str) -> list[str]:
    """The files that the documents name for a kind, in the order of its row."""
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith(f"| {kind} |"))
    return re.findall(r"`([\w/.]+)`", line.split("|")[2])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The words that each kind's program printed: in one copy of the sources, with all that is new, in one process.

    The copy is as a wheel has it: ``site/topfive``, which goes before the installed ones.
    """
    copy = tmp_path_factory.mktemp("copy")
    site = copy / "site" / "topfive"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "topfive", site, ignore=ignored)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, site / package, ignore=ignored)
    programs = {add.__name__: add(copy) for add in (metric, layout, descriptor, network)}
    said = run(copy, "".join(f"print('## {name}')\n{code}" for name, code in programs.items()))
    parts = said.split("## ")[1:]
    return {name: words for name, *words in (part.split() for part in parts)}


def edit(copy: Path, file: str, before: str, after: str) -> None:
    path = copy / "site" / "topfive" / file
    text = path.read_text(encoding="utf-8")
    assert before in text, f"{file} has no {before!r}"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def write(copy: Path, file: str, text: str) -> None:
    path = copy / "site" / "topfive" / file
    assert not path.exists()
    path.write_text(text.lstrip(), encoding="utf-8")


def run(copy: Path, code: str) -> str:
    """What a program prints that imports the copy, and nothing installed, as topfive."""
    site = copy / "site"
    start = f"import topfive\nassert topfive.__file__.startswith({str(site)!r}), topfive.__file__\n"
    start += f"import sys\nsys.path.append({str(ROOT / 'tests')!r})\n"
    start += "import pytest, in_process\nin_process.cells_here(pytest.MonkeyPatch())\n"
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(site),
        "TOPFIVE_CACHE": str(copy / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", start + code], capture_output=True, text=True, cwd=copy, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def metric(copy: Path) -> str:
    assert row("metric") == ["benchmark/scoring/metrics.py"]
    new = (
        'Metric("top2_err", "top-2 error", partial(_error, k=2), "lower", help="two guesses"),\n'
        '    Metric("n", "", lambda ranking, tree'
    )
    edit(copy, "benchmark/scoring/metrics.py", 'Metric("n", "", lambda ranking, tree', new)
    return (
        "from topfive.benchmark.config import load\n"
        "from topfive.benchmark.running.runner import run\n"
        "flags = {'data': ['photos[per_class=2]'], 'method': ['topfive.baselines.chance:Chance'], 'output': 'out',"
        " 'quiet': True}\n"
        "assert run(load(None, flags)) == 0\n"
        "from pathlib import Path\n"
        "import csv\n"
        "print(float(next(csv.DictReader(open('out/results.csv')))['top2_err']) > 0)\n"
        "page = Path('out/report.html').read_text()\n"
        "print('top-2 error' in page, 'title=\"two guesses\"' in page)\n"
    )


def test_a_metric_is_one_row(told: dict[str, list[str]]) -> None:
    assert told["metric"] == ["True", "True", "True"]


def layout(copy: Path) -> str:
    new, registry = row("data layout")
    write(copy, new.replace("NEW", "first_word"), LAYOUT)
    edit(copy, registry, "from . import (\n", "from . import (\n    first_word,\n")
    edit(copy, registry, "    folder_per_class,\n]", "    first_word,\n    folder_per_class,\n]")
    return (
        "import cv2, numpy as np\n"
        "from pathlib import Path\n"
        "Path('pictures').mkdir()\n"
        "Path('pictures/first-word.txt').touch()\n"
        "for i in range(20):\n"
        '    cv2.imwrite(f\'pictures/{"cat" if i % 2 else "dog"}_{i}.png\', np.full((8, 8, 3), 10 * i, np.uint8))\n'
        "from topfive.benchmark.data import open_dataset\n"
        "found = open_dataset('pictures')\n"
        "print(','.join(found.classes), len(found.train) + len(found.val))\n"
    )


def test_a_layout_is_a_file_and_its_name(told: dict[str, list[str]]) -> None:
    assert told["layout"] == ["cat,dog", "20"]


def descriptor(copy: Path) -> str:
    new, registry = row("descriptor")
    write(
        copy,
        new.replace("NEW", "brightness"),
        "def brightness(rgb):\n    return rgb.mean((2, 3)).repeat(1, 4)\n",
    )
    edit(copy, registry, "from .color import", "from .brightness import brightness\nfrom .color import")
    edit(
        copy, registry, '    "color": color_histogram,', '    "color": color_histogram,\n    "brightness": brightness,'
    )
    return (
        "from topfive.benchmark.data import open_dataset\n"
        "from topfive.baselines.parts import Fisher\n"
        "data = open_dataset('photos', per_class=4, classes='brick+chelsea+page')\n"
        "fitted = Fisher(descriptor='brightness', k=4).fit(data.train.images, data.train.labels)\n"
        "print(fitted.decision_function(data.val.images).shape)\n"
    )


def test_a_descriptor_is_a_file_and_a_row(told: dict[str, list[str]]) -> None:
    assert told["descriptor"] == ["(3,", "3)"]


def network(copy: Path) -> str:
    new, line = row("network")
    assert line == "setup.cfg"
    write(
        copy,
        new.replace("NEW", "perceptron"),
        "from dataclasses import dataclass\n"
        "from torch import nn\n"
        "from .estimator import DeepClassifier\n\n\n"
        "@dataclass(kw_only=True, eq=False, repr=False)\n"
        "class Perceptron(DeepClassifier):\n"
        '    """One linear layer."""\n\n'
        "    first_side: float = 1.0\n\n"
        "    def _network(self, n_classes, side, on_gpu):\n"
        "        return nn.Sequential(nn.Flatten(), nn.Linear(3 * side * side, n_classes))\n",
    )
    # The line in setup.cfg is an entry point, which needs an installation; a dotted path names the same class.
    assert "alexnet = topfive.cnn." in (ROOT / line).read_text(encoding="utf-8")
    return (
        "from topfive.benchmark.contenders.discovery import Entry\n"
        "print(Entry('p', 'topfive.cnn.perceptron:Perceptron', 'x').describe())\n"
        "from topfive.benchmark.data import open_dataset\n"
        "from topfive.cnn.perceptron import Perceptron\n"
        "data = open_dataset('photos', per_class=8, classes='brick+chelsea+page')\n"
        "fitted = Perceptron(epochs=1, side=16).fit(data.train.images, data.train.labels)\n"
        "print(fitted.decision_function(data.val.images).shape)\n"
    )


def test_a_network_is_a_file_and_a_line(told: dict[str, list[str]]) -> None:
    said = " ".join(told["network"])
    assert "One linear layer." in said
    assert said.endswith("(6, 3)")
