"""Texts of a column as Python strings that native libraries accept."""

from __future__ import annotations

import pyarrow as pa

from mathcode_data.core.counters import Ledger


def texts_of(column: pa.ChunkedArray | pa.Array, ledger: Ledger | None = None) -> list[str]:
    """Read a string column; null becomes "", and bytes that are no UTF-8 (lone surrogates among them) become U+FFFD.

    fastText and tokenizers raise TypeError on lone surrogates. Replaced texts are counted as `invalid_utf8`.

    >>> texts_of(pa.array(["a", None]))
    ['a', '']
    """
    try:
        return [text or "" for text in column.to_pylist()]
    except UnicodeDecodeError:
        return [_decode(raw, ledger) for raw in column.cast(pa.large_binary()).to_pylist()]


def _decode(raw: bytes | None, ledger: Ledger | None) -> str:
    if raw is None:
        return ""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        if ledger is not None:
            ledger.count("invalid_utf8")
        return raw.decode("utf-8", "replace")
