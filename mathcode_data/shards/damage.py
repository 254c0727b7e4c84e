"""Where a shard's file was changed, and what lies there: spans of blocks, and the documents or entries that they hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mathcode_data.core.blocks import FileBlocks, hash_file, say_spans
from mathcode_data.core.errors import MathcodeError
from mathcode_data.shards.block_checks import block_hashes_of
from mathcode_data.shards.documents_table import read_documents_table
from mathcode_data.shards.format import LENGTH_BYTES, POINTER_BYTES, documents_path
from mathcode_data.shards.reader import TokenShard

Span = tuple[int, int]


def where_changed(path: Path) -> str:
    """Compare a file of a result with its block hashes: `: bytes 0 to 4,095 (documents 3 to 7)`; empty where nothing tells it.

    Reads the file once more; for files that are known to be damaged.
    """
    try:
        known = block_hashes_of(path.parent).get(path.name)
        if known is None:
            return ""
        found = hash_file(path, known.block_bytes)[1]
    except (MathcodeError, OSError):
        return ""
    return say_changed(path, known, found)


def say_changed(path: Path, known: FileBlocks, found: FileBlocks) -> str:
    """The blocks that differ, in words that follow on `PATH: sha256 differs`; empty if none does."""
    spans = known.differing(found)
    if not spans:
        return ""
    inside = shard_place(path, spans[0])
    return f": {say_spans(spans)}{f' ({inside})' if inside else ''}"


def shard_place(path: Path, span: Span) -> str:
    """What a `.bin` or `.idx` of ours holds in a span of bytes, as far as the other file of the pair tells; empty if it does not."""
    prefix = path.with_name(path.name.removesuffix(path.suffix))
    try:
        if path.suffix == ".bin":
            with TokenShard(prefix) as shard:
                return _documents(prefix, shard, span)
        if path.suffix == ".idx":
            with TokenShard(prefix) as shard:
                return _entries(shard, span)
    except (MathcodeError, OSError):
        return ""  # the other file is damaged too: the span alone is said
    return ""


def _documents(prefix: Path, shard: TokenShard, span: Span) -> str:
    item = shard.dtype.itemsize
    start, stop = span[0] // item, min(-(-span[1] // item), shard.num_tokens)
    if start >= stop:
        return ""
    first, last = shard.document_of(np.array([start, stop - 1])).tolist()
    names = f"document {first:,}" if first == last else f"documents {first:,} to {last:,}"
    table = documents_path(prefix)
    try:
        ids = [row["doc_id"] for number in dict.fromkeys((first, last)) for row in read_documents_table(table, number, number + 1)]
    except MathcodeError:
        ids = []
    known = f", doc_id {' to '.join(ids)}" if ids and all(ids) else ""
    return f"tokens {start:,} to {stop - 1:,} of {names}{known}"


def _entries(shard: TokenShard, span: Span) -> str:
    layout = shard.index.layout
    parts = ["the header"] if span[0] < layout.lengths else []
    for what, first, end, size in (
        ("lengths of sequences", layout.lengths, layout.pointers, LENGTH_BYTES),
        ("pointers of sequences", layout.pointers, layout.document_index, POINTER_BYTES),
        ("document edges", layout.document_index, layout.end, POINTER_BYTES),
    ):
        low, high = max(span[0], first), min(span[1], end)
        if low < high:
            parts.append(f"{what} {(low - first) // size:,} to {(high - 1 - first) // size:,}")
    return ", ".join(parts)
