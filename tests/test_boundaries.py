"""What may import what: the three packages never each other, the harness never torch, and nothing in circles.

Imports inside functions and for type checks count as much as those at the top.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from topfive.benchmark import LAYERS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("benchmark", "baselines", "cnn")
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Every module that the file names in an import; relative ones as the folder they lead to."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            depth = len(path.relative_to(ROOT).parts) - 1
            if node.level > depth:
                names.add(f"outside: {node.module or [alias.name for alias in node.names]}")
            elif node.level == 0:
                names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_packages_stand_alone(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    for name in imported(path):
        assert not name.startswith("outside"), f"{path} imports a sister package relatively: {name}"
        if name == "topfive.common" or name.startswith("topfive.common."):
            continue
        assert name.split(".")[0] not in ("topfive", *PACKAGES), f"{path} imports {name}; use the contract instead"
        if package == "benchmark":
            assert name.split(".")[0] not in ("torch", "sklearn"), f"{path}: the harness knows no learning library"


Graph = dict[str, set[str]]


def graph(root: Path) -> Graph:
    """Every module below ``root``, dotted and without its name, with those modules there that it imports relatively."""
    modules = {path.relative_to(root).with_suffix("").parts: path for path in root.rglob("*.py")}
    found: Graph = {}
    for parts, path in modules.items():
        targets = found.setdefault(".".join(parts), set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not 0 < node.level <= len(parts):
                continue
            base = (*parts[: len(parts) - node.level], *(node.module.split(".") if node.module else ()))
            for alias in node.names:
                inner = (*base, alias.name)
                package = base if base in modules else (*base, "__init__")
                target = (
                    inner if inner in modules else (*inner, "__init__") if (*inner, "__init__") in modules else package
                )
                assert target in modules, f"{path} imports {'.'.join(inner)}, which is not there"
                targets.add(".".join(target))
    return found


def room(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("package", [*PACKAGES, "topfive"])
def test_no_circle(package: str) -> None:
    found = graph(ROOT / package)
    try:
        TopologicalSorter(found).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(reversed(error.args[1])))


def test_downwards_only() -> None:
    """Along ``topfive.benchmark.LAYERS``, in which every file and folder has its place."""
    found = graph(ROOT / "benchmark")
    assert {room(module) for module in found} - {"__init__"} == set(LAYERS)
    assert "report.render" in found["running.runner"]  # an import inside a function
    assert sum(len(targets) for targets in found.values()) > 200
    wrong = [
        f"{module} → {target}"
        for module, targets in sorted(found.items())
        for target in sorted(targets)
        if room(module) != room(target) and LAYERS.index(room(module)) < LAYERS.index(room(target))
    ]
    assert wrong == []


def test_the_graph_sees_every_kind_of_import(tmp_path: Path) -> None:
    for name, text in {
        "__init__": "",
        "a": "from . import b\nfrom .sub import inner",
        "b": "def late():\n    from .sub.inner import thing",
        "sub/__init__": "from .inner import thing",
        "sub/inner": "if TYPE_CHECKING:\n    from ..a import x\nfrom .. import b, sub\nimport os",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text(text)
    found = graph(tmp_path)
    assert found == {
        "__init__": set(),
        "a": {"b", "sub.inner"},
        "b": {"sub.inner"},
        "sub.__init__": {"sub.inner"},
        "sub.inner": {"a", "b", "sub.__init__"},
    }
    with pytest.raises(CycleError):
        TopologicalSorter(found).prepare()


def test_listing_imports_no_torch() -> None:
    code = "import sys\nfrom topfive.benchmark.cli import app\n"
    code += "try:\n    app(['list'])\nexcept SystemExit as e:\n    assert not e.code\n"
    code += "heavy = {'torch', 'sklearn', 'skimage', 'pandas', 'matplotlib', 'cv2'} & set(sys.modules)\n"
    code += "assert not heavy, heavy"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "sift-fisher" in done.stdout
    assert "alexnet" in done.stdout
