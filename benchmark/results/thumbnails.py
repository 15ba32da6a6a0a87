"""Small copies of validation images, saved by a run so that its report can show them without the data."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from topfive.common.files import write_atomic

from ..data import Dataset
from ..specs import slug

MOST, SIDE = 1000, 96


def write_thumbnails(run: Path, name: str, dataset: Dataset) -> None:
    """Up to 1,000 validation images, spread evenly over the classes, as JPEG with at most 96 pixels a side.

    Into the folder of a run, where ``name`` is what the run calls the data set; what is there already stays.
    """
    path = _path(run, name)
    if path.is_file():
        return
    chosen = _spread(dataset.val.labels, MOST)
    batches = dataset.val.images.batches(64, max_pixels=4 * SIDE * SIDE, order=chosen)
    jpegs = [_jpeg(image) for batch in batches for image in batch]
    table = pa.table({"image_id": [dataset.val.ids[int(i)] for i in chosen], "jpeg": pa.array(jpegs, pa.binary())})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, buffer.getvalue())


def read_thumbnails(run: Path, name: str) -> dict[str, bytes]:
    """image_id → JPEG bytes, as a run saved them; empty where it saved none."""
    path = _path(run, name)
    if not path.is_file():
        return {}
    table = pq.read_table(path, columns=["image_id", "jpeg"])
    return dict(zip(table["image_id"].to_pylist(), table["jpeg"].to_pylist(), strict=True))


def _path(run: Path, name: str) -> Path:
    return run / "thumbnails" / f"{slug(name)}.parquet"


def _jpeg(image: NDArray[np.uint8]) -> bytes:
    height, width = image.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
    encoded: bytes = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    return encoded


def _spread(labels: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Indices of at most ``most`` images: every class's first, then every class's second, and so on, in order."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], labels[order])
    place = np.arange(len(order)) - starts  # how many of its class came before
    return np.sort(order[np.argsort(place, kind="stable")[:most]])
