"""Tokens as text: a document of some shards or a sample of a mixture, with token boundaries, special ids and document borders marked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.inspect.find import Wanted, find_rows
from mathcode_data.inspect.tokenizer_file import check_named, load_tokenizer, num_ids
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.opened import read_mixture
from mathcode_data.mixture.trace import trace_sample
from mathcode_data.shards.format import documents_path
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.resolve import resolve_shards
from mathcode_data.shards.tokenizer_bytes import TOKENIZER_NAME

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["TOKENIZER_NAME", "decode_document", "decode_sample", "load_tokenizer"]

BOUNDARY = "│"
DOC_ID_DIGITS = 32


def decode_document(path: Path, document: int | str, tokenizer_file: Path | None = None) -> dict[str, Any]:
    """Decode one document, named by its number through all shards in name order, or by its doc_id.

    Returns:
        `{"shard", "document", "num_tokens", "ids", "text", "marked"}`; `marked` has a bar between tokens and special ids as
        `<|name:id|>`.

    Raises:
        ConfigError: no such document, or no tokenizer is known (shards from elsewhere need --tokenizer).
        DataError: the tokenizer cannot be read, is too large, or is not the one of the shards.
    """
    prefixes = resolve_shards(path)
    tokenizer = load_tokenizer(path, tokenizer_file)
    if isinstance(document, str) and not is_number(document):
        return _decode_by_id(path, prefixes, document, tokenizer)
    wanted = int(document)
    first = 0
    for prefix in prefixes:
        with TokenShard(prefix) as shard:
            if wanted < first + shard.num_documents:
                return _of_shard(shard, wanted - first, wanted, tokenizer)
            first += shard.num_documents
    raise ConfigError(f"{path}: document {wanted:,} of {first:,}; numbers begin at 0")


def is_number(document: str) -> bool:
    """Whether a document is named by its number; an id may hold digits alone, but has 32 of them.

    >>> is_number("17"), is_number("0" * 32), is_number("4f" * 16)
    (True, False, False)
    """
    return document.isascii() and document.isdigit() and len(document) < DOC_ID_DIGITS


def _decode_by_id(path: Path, prefixes: list[Path], doc_id: str, tokenizer: Tokenizer) -> dict[str, Any]:
    first = 0
    tables = [documents_path(prefix) for prefix in prefixes]
    for prefix, table in zip(prefixes, tables, strict=True):
        with TokenShard(prefix) as shard:
            for row, _ in find_rows(table, Wanted(doc_ids=(doc_id,))) if table.is_file() else ():
                return _of_shard(shard, row, first + row, tokenizer)
            first += shard.num_documents
    if not any(table.is_file() for table in tables):
        raise ConfigError(f"{path}: no table of documents beside the shards, so no doc_id is known; name the document by its number")
    raise ConfigError(f"{path}: no document with doc_id {doc_id!r}; give its number, or 32 hexadecimal digits of a document that is there")


def _of_shard(shard: TokenShard, row: int, document: int, tokenizer: Tokenizer) -> dict[str, Any]:
    ids = [int(token) for token in shard.document(row)]
    return {"shard": shard.prefix.name, "document": document} | decode_ids(ids, tokenizer, f"{shard.prefix}: document {document:,}")


def decode_sample(folder: Path, position: int, tokenizer_file: Path | None = None) -> dict[str, Any]:
    """Decode a sample of a mixture, document by document.

    Returns:
        What `trace_sample` says, with `num_tokens`, `padding` (places of a packed sample without a token), `text`, and in
        each of `documents` the `ids`, `text` and `marked` of its part.

    Raises:
        ConfigError: no such sample, or no tokenizer is known.
        DataError: a shard changed, or the tokenizer is not that of the shards.
    """
    found = trace_sample(folder, position)
    prefix = Path(found["shard"])
    tokenizer = load_tokenizer(prefix, tokenizer_file)
    if tokenizer_file is not None:
        check_named(tokenizer_file, (read_mixture(folder)["tokenizer"] or {}).get("sha256"), str(folder))
    with MixtureDataset(folder, check_index=False, check_shards=False, check_blocks="full") as mixture:
        sample = mixture.sample(position)
    tokens = sample.tokens[: sample.num_tokens].tolist()
    documents = []
    for document in found["documents"]:
        begin, end = document["in_sample"]
        where = f"{folder}: sample {position:,}: document {document['document']:,} of {prefix.name}"
        documents.append(document | decode_ids(tokens[begin:end], tokenizer, where))
    text = "".join(document["text"] for document in documents)
    return found | {"num_tokens": len(tokens), "padding": sample.tokens.size - len(tokens), "text": text, "documents": documents}


def sample_text(sample: dict[str, Any]) -> str:
    """The same for people: a line before each document says which it is, and whether it began or goes on outside the sample."""
    head = f"sample {sample['sample']:,}: stage {sample['stage']}, source {sample['source']}, {sample['num_tokens']:,} tokens"
    head += f" and {sample['padding']:,} of padding" if sample["padding"] else ""
    parts = [head]
    for document in sample["documents"]:
        begin, end = document["in_sample"]
        address = document.get("url") or document.get("path") or document.get("doc_id") or ""
        first, last = sample["tokens"]
        edges = [
            word
            for word, is_so in (("began before", document["tokens"][0] < first), ("goes on after", document["tokens"][1] > last))
            if is_so
        ]
        cut = f" ({', '.join(edges)})" if edges else ""
        parts.append(f"--- tokens {begin:,} to {end:,}: document {document['document']:,}{cut} {address}".rstrip())
        parts.append(document["marked"])
    return "\n".join(parts)


def decode_ids(ids: list[int], tokenizer: Tokenizer, where: str) -> dict[str, Any]:
    """`num_tokens`, `ids`, `text` and `marked` of some tokens.

    Raises:
        DataError: an id is beyond the tokenizer's, so it is not the one that made the shards.
    """
    if ids and not (min(ids) >= 0 and tokenizer.id_to_token(max(ids)) is not None):
        size = num_ids(tokenizer)
        number, token = next(((number, token) for number, token in enumerate(ids) if not 0 <= token < size), (0, max(ids)))
        raise DataError(
            f"{where}: token {number:,} is id {token:,}, the tokenizer knows ids 0..{size - 1:,}: it is not the one that made these "
            "shards; name theirs with --tokenizer"
        )
    special = {token_id: token.content for token_id, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    pieces: list[str] = []
    run: list[int] = []
    for item in [*ids, None]:
        if item is not None and item not in special:
            run.append(item)
            continue
        pieces += _pieces(run, tokenizer)
        run = []
        if item is not None:
            pieces.append(f"<|{special[item].strip('<|>')}:{item}|>")
    text = tokenizer.decode([token for token in ids if token not in special], skip_special_tokens=False)
    return {"num_tokens": len(ids), "ids": ids, "text": text, "marked": BOUNDARY.join(pieces)}


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
