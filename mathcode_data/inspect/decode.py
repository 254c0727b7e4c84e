"""Tokens of a document as text, with the boundaries of tokens and special ids marked."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.manifest import MANIFEST_NAME, read_result
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.resolve import resolve_shards

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BOUNDARY = "│"


def decode_document(path: Path, document: int, tokenizer_file: Path | None = None) -> dict[str, Any]:
    """Decode one document, counted through all shards in name order.

    Returns:
        `{"shard", "document", "num_tokens", "ids", "text", "marked"}`; `marked` has a bar between tokens and special ids as
        `<|name:id|>`.

    Raises:
        ConfigError: no such document, or no tokenizer is known (shards from elsewhere need --tokenizer).
    """
    prefixes = resolve_shards(path)
    tokenizer = _load_tokenizer(path, tokenizer_file)
    first = 0
    for prefix in prefixes:
        with TokenShard(prefix) as shard:
            if document < first + shard.num_documents:
                ids = [int(token) for token in shard.document(document - first)]
                return _describe(prefix, document, ids, tokenizer)
            first += shard.num_documents
    raise ConfigError(f"{path}: document {document:,} of {first:,}; numbers begin at 0")


def _load_tokenizer(path: Path, given: Path | None) -> Tokenizer:
    from tokenizers import Tokenizer

    folder = path if path.is_dir() else path.parent
    file = given or folder / "tokenizer.json"
    if given is None and (folder / MANIFEST_NAME).exists():
        read_result(folder)  # our own: the manifest is checked before its tokenizer is used
    if not file.exists():
        raise ConfigError(f"{file}: no tokenizer; shards from elsewhere carry none, name theirs with --tokenizer tokenizer.json")
    content = file.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    try:
        return Tokenizer.from_buffer(content)
    except Exception as error:  # the library raises bare Exception for a file it cannot read
        raise DataError(f"{file}: not a tokenizer.json ({error})") from error


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
