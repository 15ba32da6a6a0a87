"""Where the results come from: the runs' manifests and the data sets, as facts to read."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from .numbers import percent, quantity, size
from .runs import Run
from .study import Study
from .tables import Column, Table, text

Facts = list[tuple[str, str]]


def provenance(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """For each run: {"name", "facts", "packages": Table or None, "config": str}."""
    return [
        {
            "name": run.path.name or str(run.path),
            "facts": _facts(run),
            "packages": _packages(run, f"packages-{number + 1}"),
            "config": json.dumps(run.manifest.get("config") or {}, indent=2, ensure_ascii=False, default=str),
        }
        for number, run in enumerate(runs)
    ]


def _facts(run: Run) -> Facts:
    manifest = run.manifest
    hardware: Mapping[str, Any] = manifest.get("hardware") or {}
    git: Mapping[str, Any] = manifest.get("git") or {}
    command = manifest.get("command") or []
    gpus = [str(g.get("name", g)) if isinstance(g, Mapping) else str(g) for g in hardware.get("gpus") or []]
    state = f"{str(git.get('commit', ''))[:12]}{', with changes not committed' if git.get('dirty') else ''}"
    facts = [
        ("command", shlex.join(str(part) for part in command)),
        ("started", _time(manifest.get("started"))),
        ("finished", _time(manifest.get("finished"))),
        ("seeds", ", ".join(str(seed) for seed in manifest.get("seeds") or [])),
        ("topfive", run.version + (f", commit {state}" if git else "")),
        ("Python", str(manifest.get("python") or "")),
        ("platform", str(manifest.get("platform") or "")),
        ("processor", f"{hardware.get('cpu') or 'unknown'}, {hardware.get('cores') or '?'} cores"),
        ("memory", size(hardware.get("memory_bytes"))),
        ("GPU", ", ".join(gpus) or "none"),
    ]
    return [(name, value) for name, value in facts if value]


def _time(value: object) -> str:
    return str(value or "").replace("T", " ")[:19]


def _packages(run: Run, key: str) -> Table | None:
    packages: Mapping[str, Any] = run.manifest.get("packages") or {}
    rows = [[text(name), text(version)] for name, version in sorted(packages.items())]
    return Table(key, "Package versions", [Column("package"), Column("version")], rows) if rows else None


def facts_of_data(study: Study) -> Facts:
    """What the data set is, as the runs recorded it."""
    dataset = study.dataset
    size_class = study.per_class
    facts = [
        ("data set", f"{dataset.title} ({dataset.name})" if dataset.title != dataset.name else dataset.name),
        ("what it is", dataset.description),
        ("layout", dataset.layout),
        ("training images", f"{dataset.n_train:,}" + (f", {quantity(size_class)} per class" if size_class else "")),
        ("validation images", f"{dataset.n_val:,}"),
        ("chance level", f"{percent(study.chance)} top-{study.k} error"),
        ("fingerprint", dataset.fingerprint or "unknown"),
        ("notes", " ".join(dataset.notes)),
    ]
    return [(name, value) for name, value in facts if value]
