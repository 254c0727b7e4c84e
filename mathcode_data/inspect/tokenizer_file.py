"""Load the tokenizer of some shards: the one of our result, or the one that is named for shards from elsewhere."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from mathcode_data.core.errors import ConfigError, DataError, is_panic
from mathcode_data.core.manifest import Result
from mathcode_data.core.storage import sha256_file
from mathcode_data.shards.resolve import token_result
from mathcode_data.shards.tokenizer_bytes import TOKENIZER_NAME, read_tokenizer_bytes

if TYPE_CHECKING:
    from tokenizers import Tokenizer


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
    return _parse(file, read_tokenizer_bytes(file))


def num_ids(tokenizer: Tokenizer) -> int:
    """One more than the largest id; ids need not be without gaps."""
    return max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1


def _parse(file: Path, content: bytes) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_buffer(content)
    except BaseException as error:  # the library raises bare Exception for a file it cannot read, and panics on some
        if not (isinstance(error, Exception) or is_panic(error)):
            raise
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
    found = hashlib.sha256(read_tokenizer_bytes(file)).hexdigest()
    if expected is not None and expected != found:
        raise DataError(
            f"{file}: sha256 {found[:12]}..., {owner} was made with the tokenizer of sha256 {expected[:12]}...; name that one, or leave "
            "--tokenizer out where it lies beside the shards"
        )
