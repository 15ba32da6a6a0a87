"""Results of the first edition, schema 1, as this edition has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .schema import SCHEMA_VERSION, Costs, Record

_METRICS = (
    *("n", "n_classes", "top1_err", "top1_err_low", "top1_err_high", "top5_err", "top5_err_low", "top5_err_high"),
    *("top1_expected_err", "top5_expected_err", "chance_top1", "chance_top5", "hierarchical_err", "tied_images"),
)


def results(old: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """``results.json`` of schema 1 in today's form; its manifest tells where all of it was made."""
    return {
        "schema_version": SCHEMA_VERSION,
        "topfive_version": str(old.get("topfive_version", "unknown")),
        "datasets": {
            name: {key: value for key, value in data.items() if value is not None}
            for name, data in old["datasets"].items()
        },
        "records": [_record(cell, manifest) for cell in old["cells"]],
    }


def manifest(old: Mapping[str, Any]) -> dict[str, Any]:
    """``manifest.json`` of schema 1 in today's form."""
    kept = {key: old[key] for key in ("command", "config", "started", "finished") if old.get(key) is not None}
    return {**kept, "environment": environment(old)}


def environment(old: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest of schema 1 tells of code and machine."""
    git, hardware = old.get("git") or {}, old.get("hardware") or {}
    packages = old.get("packages") or {}
    found = {
        "commit": git.get("commit"),
        "uncommitted": git.get("changed"),
        "topfive": packages.get("topfive"),
        "python": old.get("python"),
        "platform": old.get("platform"),
        "packages": packages,
        "cpu": hardware.get("cpu"),
        "cores": hardware.get("cores"),
        "memory_bytes": hardware.get("memory_bytes"),
        "gpus": hardware.get("gpus"),
    }
    return {key: value for key, value in found.items() if value is not None}


def _record(cell: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    same = {key: cell[key] for key in Record.model_fields if cell.get(key) is not None}
    finished = manifest.get("finished")
    return {
        **same,
        "condition": {} if cell.get("per_class") is None else {"train_per_class": cell["per_class"]},
        "metrics": {key: cell[key] for key in _METRICS if cell.get(key) is not None},
        "costs": {key: cell[key] for key in Costs.model_fields if cell.get(key) is not None},
        # The built-in networks answered with log-probabilities and schema 1 did not know them.
        "confidence": "probability" if cell.get("probabilities") else None,
        **({"finished": finished} if finished else {}),
        "environment": environment(manifest),
    }
