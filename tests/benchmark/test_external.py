"""Predictions from files: every accepted form gives the same numbers, every fault names its first line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from topfive.benchmark.data import Dataset, open_dataset
from topfive.benchmark.errors import InputError
from topfive.benchmark.scoring.external import Truth, read_external
from topfive.benchmark.scoring.metrics import metrics
from topfive.benchmark.scoring.predictions import write_predictions
from topfive.benchmark.scoring.ranking import Ranking, rank


@pytest.fixture(scope="module")
def photos() -> Dataset:
    return open_dataset("photos", per_class=4)


def read(path: Path, photos: Dataset) -> Ranking:
    return read_external(path, Truth(photos.title, photos.classes, photos.val.ids, photos.val.labels))


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
        found = metrics(read(file, photos))
        for column in ("n", "top1_err", "top5_err", "top5_err_low", "top5_err_high"):
            assert found[column] == pytest.approx(expected[column]), (file.name, column)


def test_what_is_not_ranked_counts_against(photos: Dataset, tmp_path: Path) -> None:
    wrong = [[c for c in photos.classes if c != photos.classes[label]][:5] for label in photos.val.labels]
    rows = [{"image_id": i, "ranked": guesses} for i, guesses in zip(photos.val.ids, wrong, strict=True)]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = metrics(read(tmp_path / "p.jsonl", photos))
    assert (found["top1_err"], found["top5_err"], found["top5_expected_err"]) == (1, 1, 1)


def columns(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The same as a table: a column for each rank, or for each class."""
    if "scores" in rows[0]:
        return pd.DataFrame([{"image_id": row["image_id"], **row["scores"]} for row in rows])
    return pd.DataFrame(
        [{"image_id": row["image_id"], **{str(i + 1): c for i, c in enumerate(row["ranked"])}} for row in rows]
    )


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    match path.suffix:
        case ".jsonl":
            path.write_text("\n".join(map(json.dumps, rows)))
        case ".csv":
            columns(rows).to_csv(path, index=False, na_rep="nan" if "scores" in rows[0] else "")
        case ".parquet":
            columns(rows).to_parquet(path)
    return path


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("missing", "1 of 20 validation images are missing, first"),
        ("twice", "line {}: image .* is there twice"),
        ("unknown image", "line {}: unknown image id 'nobody.jpg'"),
        ("unknown class", "line {}: unknown class 'unicorn'; the classes are astronaut, brick, "),
        ("class twice", "line {}: a class is ranked twice"),
        ("too few", "line {}: only 4 classes are ranked; rank 5 or more"),
        ("nan", "line {}: the score of 'moon' is (not finite|missing)"),  # pandas writes NaN to Parquet as null
    ],
)
def test_every_form_is_refused_with_its_first_line(
    photos: Dataset, scores: np.ndarray, tmp_path: Path, ending: str, how: str, message: str
) -> None:
    rows: list[dict[str, Any]]
    if how == "nan":
        both = zip(photos.val.ids, scores.tolist(), strict=True)
        rows = [{"image_id": i, "scores": dict(zip(photos.classes, row, strict=True))} for i, row in both]
        rows[2]["scores"]["moon"] = rows[9]["scores"]["moon"] = float("nan")
    else:
        lists = ranked(photos, scores, 6)
        rows = broken([{"image_id": i, "ranked": r} for i, r in zip(photos.val.ids, lists, strict=True)], how)
    line = (5 if how == "twice" else 3) + (ending != "jsonl")  # tables have a line above the first image
    with pytest.raises(InputError, match=message.format(line)):
        read(write(tmp_path / f"p.{ending}", rows), photos)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("image_id", "nobody.jpg", "row 3: image 'nobody.jpg', expected '"),
        ("label", 7, "row 3: the label is another"),
        ("top_scores", [float("nan")] * 20, "row 3: a score is not finite"),
        ("above", 0, "row 3: the rank contradicts the classes listed"),
        ("tied", 0, "row 3: the rank contradicts the classes listed"),
        ("above", None, "not as a run writes them"),
        ("top_classes", [1, 2], "not as a run writes them"),
        (None, None, "19 rows for 20 validation images"),
    ],
)
def test_a_runs_own_file_is_refused_with_its_first_row(
    photos: Dataset, scores: np.ndarray, tmp_path: Path, column: str | None, value: Any, message: str
) -> None:
    ranking = rank(scores, photos.val.labels)
    assert ranking.above[2] > 0
    write_predictions(tmp_path / "run.parquet", list(photos.val.ids), ranking)
    table = pq.read_table(tmp_path / "run.parquet")
    if column is None:
        table = table.slice(0, 19)
    else:
        values = table[column].to_pylist()
        values[2] = values[5] = value
        changed = pa.array(values, table.schema.field(column).type)
        table = table.set_column(table.schema.get_field_index(column), table.schema.field(column), changed)
    pq.write_table(table, tmp_path / "run.parquet")
    with pytest.raises(InputError, match=message):
        read(tmp_path / "run.parquet", photos)


def test_a_confidence_beyond_one_is_refused(photos: Dataset, scores: np.ndarray, tmp_path: Path) -> None:
    given = np.full(len(photos.val), 0.5, np.float32)
    given[4] = 1.5
    ranking = replace(rank(scores, photos.val.labels), confidence=given)
    write_predictions(tmp_path / "run.parquet", list(photos.val.ids), ranking)
    with pytest.raises(InputError, match="row 5: the confidence is no probability"):
        read(tmp_path / "run.parquet", photos)


def test_a_runs_own_file_without_its_metadata(photos: Dataset, scores: np.ndarray, tmp_path: Path) -> None:
    write_predictions(tmp_path / "run.parquet", list(photos.val.ids), rank(scores, photos.val.labels))
    pq.write_table(pq.read_table(tmp_path / "run.parquet").replace_schema_metadata(), tmp_path / "run.parquet")
    with pytest.raises(InputError, match="not as a run writes them"):
        read(tmp_path / "run.parquet", photos)


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
    return rows


def test_ranks_and_scores_are_not_mixed(photos: Dataset, scores: np.ndarray, tmp_path: Path) -> None:
    lists = ranked(photos, scores, 6)
    rows: list[dict[str, Any]] = [{"image_id": i, "ranked": r} for i, r in zip(photos.val.ids, lists, strict=True)]
    rows[2] = {"image_id": rows[2]["image_id"], "scores": {"moon": 1.0}}
    with pytest.raises(InputError, match="line 3: has scores, the lines before have ranked"):
        read(write(tmp_path / "p.jsonl", rows), photos)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.csv", "id,1,2\n", "the first line must be"),
        ("p.csv", "", "the first line must be"),
        ("p.csv", "image_id,moon,cell\nx,1\n", "line 2: 2 values under 3 columns"),
        ("p.jsonl", "{not json}\n", "line 1: not valid JSON"),
        ("p.jsonl", "[1]\n", "line 1: must be"),
        ("p.txt", "1 2 3 4 5\n", "1 lines for 20 validation images"),
        ("p.txt", "1 2 3 4 5\n" * 21, "21 lines for 20 validation images"),
        ("p.txt", "1 2 3 4 5\n" * 19 + "1 2 3 4 21\n", "line 20: '21' is not a class number from 1 to 20"),
        ("p.txt", "1 2 3 4 5\n" * 2 + "1 ² 3 4 5\n" * 18, "line 3: '²' is not a class number from 1 to 20"),
        ("p.txt", "1 2 3 4 5\n" * 2 + "1 nan 3 4 5\n" * 18, "line 3: 'nan' is not a class number from 1 to 20"),
        ("p.txt", "1 2 3 4 5\n" * 2 + "1 2 3 4\n" * 18, "line 3: only 4 classes are ranked; rank 5 or more"),
        ("p.txt", "1 2 3 4 5\n" * 2 + "1 2 3 3 5\n" * 18, "line 3: a class is ranked twice"),
        ("p.parquet", "nonsense", "is not a Parquet file"),
        ("p.xlsx", "", "the ending must be one of"),
    ],
)
def test_files_that_are_something_else(photos: Dataset, tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read(tmp_path / name, photos)


@pytest.mark.parametrize(("value", "message"), [("nan", "not finite"), ("inf", "not finite"), ("high", "not a number")])
def test_scores_are_finite_numbers(photos: Dataset, tmp_path: Path, value: str, message: str) -> None:
    head = "image_id," + ",".join(photos.classes)
    row = photos.val.ids[0] + "," + ",".join([value] + ["0"] * 19)
    (tmp_path / "p.csv").write_text(f"{head}\n{row}\n")
    with pytest.raises(InputError, match=f"line 2: the score of 'astronaut' is .*{message}"):
        read(tmp_path / "p.csv", photos)
