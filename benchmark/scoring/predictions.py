"""A cell's predictions as a Parquet file: enough to compute every metric again without fitting."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from topfive.common.files import write_atomic

from .ranking import Ranking

CONFIDENCE = "confidence"  # a further column, float32: only of contenders that give probabilities
SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("label", pa.int32()),
        ("above", pa.int32()),
        ("tied", pa.int32()),
        ("top_classes", pa.list_(pa.int32())),
        ("top_scores", pa.list_(pa.float32())),
    ]
)


def write_predictions(path: Path, ids: Sequence[str], ranking: Ranking) -> None:
    """One row an image: id, label, classes above and tied with the truth, the best classes and their scores.

    Where there is one, also the probability of the first guess.
    """
    table = pa.table(
        {
            "image_id": list(ids),
            "label": ranking.label,
            "above": ranking.above,
            "tied": ranking.tied,
            "top_classes": list(ranking.top_classes),
            "top_scores": list(ranking.top_scores),
        },
        schema=SCHEMA.with_metadata({"n_classes": str(ranking.n_classes)}),
    )
    if ranking.confidence is not None:
        table = table.append_column(CONFIDENCE, pa.array(ranking.confidence, pa.float32()))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_atomic(path, buffer.getvalue())


def read_predictions(path: Path) -> tuple[pa.Array, Ranking]:
    """(image ids, ranking) as they were written; the scale of the scores stands in the record."""
    table = pq.read_table(path)
    n = len(table)
    column = {name: table[name].to_numpy().astype(np.int32) for name in ("label", "above", "tied")}
    ranking = Ranking(
        int(table.schema.metadata[b"n_classes"]),
        column["label"],
        column["above"],
        column["tied"],
        _rows(table["top_classes"], n).astype(np.int32),
        _rows(table["top_scores"], n).astype(np.float32),
        confidence=table[CONFIDENCE].to_numpy().astype(np.float32) if CONFIDENCE in table.column_names else None,
    )
    return table["image_id"].combine_chunks().cast(pa.string()), ranking


def _rows(column: pa.ChunkedArray, n: int) -> np.ndarray[tuple[int, int], np.dtype[np.generic]]:
    """(n, m) of n lists of one length. Raises ValueError for nulls or other lengths."""
    lists = column.combine_chunks()
    values = lists.flatten()
    if lists.null_count or values.null_count or (n and len(values) % n):
        raise ValueError("the lists differ in length, or some are missing")
    if n and not np.all(pc.list_value_length(lists).to_numpy() == len(values) // n):
        raise ValueError("the lists differ in length")
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(n, len(values) // n if n else 0)
