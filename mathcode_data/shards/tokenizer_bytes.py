"""The bytes of a tokenizer.json beside shards, or of one that is named."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from mathcode_data.core.errors import DataError

TOKENIZER_NAME = "tokenizer.json"
MAX_TOKENIZER_BYTES = 256_000_000
"""The largest public ones have some 35 MB."""


def read_tokenizer_bytes(file: Path) -> bytes:
    """A tokenizer.json, unpacked if it is gzip, up to a size: a small gzip file can unpack to any size.

    Raises:
        DataError: it cannot be read, or is too large.
    """
    try:
        with file.open("rb") as raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            with gzip.open(raw) if is_gzip else raw as unpacked:
                content = unpacked.read(MAX_TOKENIZER_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: cannot be read ({error}); put a whole tokenizer.json there, or name another") from error
    if len(content) > MAX_TOKENIZER_BYTES:
        raise DataError(f"{file}: more than {MAX_TOKENIZER_BYTES:,} bytes, unpacked; that is no tokenizer.json, remove it or name another")
    return content
