"""The three packages never import each other, only ``topfive.common``; the harness never imports torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_listing_imports_no_torch() -> None:
    code = "import sys\nfrom topfive.benchmark.cli import app\n"
    code += "try:\n    app(['list'])\nexcept SystemExit as e:\n    assert not e.code\n"
    code += "heavy = {'torch', 'sklearn', 'skimage', 'pandas', 'matplotlib', 'cv2'} & set(sys.modules)\n"
    code += "assert not heavy, heavy"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "sift-fisher" in done.stdout
    assert "alexnet" in done.stdout
