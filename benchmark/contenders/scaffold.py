"""``topfive new NAME``: a small plugin package that installs, passes its tests and ``topfive check``."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError

PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "0.1.0"
description = "A contender for topfive"
requires-python = ">=3.11"
dependencies = ["numpy", "topfive"]

[project.entry-points."topfive.methods"]
{name} = "{module}:{cls}"

[tool.setuptools]
py-modules = ["{module}"]
"""

MODULE = '''\
"""A contender for topfive. What is here works; put your own idea in ``_features``."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


class {cls}:
    """Nearest class mean of small images: one line that `topfive list` shows."""

    family = "hand-engineered"  # or "deep", "pre-trained", "learned, shallow", "floor", "other"

    def __init__(self, side: int = 8) -> None:
        # Only store the arguments. `random_state`, `device`, `n_jobs` and `cache_dir` are filled in if you add them.
        self.side = side

    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Learn from n training images and their (n,) labels; fitted state ends in an underscore."""
        features = self._features(images)
        self.classes_ = np.unique(labels)
        self.means_ = np.stack([features[labels == label].mean(axis=0) for label in self.classes_])
        return self

    def decision_function(self, images: Any) -> NDArray[np.float64]:
        """(n, n_classes) scores in the order of ``classes_``, higher is better."""
        features = self._features(images)
        return -((features[:, None] - self.means_) ** 2).sum(axis=2)

    def _features(self, images: Any) -> NDArray[np.float64]:
        """(n, side * side * 3): ``batches`` decodes ahead of use and yields (n, side, side, 3) uint8 RGB."""
        batches = images.batches(256, side=self.side)
        return np.concatenate([batch.reshape(len(batch), -1) / 255.0 for batch in batches])
'''

TEST = '''\
"""The contender keeps topfive's contract."""

import subprocess
import sys


def test_it_keeps_the_contract() -> None:
    command = [sys.executable, "-m", "topfive.benchmark", "check", "{name}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
'''

README = """\
# {name}

A contender for topfive, in `{module}.py`.

    pip install -e .
    topfive check {name}                                  # does it keep the contract?
    topfive run -m {name} -m hog -m alexnet -o reports/mine   # beside the built-ins, on the built-in photographs
    topfive run -m {name} -m hog -d PATH/TO/YOUR/IMAGES       # on your images
"""


def write(name: str, into: Path) -> Path:
    """Write the package ``name`` below ``into``; returns its folder. Raises InputError."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise InputError(
            f"{name!r}: a contender's name is small letters, digits and single hyphens, such as mean-color"
        )
    folder = into / name
    if folder.exists():
        raise InputError(f"{folder} exists already; choose another name or move it away")
    words = {"name": name, "module": name.replace("-", "_"), "cls": "".join(w.capitalize() for w in name.split("-"))}
    (folder / "tests").mkdir(parents=True)
    files = {"pyproject.toml": PYPROJECT, f"{words['module']}.py": MODULE, "README.md": README}
    files[f"tests/test_{words['module']}.py"] = TEST
    for path, text in files.items():
        (folder / path).write_text(text.format(**words), encoding="utf-8")
    return folder
