"""Special tokens of a document, which never stand in its text: where each one belongs, beside the text.

Column `special_tokens`: a list of `{at, token}` per document, in order; `token` stands before the byte `at` of the UTF-8 text,
which may be its end. `tokenize` cuts the text there and puts the token's id in. Column `files`: which bytes came from where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import pyarrow as pa

SPECIAL_TOKENS = "special_tokens"
MARK_TYPE = pa.list_(pa.struct([pa.field("at", pa.int64()), pa.field("token", pa.string())]))
FILES = "files"
FILE_TYPE = pa.list_(
    pa.struct(
        [
            pa.field("doc_id", pa.string()),
            pa.field("path", pa.string()),
            pa.field("language", pa.string()),
            pa.field("license", pa.string()),
            pa.field("start", pa.int64()),
            pa.field("end", pa.int64()),
        ]
    )
)
"""A file, and the bytes [start, end) of the text that are its own; one that was cut has an entry for each part."""


class Mark(TypedDict):
    """A special token before a byte of a text."""

    at: int
    token: str


class FileSpan(TypedDict):
    """Where a file stands in a text."""

    doc_id: str
    path: str | None
    language: str | None
    license: str | None
    start: int
    end: int


def set_column(table: pa.Table, name: str, values: Sequence[object], kind: pa.DataType) -> pa.Table:
    """A table with a column put in, in the place of the one of that name where there is one."""
    column = pa.array(values, kind)
    position = table.schema.get_field_index(name)
    return table.append_column(name, column) if position < 0 else table.set_column(position, name, column)
