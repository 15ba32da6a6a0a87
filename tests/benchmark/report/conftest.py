"""Run folders written by the product's own writer, made up from a small model of contenders, so that the report has no
need of a benchmark run: each image has a difficulty, each contender a skill, and the two families see differently."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from topfive.benchmark.conditions import in_file_name
from topfive.benchmark.data.dataset import Dataset, Split
from topfive.benchmark.data.images import LazyImages
from topfive.benchmark.families import DEEP, FLOOR, HAND, SHALLOW
from topfive.benchmark.report.analysis.contest import Contest, contests_of
from topfive.benchmark.results.run import Run, load_run, open_run
from topfive.benchmark.results.schema import Costs, DatasetRecord, Environment, Manifest, ProblemRecord, Record
from topfive.benchmark.results.thumbnails import write_thumbnails
from topfive.benchmark.scoring.metrics import metrics
from topfive.benchmark.scoring.predictions import write_predictions
from topfive.benchmark.scoring.ranking import confidence_of, rank

MakeRun = Callable[..., Path]


def contest_of(*runs: Path) -> Contest:
    """Of runs that have one data set."""
    (contest,) = contests_of([open_run(run) for run in runs])
    return contest


def change(run: Path, method: str, **values: Any) -> None:
    """Give a contender's records other values."""
    loaded = load_run(run)
    for record in loaded.records:
        if record.method == method:
            loaded.put(record.model_copy(update=values))
    loaded.save()


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


def _picture(label: int, seed: int) -> np.ndarray[Any, Any]:
    """(64, 64, 3) uint8: a disc on the class's colour."""
    rng = np.random.default_rng([label, seed])
    hue = np.full((64, 64, 3), (label * 47 % 180, 150, 190), np.uint8)
    image = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)
    cv2.circle(image, tuple(int(v) for v in rng.integers(12, 52, 2)), int(rng.integers(6, 22)), (240, 240, 240), -1)
    return np.asarray(image)


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
    names = class_names or [f"{WORDS[i % len(WORDS)]} {i}" for i in range(n_classes)]
    run = Run(out, manifest=MANIFEST.model_copy(update={"config": {**MANIFEST.config, "seed": list(seeds)}}))
    (out / "predictions").mkdir(parents=True, exist_ok=True)
    for dataset in datasets:
        labels = np.repeat(np.arange(n_classes), per_class)
        ids = [f"val/{dataset}/{names[label][:40]}_{i}.JPEG" for i, label in enumerate(labels)]
        run.datasets[dataset] = DatasetRecord(
            name=dataset,
            title=f"A slice of {dataset}",
            description="Made up for a test.",
            layout=layout,
            n_train=n_classes * max(train_per_class),
            n_val=len(labels),
            n_classes=n_classes,
            classes=[f"n{i:08d}" for i in range(n_classes)],
            class_names=names,
            branches=[("animal", "artifact", "plant")[i % 3] for i in range(n_classes)] if branches else None,
            fingerprint=f"fp-{dataset}-{n_classes}-{per_class}",
            image_size=(64, 64),
            limited=limited,
            problems=[ProblemRecord(split="val", id="val/broken.JPEG", reason="truncated file")],
            notes=["One image could not be read and was left out for everybody."],
        )
        for i, (method, family, skill) in enumerate(contenders):
            for size in train_per_class:
                for seed in seeds:
                    noise = np.random.default_rng([i, size, seed])
                    grown = skill * (size / max(train_per_class)) ** (0.45 if family == DEEP else 0.2)
                    scores = scores_of(grown, family, labels, n_classes, noise)
                    if family == DEEP:
                        scores = np.exp(2 * scores) / np.exp(2 * scores).sum(1, keepdims=True)
                    if family == FLOOR:
                        scores = np.zeros_like(scores)
                    condition = {"train_per_class": size} if len(train_per_class) > 1 else {}
                    cell = f"{dataset}.{i:02d}.{in_file_name(condition)}.{seed}"
                    ranking = rank(scores, labels)
                    write_predictions(out / "predictions" / f"{cell}.parquet", ids, ranking)
                    run.put(
                        Record(
                            cell=cell,
                            dataset=dataset,
                            method=method,
                            family=family,
                            seed=seed,
                            condition=condition,
                            status="done",
                            metrics=metrics(ranking),
                            n_train=size * n_classes,
                            n_train_per_class=size,
                            costs=_costs(method, family, len(labels), size),
                            timings={"descriptors": 8.0, "svm": 2.5},
                            history=_history(size) if family == DEEP else [],
                            confidence=confidence_of(scores),
                            predictions=f"predictions/{cell}.parquet",
                            device="cpu",
                            finished="2026-11-22T10:10:00+00:00",
                            environment=MANIFEST.environment,
                        )
                    )
        if thumbnails:
            pictures = LazyImages(lambda i, labels=labels: _picture(int(labels[i]), i), len(labels))
            split = Split(pictures, labels, ids)
            shown = Dataset(dataset, dataset, "", layout, (), tuple(names), split, split, "")
            write_thumbnails(out, dataset, shown)
    if broken:
        for status, reason in REASONS.items():
            run.put(broken_record(datasets[0], f"broken-{status}", status, reason))
    run.save()
    run.save_manifest()
    return out


REASONS = {
    "failed": "ValueError: decision_function answered (400, 19), not (400, 20)",
    "timeout": "stopped after 600 s",
    "oom": "killed by the system: out of memory",
    "skipped": "needs images of 128 px or more",
    "unavailable": "No module named 'jax'",
    "interrupted": "stopped by Ctrl-C",
}
MANIFEST = Manifest(
    command=["topfive", "run", "-d", "tiny-imagenet-mini", "-o", "reports/<mini>"],
    config={"limit": None, "timeout": 600, "device": "cpu"},
    started="2026-11-22T10:00:00+00:00",
    finished="2026-11-22T10:18:20+00:00",
    environment=Environment(
        commit="0123456789abcdef",
        uncommitted=False,
        python="3.11.9",
        platform="Linux-6.1-x86_64",
        packages={"numpy": "2.4.6", "torch": "2.13.0"},
        cpu="AMD EPYC",
        cores=2,
        memory_bytes=24 * 2**30,
    ),
)


def broken_record(dataset: str, method: str, status: Any, reason: str) -> Record:
    """A cell that did not finish."""
    return Record(
        cell=f"{dataset}.{method}",
        dataset=dataset,
        method=method,
        status=status,
        reason=reason,
        traceback=f'Traceback (most recent call last):\n  File "x.py", line 1\n{reason}'
        if status == "failed"
        else None,
        log=["fitting", "half way"],
    )


def _costs(method: str, family: str, n: int, size: int) -> Costs:
    deep = family == DEEP
    return Costs(
        fit_seconds=(400.0 if deep else 20.0 + 10 * len(method)) * size / 100,
        predict_seconds=3.0 + len(method) / 4,
        cpu_seconds=90.0,
        images_per_second=n / 3,
        peak_rss_bytes=2**30 + 2**26 * len(method),
        n_parameters=2_400_000 if deep else None,
        flops_per_image=1.2e8 if deep else None,
    )


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
