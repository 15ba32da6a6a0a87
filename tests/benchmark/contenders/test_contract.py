"""The contract stands in one place: what the harness looks up, what it documents, and what the built-ins offer."""

from __future__ import annotations

import ast
from pathlib import Path

from topfive.benchmark.contenders import contract

ROOT = Path(__file__).resolve().parents[3]
LOOKED_UP_IN = (
    *("running/engine.py", "running/asking.py", "contenders/checks.py", "contenders/discovery.py"),
    *("probes/attack.py", "probes/occlusion.py", "probes/parts.py", "probes/throughput.py"),
)
OF_PROBES = {"images", "random_state"}  # asked of a probe, not of a contender


def looked_up() -> set[str]:
    """Every name that harness or probes ask a contender for: literal names in ``getattr`` or ``hook`` on it."""
    names = set()
    for file in LOOKED_UP_IN:
        for node in ast.walk(ast.parse((ROOT / "benchmark" / file).read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            if called in ("getattr", "_seconds", "_constant", "hook"):
                owner, name = node.args[0], node.args[1]
                of_contender = ast.unparse(owner) in ("method", "factory", "self.factory", "node", "contender")
                if of_contender and isinstance(name, ast.Constant):
                    names.add(name.value)
    return names


def test_every_name_that_is_looked_up_is_in_the_contract_and_the_other_way_round() -> None:
    documented = {hook.name for hook in contract.HOOKS if hook.where != contract.ARGUMENT}
    assert looked_up() - {"device"} == documented
    assert contract.FILLED == ("device", "random_state", "n_jobs", "cache_dir")


def test_the_documents_table_is_made_from_the_contract() -> None:
    assert contract.table() in (ROOT / "docs" / "contenders.md").read_text(encoding="utf-8")
