"""Within ``benchmark/data`` imports lead downwards only, and never in a circle; those inside functions count."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

DATA = Path(__file__).resolve().parents[3] / "benchmark" / "data"
# From the ground up; "" is benchmark/data itself.
ORDER = ({"storage", "wordnet"}, {"layouts"}, {""}, {"tools"})
LEVEL = {folder: level for level, folders in enumerate(ORDER) for folder in folders}
FILES = {path.relative_to(DATA).with_suffix("").parts: path for path in DATA.rglob("*.py")}


def imported(module: tuple[str, ...], path: Path) -> set[tuple[str, ...]]:
    """The modules of ``benchmark/data`` that one of them imports."""
    found: set[tuple[str, ...]] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not 0 < node.level <= len(module):
            continue  # of another package, or from above benchmark/data
        target = module[: len(module) - node.level] + tuple((node.module or "").split(".") if node.module else ())
        for alias in node.names:
            inner = (*target, alias.name)
            found.add(inner if inner in FILES else target if target in FILES else (*target, "__init__"))
    return found


GRAPH = {module: imported(module, path) for module, path in FILES.items()}


def test_only_downwards() -> None:
    assert len(GRAPH) > 30
    for module, targets in GRAPH.items():
        for target in targets:
            levels = [LEVEL[name[0] if len(name) > 1 else ""] for name in (target, module)]
            assert levels[0] <= levels[1], f"{'.'.join(module)} imports {'.'.join(target)}"


def test_no_circle() -> None:
    assert list(TopologicalSorter(GRAPH).static_order())  # CycleError names it
