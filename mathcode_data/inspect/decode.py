"""Tokens of a document as text, with the boundaries of tokens and special ids marked."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.manifest import Result
from mathcode_data.core.storage import sha256_file
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.resolve import resolve_shards, token_result

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BOUNDARY = "│"
TOKENIZER_NAME = "tokenizer.json"
MAX_TOKENIZER_BYTES = 256_000_000
"""The largest public ones have some 35 MB."""


def decode_document(path: Path, document: int, tokenizer_file: Path | None = None) -> dict[str, Any]:
    """Decode one document, counted through all shards in name order.

    Returns:
        `{"shard", "document", "num_tokens", "ids", "text", "marked"}`; `marked` has a bar between tokens and special ids as
        `<|name:id|>`.

    Raises:
        ConfigError: no such document, or no tokenizer is known (shards from elsewhere need --tokenizer).
        DataError: the tokenizer cannot be read, is too large, or is not the one our result was finished with.
    """
    prefixes = resolve_shards(path)
    tokenizer = load_tokenizer(path, tokenizer_file)
    first = 0
    for prefix in prefixes:
        with TokenShard(prefix) as shard:
            if document < first + shard.num_documents:
                ids = [int(token) for token in shard.document(document - first)]
                return _describe(prefix, document, ids, tokenizer)
            first += shard.num_documents
    raise ConfigError(f"{path}: document {document:,} of {first:,}; numbers begin at 0")


def load_tokenizer(path: Path, given: Path | None) -> Tokenizer:
    """The tokenizer that was named, or the one beside the shards, which must be the one our result was finished with."""
    from tokenizers import Tokenizer

    folder = path if path.is_dir() else path.parent
    file = given or folder / TOKENIZER_NAME
    if not file.is_file():
        raise ConfigError(f"{file}: no tokenizer; shards from elsewhere carry none, name theirs with --tokenizer tokenizer.json")
    result = token_result(folder) if given is None else None
    if result is not None:
        _check_ours(file, result)
    content = _read_limited(file)
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


def _describe(prefix: Path, document: int, ids: list[int], tokenizer: Tokenizer) -> dict[str, Any]:
    special = {token_id: token.content for token_id, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    pieces, run = [], []
    for token in [*ids, None]:
        if token is not None and token not in special:
            run.append(token)
            continue
        pieces += _pieces(run, tokenizer)
        run = []
        if token is not None:
            pieces.append(f"<|{special[token].strip('<|>')}:{token}|>")
    text = tokenizer.decode([token for token in ids if token not in special], skip_special_tokens=False)
    return {"shard": prefix.name, "document": document, "num_tokens": len(ids), "ids": ids, "text": text, "marked": BOUNDARY.join(pieces)}


def _pieces(ids: list[int], tokenizer: Tokenizer) -> list[str]:
    """Texts of the tokens, a character that several tokens share standing with the last of them."""
    pieces: list[str] = []
    pending: list[int] = []
    for token in ids:
        pending.append(token)
        text = tokenizer.decode(pending, skip_special_tokens=False)
        if not text.endswith("\ufffd") or len(pending) > 8:
            pieces.append(text)
            pending = []
    return pieces + ([tokenizer.decode(pending, skip_special_tokens=False)] if pending else [])
