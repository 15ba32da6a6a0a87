"""Rows of Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..storage.containers import refuse_pointer

_BATCH = 256


def open_parquet(path: Path) -> Any:
    """A ``pyarrow.parquet.ParquetFile``. Raises InputError."""
    import pyarrow
    import pyarrow.parquet

    refuse_pointer(path)
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from None


def rows(path: Path, file: Any, columns: list[str]) -> Iterator[dict[str, Any]]:
    """Row by row, of these columns. Raises InputError."""
    import pyarrow

    try:
        for batch in file.iter_batches(_BATCH, columns=columns):
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from None
