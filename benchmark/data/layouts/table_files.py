"""Files of rows and columns: Parquet, and Arrow as Hugging Face's ``datasets`` keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..storage.containers import refuse_pointer

_BATCH = 256


class TableFile:
    """An opened file. schema: pyarrow's. Raises InputError where it is damaged."""

    def __init__(self, path: Path) -> None:
        refuse_pointer(path)
        self.path = path
        self._arrow = path.suffix.lower() == ".arrow"
        self._what = "Arrow" if self._arrow else "Parquet"
        self._file = self._open()
        self.schema = self._file.schema if self._arrow else self._file.schema_arrow
        self.columns: list[str] = list(self.schema.names)

    def n_rows(self) -> int:
        """How many rows there are."""
        if not self._arrow:
            return int(self._file.metadata.num_rows)
        return sum(1 for _ in self.rows(self.columns[:1]))

    def rows(self, columns: list[str]) -> Iterator[dict[str, Any]]:
        """Row by row, of these columns. Raises InputError."""
        import pyarrow

        try:
            for batch in self._arrow_batches() if self._arrow else self._file.iter_batches(_BATCH, columns=columns):
                yield from batch.select(columns).to_pylist()
        except (pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
            raise self._unreadable(error) from None

    def _arrow_batches(self) -> Iterator[Any]:
        for batch in self._open():  # a stream is read once
            for start in range(0, batch.num_rows, _BATCH):
                yield batch.slice(start, _BATCH)

    def _open(self) -> Any:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet

        try:
            if self._arrow:
                return pyarrow.ipc.open_stream(pyarrow.memory_map(str(self.path)))
            return pyarrow.parquet.ParquetFile(self.path)
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> InputError:
        lines = str(error).splitlines() or [type(error).__name__]
        return InputError(f"{self.path} cannot be read as {self._what}: {lines[0]}")
