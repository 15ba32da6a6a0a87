"""Run folders as the runner writes them, made up from a small model of contenders, so that the report has no need
of a benchmark run: each image has a difficulty, each contender a skill, and the two families see differently."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from topfive.benchmark.scoring.statistics import expected_credit, hits_at, wilson
from topfive.benchmark.specs import slug

MakeRun = Callable[..., Path]

HAND, DEEP, SHALLOW, FLOOR = "hand-engineered", "deep", "learned, shallow", "floor"
CONTENDERS: tuple[tuple[str, str, float], ...] = (
    ("alexnet", DEEP, 2.1),
    ("sift-fisher", HAND, 1.7),
    ("sift-bovw", HAND, 1.0),
    ("hog", HAND, 0.9),
    ("coates-ng", SHALLOW, 1.4),
    ("color-histogram", HAND, 0.4),
    ("chance", FLOOR, 0.0),
)
WORDS = (
    "goldfish",
    "tabby cat",
    "school bus",
    "espresso",
    "volcano",
    "sea slug",
    "trilobite",
    "obelisk",
    "parking meter",
)


def scores_of(
    skill: float, family: str, labels: np.ndarray[Any, Any], n_classes: int, rng: np.random.Generator
) -> np.ndarray[Any, Any]:
    """(n, n_classes) scores: noise, plus a signal that depends on the family's view of the class."""
    view = np.random.default_rng({HAND: 1, DEEP: 2}.get(family, 3)).normal(1.0, 0.5, n_classes)
    scores = rng.normal(size=(len(labels), n_classes))
    scores[np.arange(len(labels)), labels] += skill * view[labels]
    # Neighbouring classes look alike, so that there is something to confuse.
    scores[np.arange(len(labels)), labels ^ 1 if n_classes % 2 == 0 else labels] += 0.6 * skill
    return scores


def write_predictions(
    path: Path, ids: list[str], labels: np.ndarray[Any, Any], scores: np.ndarray[Any, Any]
) -> dict[str, Any]:
    """The predictions file, and the metrics that the scorer would give for it."""
    n, n_classes = scores.shape
    truth = scores[np.arange(n), labels][:, None]
    above, tied = (scores > truth).sum(1).astype(np.int32), (scores == truth).sum(1).astype(np.int32)
    best = np.argsort(-scores, axis=1, kind="stable")[:, : min(20, n_classes)]
    table = pa.table(
        {
            "image_id": ids,
            "label": labels.astype(np.int32),
            "above": above,
            "tied": tied,
            "top_classes": pa.array(list(best.astype(np.int32)), pa.list_(pa.int32())),
            "top_scores": pa.array(
                list(np.take_along_axis(scores, best, 1).astype(np.float32)), pa.list_(pa.float32())
            ),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    out: dict[str, Any] = {"tied_images": int((tied > 1).sum())}
    for k in (1, 5):
        hits = hits_at(above, tied, k)
        low, high = wilson(int(hits.sum()), n)
        out |= {f"top{k}_err": 1 - hits.mean(), f"top{k}_err_low": 1 - high, f"top{k}_err_high": 1 - low}
        out[f"top{k}_expected_err"] = 1 - float(expected_credit(above, tied, k).mean())
        out[f"chance_top{k}"] = max(0.0, 1 - k / n_classes)
    return out


def _thumbnail(label: int, rng: np.random.Generator) -> bytes:
    hue = np.full((64, 64, 3), (label * 47 % 180, 150, 190), np.uint8)
    image = cv2.cvtColor(hue, cv2.COLOR_HSV2BGR)
    cv2.circle(image, tuple(int(v) for v in rng.integers(12, 52, 2)), int(rng.integers(6, 22)), (240, 240, 240), -1)
    ok, data = cv2.imencode(".jpg", image)
    assert ok
    return bytes(data.tobytes())


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """``make_run(name, …) -> Path`` of a run folder; see ``build_run`` for what it takes."""

    def make(name: str = "run", **options: Any) -> Path:
        return build_run(tmp_path / name, **options)

    return make


def build_run(
    out: Path,
    *,
    contenders: tuple[tuple[str, str, float], ...] = CONTENDERS,
    datasets: tuple[str, ...] = ("tiny-imagenet-mini",),
    n_classes: int = 20,
    per_class: int = 20,
    train_per_class: tuple[int, ...] = (100,),
    seeds: tuple[int, ...] = (0,),
    class_names: list[str] | None = None,
    broken: bool = True,
    limited: bool = False,
    thumbnails: bool = True,
    layout: str = "tiny-imagenet",
    branches: bool = False,
) -> Path:
    """Write a run folder. ``broken`` adds a cell of each status other than done."""
    rng = np.random.default_rng(7)
    names = class_names or [f"{WORDS[i % len(WORDS)]} {i}" for i in range(n_classes)]
    cells: list[dict[str, Any]] = []
    described: dict[str, Any] = {}
    for dataset in datasets:
        labels = np.repeat(np.arange(n_classes), per_class)
        ids = [f"val/{dataset}/{names[label][:40]}_{i}.JPEG" for i, label in enumerate(labels)]
        described[dataset] = {
            "name": dataset,
            "title": f"A slice of {dataset}",
            "description": "Made up for a test.",
            "layout": layout,
            "n_train": n_classes * max(train_per_class),
            "n_val": len(labels),
            "n_classes": n_classes,
            "classes": [f"n{i:08d}" for i in range(n_classes)],
            "class_names": names,
            "fingerprint": f"fp-{dataset}-{n_classes}-{per_class}",
            "image_size": [64, 64],
            "limited": limited,
            "problems": [{"split": "val", "id": "val/broken.JPEG", "reason": "truncated file"}],
            "notes": ["One image could not be read and was left out for everybody."],
        }
        if branches:
            described[dataset]["branches"] = [("animal", "artifact", "plant")[i % 3] for i in range(n_classes)]
        for i, (method, family, skill) in enumerate(contenders):
            for size in train_per_class:
                for seed in seeds:
                    cell = f"{dataset}--{i:02d}--{size}--{seed}"
                    noise = np.random.default_rng([i, size, seed])
                    grown = skill * (size / max(train_per_class)) ** (0.45 if family == DEEP else 0.2)
                    scores = scores_of(grown, family, labels, n_classes, noise)
                    if family == DEEP:
                        scores = np.exp(2 * scores) / np.exp(2 * scores).sum(1, keepdims=True)
                    if family == FLOOR:
                        scores = np.zeros_like(scores)
                    path = Path("predictions") / f"{cell}.parquet"
                    metrics = write_predictions(out / path, ids, labels, scores)
                    cells.append(
                        _cell(cell, dataset, method, family, seed, len(labels), n_classes, size)
                        | metrics
                        | {"predictions": str(path), "probabilities": family == DEEP}
                        | {"history": _history(size) if family == DEEP else []}
                    )
        if thumbnails:
            some = sorted(rng.choice(len(ids), min(1000, len(ids)), replace=False).tolist())
            (out / "thumbnails").mkdir(parents=True, exist_ok=True)
            pq.write_table(
                pa.table({"image_id": [ids[i] for i in some], "jpeg": [_thumbnail(int(labels[i]), rng) for i in some]}),
                out / "thumbnails" / f"{slug(dataset)}.parquet",
            )
    if broken:
        reasons = {
            "failed": "ValueError: decision_function answered (400, 19), not (400, 20)",
            "timeout": "stopped after 600 s",
            "oom": "killed by the system: out of memory",
            "skipped": "needs images of 128 px or more",
            "unavailable": "No module named 'jax'",
            "interrupted": "stopped by Ctrl-C",
        }
        for status, reason in reasons.items():
            cells.append(broken_cell(datasets[0], f"broken-{status}", status, reason))
    out.mkdir(parents=True, exist_ok=True)
    results = {"schema_version": 1, "topfive_version": "0.1.0", "datasets": described, "cells": cells}
    (out / "results.json").write_text(json.dumps(results, allow_nan=False))
    (out / "manifest.json").write_text(json.dumps(_manifest(seeds)))
    return out


def broken_cell(dataset: str, method: str, status: str, reason: str) -> dict[str, Any]:
    cell = _cell(f"{dataset}--{method}", dataset, method, "other", 0, 0, 0, 100)
    keep = {"cell", "dataset", "method", "family", "params", "seed"}
    return {key: value if key in keep else None for key, value in cell.items()} | {
        "status": status,
        "reason": reason,
        "traceback": f'Traceback (most recent call last):\n  File "x.py", line 1\n{reason}'
        if status == "failed"
        else None,
        "log": ["fitting", "half way"],
        "history": [],
        "timings": {},
        "probabilities": False,
    }


def _cell(
    cell: str, dataset: str, method: str, family: str, seed: int, n: int, n_classes: int, size: int
) -> dict[str, Any]:
    deep = family == DEEP
    return {
        "cell": cell, "dataset": dataset, "method": method, "family": family, "params": {}, "seed": seed,
        "status": "done", "reason": None, "traceback": None, "log": [], "n": n, "n_classes": n_classes,
        "hierarchical_err": None, "fit_seconds": (400.0 if deep else 20.0 + 10 * len(method)) * size / 100,
        "predict_seconds": 3.0 + len(method) / 4, "cpu_seconds": 90.0, "images_per_second": n / 3 if n else None,
        "peak_rss_bytes": 2**30 + 2**26 * len(method), "peak_gpu_bytes": None, "energy_joules": None, "device": "cpu",
        "n_parameters": 2_400_000 if deep else None, "flops_per_image": 1.2e8 if deep else None,
        "timings": {"descriptors": 8.0, "svm": 2.5}, "n_train_per_class": float(size), "predictions": None,
        "probabilities": False, "history": [],
    }  # fmt: skip


def _history(size: int) -> list[dict[str, float]]:
    return [
        {
            "epoch": e,
            "loss": 3 * 0.9**e + 30 / size,
            "train_error": 0.1 + 0.8 * 0.85**e,
            "held_out_error": 0.3 + 0.6 * 0.85**e,
            "lr": 0.01,
        }
        for e in range(20)
    ]


def _manifest(seeds: tuple[int, ...]) -> dict[str, Any]:
    return {
        "command": ["topfive", "run", "-d", "tiny-imagenet-mini", "-o", "reports/<mini>"],
        "config": {"limit": None, "timeout": 600, "device": "cpu"},
        "started": "2026-11-22T10:00:00+00:00",
        "finished": "2026-11-22T10:18:20+00:00",
        "git": {"commit": "0123456789abcdef", "dirty": False},
        "python": "3.11.9",
        "platform": "Linux-6.1-x86_64",
        "packages": {"numpy": "2.4.6", "torch": "2.13.0"},
        "hardware": {"cpu": "AMD EPYC", "cores": 2, "memory_bytes": 24 * 2**30, "gpus": []},
        "seeds": list(seeds),
    }
