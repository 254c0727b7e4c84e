"""Load the tokenizer of some shards: the one of our result, or the one that is named for shards from elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.manifest import Result
from mathcode_data.core.storage import sha256_file
from mathcode_data.shards.resolve import token_result

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER_NAME = "tokenizer.json"
MAX_TOKENIZER_BYTES = 256_000_000
"""The largest public ones have some 35 MB."""


def load_tokenizer(shards: Path, given: Path | None) -> Tokenizer:
    """The tokenizer of shards at a path (prefix, file or folder).

    Raises:
        ConfigError: none is known.
        DataError: it cannot be read, is too large, or is not the one our result was made with.
    """
    folder = shards if shards.is_dir() else shards.parent
    file = given or folder / TOKENIZER_NAME
    if not file.is_file():
        raise ConfigError(f"{file}: no tokenizer; shards from elsewhere carry none, name theirs with --tokenizer tokenizer.json")
    result = token_result(folder)
    if result is not None and given is None:
        _check_ours(file, result)
    elif result is not None:
        check_named(file, result.manifest.facts.get("tokenizer_sha256"), str(result.folder))
    return read_tokenizer(file)


def read_tokenizer(file: Path) -> Tokenizer:
    """A tokenizer.json, plain or gzip.

    Raises:
        DataError: it cannot be read or is too large.
    """
    return _parse(file, _read_limited(file))


def num_ids(tokenizer: Tokenizer) -> int:
    """One more than the largest id; ids need not be without gaps."""
    return max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1


def _parse(file: Path, content: bytes) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_buffer(content)
    except Exception as error:  # the library raises bare Exception for a file it cannot read
        raise DataError(f"{file}: not a tokenizer.json ({error})") from error


def _check_ours(file: Path, result: Result) -> None:
    """Refuse a tokenizer that is not the one our result was finished with."""
    expected = next((shard.sha256 for shard in result.manifest.shards if shard.name == file.name), None)
    if expected is None:
        raise DataError(f"{file}: not named in the manifest beside it; remove it, and name the shards' tokenizer with --tokenizer")
    if sha256_file(file) != expected:
        raise DataError(f"{file}: sha256 differs from the manifest; it was changed after the result was finished, run the pipeline again")


def check_named(file: Path, expected: str | None, owner: str) -> None:
    """Refuse a named tokenizer for what is known to be made with another.

    Raises:
        DataError: its sha256 (unpacked, if it is gzip) is not the expected one.
    """
    found = hashlib.sha256(_read_limited(file)).hexdigest()
    if expected is not None and expected != found:
        raise DataError(
            f"{file}: sha256 {found[:12]}..., {owner} was made with the tokenizer of sha256 {expected[:12]}...; name that one, or leave "
            "--tokenizer out where it lies beside the shards"
        )


def _read_limited(file: Path) -> bytes:
    """A file, unpacked if it is gzip, up to a size: a small gzip file can unpack to any size."""
    try:
        with file.open("rb") as raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            with gzip.open(raw) if is_gzip else raw as unpacked:
                content = unpacked.read(MAX_TOKENIZER_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: cannot be read ({error}); name a whole tokenizer.json") from error
    if len(content) > MAX_TOKENIZER_BYTES:
        raise DataError(f"{file}: more than {MAX_TOKENIZER_BYTES:,} bytes, unpacked; that is no tokenizer.json, name another")
    return content
