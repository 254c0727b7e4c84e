"""Rows gathered into Arrow tables of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

BATCH_ROWS = 1024
BATCH_BYTES = 16 << 20


class RowBatch:
    """Rows that wait to become a table of `schema`; a column that a row lacks is null."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def add(self, row: dict[str, Any], num_bytes: int) -> None:
        """Add a row whose large column holds about `num_bytes`."""
        self._rows.append(row)
        self._bytes += num_bytes

    def full(self) -> Iterator[pa.Table]:
        """Yield a table if enough rows wait."""
        if len(self._rows) >= BATCH_ROWS or self._bytes >= BATCH_BYTES:
            yield from self.rest()

    def rest(self) -> Iterator[pa.Table]:
        """Yield a table of all rows that wait, if there are any."""
        if self._rows:
            columns = [pa.array([row.get(field.name) for row in self._rows], field.type) for field in self._schema]
            self._rows, self._bytes = [], 0
            yield pa.Table.from_arrays(columns, schema=self._schema)
