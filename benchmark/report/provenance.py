"""Where the results come from: the runs' manifests, and what was made elsewhere, as facts to read."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

from ..results.run import Run
from ..results.schema import Environment
from .numbers import size
from .tables import Column, Table, text


def provenance(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """For each run: {"name", "facts", "records": Table or None, "packages": Table or None, "config": str}."""
    return [
        {
            "name": run.path.name or str(run.path),
            "facts": _facts(run),
            "records": _records(run, f"made-{number + 1}"),
            "packages": _packages(run, f"packages-{number + 1}"),
            "config": json.dumps(run.manifest.config, indent=2, ensure_ascii=False, default=str),
        }
        for number, run in enumerate(runs)
    ]


def _facts(run: Run) -> list[tuple[str, str]]:
    manifest, made = run.manifest, run.manifest.environment
    facts = [
        ("command", shlex.join(manifest.command)),
        ("started", _time(manifest.started)),
        ("finished", _time(manifest.finished)),
        ("seeds", ", ".join(str(seed) for seed in manifest.config.get("seed") or [])),
        ("topfive", _code(made, run.version)),
        ("Python", made.python),
        ("platform", made.platform),
        ("processor", f"{made.cpu or 'unknown'}, {made.cores or '?'} cores"),
        ("memory", size(made.memory_bytes)),
        ("GPU", ", ".join(made.gpus) or "none"),
    ]
    return [(name, value) for name, value in facts if value]


def _code(made: Environment, version: str) -> str:
    """Version and commit, and whether the code was that commit's."""
    if made.commit is None:
        return version
    return f"{version}, commit {made.commit[:12]}{', with changes not committed' if made.uncommitted else ''}"


def _time(value: str | None) -> str:
    return (value or "").replace("T", " ")[:19]


def _records(run: Run, key: str) -> Table | None:
    """Results made elsewhere than the run's manifest says: by other code, versions or hardware. None where none was."""
    here = run.manifest.environment
    rows = [
        [
            text(record.method),
            text(record.dataset),
            text(_time(record.finished)),
            text(_code(made, made.topfive or run.version)),
            text(f"{made.cpu or 'unknown'}, {made.cores or '?'} cores"),
            text(record.device or "–"),
        ]
        for record in run.records
        if record.probe is None and (made := record.environment) is not None and made != here
    ]
    columns = [Column(name) for name in ("contender", "data set", "finished", "code", "processor", "device")]
    return Table(key, "Results made by other code or on another machine", columns, rows) if rows else None


def _packages(run: Run, key: str) -> Table | None:
    packages = run.manifest.environment.packages
    rows = [[text(name), text(version)] for name, version in sorted(packages.items())]
    return Table(key, "Package versions", [Column("package"), Column("version")], rows) if rows else None
