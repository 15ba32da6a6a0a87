"""Predictions from files: every accepted form gives the same numbers, every fault names its first line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from topfive.benchmark.data import Dataset, open_dataset
from topfive.benchmark.errors import InputError
from topfive.benchmark.external import read_external
from topfive.benchmark.predictions import write_predictions
from topfive.benchmark.ranking import rank
from topfive.benchmark.scoring import metrics


@pytest.fixture(scope="module")
def photos() -> Dataset:
    return open_dataset("photos", per_class=4)


@pytest.fixture(scope="module")
def scores(photos: Dataset) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(len(photos.val), 20)).astype(np.float32)


def ranked(photos: Dataset, scores: np.ndarray, k: int = 20) -> list[list[str]]:
    return [[photos.classes[c] for c in np.argsort(-row)[:k]] for row in scores]


def test_every_form_gives_the_same_errors(photos: Dataset, scores: np.ndarray, tmp_path: Path) -> None:
    expected = metrics(rank(scores, photos.val.labels))
    ids, lists = list(photos.val.ids), ranked(photos, scores)
    by_class = pd.DataFrame(scores, columns=list(photos.classes))
    by_class.insert(0, "image_id", ids)
    by_class = by_class.sample(frac=1, random_state=0)  # the order of the lines does not matter
    by_class.to_csv(tmp_path / "scores.csv", index=False)
    by_class.to_parquet(tmp_path / "scores.parquet")
    top = pd.DataFrame(lists, columns=[str(i + 1) for i in range(20)])
    top.insert(0, "image_id", ids)
    top.to_csv(tmp_path / "ranked.csv", index=False)
    with (tmp_path / "ranked.jsonl").open("w") as file:
        file.writelines(
            json.dumps({"image_id": i, "ranked": guesses}) + "\n" for i, guesses in zip(ids, lists, strict=True)
        )
    with (tmp_path / "scores.jsonl").open("w") as file:
        for i, row in zip(ids, scores.tolist(), strict=True):
            file.write(json.dumps({"image_id": i, "scores": dict(zip(photos.classes, row, strict=True))}) + "\n")
    numbers = {name: str(i + 1) for i, name in enumerate(photos.classes)}
    (tmp_path / "submission.txt").write_text(
        "\n".join(" ".join(numbers[c] for c in guesses[:5]) for guesses in lists) + "\n"
    )
    write_predictions(tmp_path / "own.parquet", ids, rank(scores, photos.val.labels))
    files = sorted(tmp_path.iterdir())
    assert len(files) == 7
    for file in files:
        found = metrics(read_external(file, photos))
        for column in ("n", "top1_err", "top5_err", "top5_err_low", "top5_err_high"):
            assert found[column] == pytest.approx(expected[column]), (file.name, column)


def test_what_is_not_ranked_counts_against(photos: Dataset, tmp_path: Path) -> None:
    wrong = [[c for c in photos.classes if c != photos.classes[label]][:5] for label in photos.val.labels]
    rows = [{"image_id": i, "ranked": guesses} for i, guesses in zip(photos.val.ids, wrong, strict=True)]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = metrics(read_external(tmp_path / "p.jsonl", photos))
    assert (found["top1_err"], found["top5_err"], found["top5_expected_err"]) == (1, 1, 1)


def broken(rows: list[dict[str, Any]], how: str) -> list[dict[str, Any]]:
    match how:
        case "missing":
            del rows[3]
        case "twice":
            rows[4]["image_id"] = rows[1]["image_id"]
        case "unknown image":
            rows[2]["image_id"] = "nobody.jpg"
        case "unknown class":
            rows[2]["ranked"][1] = "unicorn"
        case "class twice":
            rows[2]["ranked"][1] = rows[2]["ranked"][0]
        case "too few":
            rows[2]["ranked"] = rows[2]["ranked"][:4]
        case "nan":
            rows[2] = {"image_id": rows[2]["image_id"], "scores": {"moon": float("nan")}}
        case "both kinds":
            rows[2] = {"image_id": rows[2]["image_id"], "scores": {"moon": 1.0}}
    return rows


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("missing", "1 of 20 validation images are missing, first"),
        ("twice", "line 5: image .* is there twice"),
        ("unknown image", "line 3: unknown image id 'nobody.jpg'"),
        ("unknown class", "line 3: unknown class 'unicorn'"),
        ("class twice", "line 3: a class is ranked twice"),
        ("too few", "line 3: only 4 classes are ranked; rank 5 or more"),
        ("both kinds", "line 3: has scores, the lines before have ranked"),
    ],
)
def test_a_fault_is_refused_with_its_first_line(
    photos: Dataset, scores: np.ndarray, tmp_path: Path, how: str, message: str
) -> None:
    lists = ranked(photos, scores, 6)
    rows = [{"image_id": i, "ranked": guesses} for i, guesses in zip(photos.val.ids, lists, strict=True)]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, broken(rows, how))))
    with pytest.raises(InputError, match=message):
        read_external(tmp_path / "p.jsonl", photos)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.csv", "id,1,2\n", "the first line must be"),
        ("p.csv", "", "the first line must be"),
        ("p.csv", "image_id,moon,cell\nx,1\n", "line 2: 2 values under 3 columns"),
        ("p.jsonl", "{not json}\n", "line 1: not valid JSON"),
        ("p.jsonl", "[1]\n", "line 1: must be"),
        ("p.txt", "1 2 3 4 5\n", "1 lines for 20 validation images"),
        ("p.txt", "1 2 3 4 5\n" * 19 + "1 2 3 4 21\n", "line 20: '21' is not a class number from 1 to 20"),
        ("p.parquet", "nonsense", "is not a Parquet file"),
        ("p.xlsx", "", "the ending must be one of"),
    ],
)
def test_files_that_are_something_else(photos: Dataset, tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_external(tmp_path / name, photos)


@pytest.mark.parametrize(("value", "message"), [("nan", "not finite"), ("inf", "not finite"), ("high", "not a number")])
def test_scores_are_finite_numbers(photos: Dataset, tmp_path: Path, value: str, message: str) -> None:
    head = "image_id," + ",".join(photos.classes)
    row = photos.val.ids[0] + "," + ",".join([value] + ["0"] * 19)
    (tmp_path / "p.csv").write_text(f"{head}\n{row}\n")
    with pytest.raises(InputError, match=f"line 2: the score of 'astronaut' is .*{message}"):
        read_external(tmp_path / "p.csv", photos)
