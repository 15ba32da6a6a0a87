"""What a probe of its own questions stores: a table that grows by rows, a picture as PNG."""

from __future__ import annotations

from typing import Any

import cv2
import pyarrow as pa

from .contract import Pixels

INT, FLOAT, BOOL, TEXT, BYTES = pa.int64(), pa.float64(), pa.bool_(), pa.string(), pa.binary()


class Rows:
    """A table that grows by rows: ``Rows(image=INT, margin=FLOAT)``."""

    def __init__(self, **columns: pa.DataType) -> None:
        self.schema = pa.schema(list(columns.items()))
        self.columns: list[list[Any]] = [[] for _ in columns]

    def add(self, *row: Any) -> None:
        """One value a column, in their order."""
        for column, value in zip(self.columns, row, strict=True):
            column.append(value)

    def table(self) -> pa.Table:
        """All rows so far."""
        arrays = [pa.array(column, field.type) for column, field in zip(self.columns, self.schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=self.schema)


SHOWN = 224  # pixels a side of a picture, at most


def middle(image: Pixels) -> Pixels:
    """The middle of an image, at most ``SHOWN`` pixels a side: pixels are shown as they are, never resized."""
    top, left = (max(0, (length - SHOWN) // 2) for length in image.shape[:2])
    return image[top : top + SHOWN, left : left + SHOWN]


def png(image: Pixels) -> bytes:
    """(H, W, 3) uint8 RGB as a PNG file."""
    done, encoded = cv2.imencode(".png", image[..., ::-1])
    if not done:
        raise ValueError(f"OpenCV could not encode an image of shape {image.shape} as PNG")
    return bytes(encoded)
