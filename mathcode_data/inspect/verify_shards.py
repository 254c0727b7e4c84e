"""Check token shards, ours and foreign: the index against itself, the table of documents and the tokens; name byte and row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mathcode_data.core.blocks import first_difference
from mathcode_data.core.errors import DataError, VerificationError
from mathcode_data.core.manifest import Result
from mathcode_data.inspect.find import UNREADABLE
from mathcode_data.shards.format import HEADER, LENGTH_BYTES, MAGIC, POINTER_BYTES, TOKEN_CODES, VERSION, bin_path, documents_path, idx_path
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.resolve import resolve_shards

BLOCK_TOKENS = 1 << 24
BLOCK_SEQUENCES = 1 << 18
MAX_PROBLEMS = 20
"""Of one shard; a shard of another tokenizer gives as many as it has tokens."""


@dataclass(frozen=True)
class Vocabulary:
    """What is known of the ids that a shard may hold."""

    size: int
    eos_id: int | None = None
    """Id that ends every document, where the manifest says that one does."""


def verify_shards(path: Path, *, full: bool, vocabulary: Vocabulary | None = None) -> list[str]:
    """Check what a path means as token shards; one line per problem, with file and place.

    Always: header, sizes, every length, pointer and document edge, that sequences follow each other without gap or overlap, and
    the table of documents beside each shard (rows, starts and lengths against the index). Full: every id too.

    Args:
        path: prefix, file or folder.
        full: read the tokens and every page of the tables.
        vocabulary: of the shards' tokenizer; without it ids are only checked to be 0 or more.
    """
    try:
        prefixes = resolve_shards(path)
    except (DataError, VerificationError) as error:
        return [str(error)]
    return [problem for prefix in prefixes for problem in verify_shard(prefix, full=full, vocabulary=vocabulary)]


def verify_shard(prefix: Path, *, full: bool, vocabulary: Vocabulary | None) -> list[str]:
    """Check one pair and its table."""
    try:
        with TokenShard(prefix) as shard:
            problems = list(_gaps(shard))
            if not problems:
                problems += _table_problems(shard, full=full)
            if not problems and full:
                problems += list(_id_problems(shard, vocabulary))[:MAX_PROBLEMS]
            return problems
    except DataError as error:
        return [str(error)]


def _gaps(shard: TokenShard) -> Iterator[str]:
    """The first sequence that does not begin where the one before it ends."""
    if shard.is_contiguous:
        return
    item, end = shard.dtype.itemsize, 0
    path, layout = idx_path(shard.prefix), shard.index.layout
    for first in range(0, shard.num_sequences, BLOCK_SEQUENCES):
        stop = min(first + BLOCK_SEQUENCES, shard.num_sequences)
        pointers = np.array(shard.pointers[first:stop], dtype=np.int64)
        ends = pointers + np.array(shard.lengths[first:stop], dtype=np.int64) * item
        expected = np.concatenate([[end], ends[:-1]])
        bad = np.flatnonzero(pointers != expected)
        if bad.size:
            at, row = first + int(bad[0]), int(bad[0])
            before = f"its length at byte {layout.lengths + LENGTH_BYTES * (at - 1)} or " if at else ""
            yield (
                f"{path}: byte {layout.pointers + POINTER_BYTES * at}: sequence {at} begins at byte {pointers[row]:,} of the .bin, the one "
                f"before it ends at {expected[row]:,}: {before}this pointer is damaged; sequences follow each other without gap or overlap"
            )
            return
        end = int(ends[-1])
    if shard.index.bin_bytes != end:
        at = shard.num_sequences - 1
        yield (
            f"{path}: byte {layout.lengths + LENGTH_BYTES * at}: the last sequence ends at byte {end:,} of the .bin, which has "
            f"{shard.index.bin_bytes:,}: its length is damaged, or the .bin is of another shard"
        )


def _table_problems(shard: TokenShard, *, full: bool) -> list[str]:
    """The table of documents says of each document where it starts and how long it is, as the index does."""
    path = documents_path(shard.prefix)
    if not path.is_file():
        return []
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            names = file.schema_arrow.names
            if file.metadata.num_rows != shard.num_documents:
                counts = f"{file.metadata.num_rows:,} rows, the shard has {shard.num_documents:,} documents"
                return [f"{path}: {counts}; the table is of another shard"]
            if not {"token_start", "num_tokens"} <= set(names):
                return [f"{path}: no columns token_start and num_tokens; not a table of documents"]
            row = 0
            for group in range(file.num_row_groups):
                found = _read_group(file, path, group, names if full else ["token_start", "num_tokens"])
                problem = _wrong_row(shard, path, row, found)
                if problem:
                    return [problem]
                row += found.num_rows
    except UNREADABLE as error:
        return [f"{path}: not a readable table of documents ({' '.join(str(error).split())})"]
    except DataError as error:
        return [str(error)]
    return []


def _read_group(file: Any, path: Path, group: int, names: Sequence[str]) -> Any:
    try:
        found = file.read_row_group(group, columns=list(names))
        found.validate(full=True)
    except UNREADABLE as error:
        raise DataError(f"{path}: row group {group}: {' '.join(str(error).split())}; the table is damaged") from error
    return found


def _wrong_row(shard: TokenShard, path: Path, first: int, found: Any) -> str:
    edges = np.array(shard.document_index[first : first + found.num_rows + 1], dtype=np.int64)
    starts = _token_starts(shard, edges)
    for name, expected in (("token_start", starts[:-1]), ("num_tokens", np.diff(starts))):
        values = found[name].to_numpy().astype(np.float64)  # a null becomes NaN, which equals nothing
        bad = np.flatnonzero(values != expected)
        if bad.size:
            at = int(bad[0])
            place = shard.index.layout.document_index + POINTER_BYTES * (first + at)
            said = f"{name} {values[at]:.0f}, the index says {expected[at]:,}"
            return f"{path}: row {first + at:,}: {said} (edge at byte {place} of the .idx)"
    return ""


def _token_starts(shard: TokenShard, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """First token of the sequences that some document edges name; the edge after the last one is the end of the shard."""
    item = shard.dtype.itemsize
    starts = np.full(edges.size, shard.num_tokens, dtype=np.int64)
    inside = edges < shard.num_sequences
    if inside.any():
        named = edges[inside]  # ascending, so the pointers that are needed lie between the first and the last
        starts[inside] = np.array(shard.pointers[int(named[0]) : int(named[-1]) + 1], dtype=np.int64)[named - named[0]] // item
    return starts


def _id_problems(shard: TokenShard, vocabulary: Vocabulary | None) -> Iterator[str]:
    """Ids out of range, and documents that do not end as the manifest says."""
    path, item = bin_path(shard.prefix), shard.dtype.itemsize
    size = None if vocabulary is None else vocabulary.size
    legal = "ids are 0 or more" if size is None else f"the tokenizer's ids are 0..{size - 1:,}"
    for first in range(0, shard.num_tokens, BLOCK_TOKENS):
        tokens = shard.tokens(first, min(first + BLOCK_TOKENS, shard.num_tokens))
        bad = np.flatnonzero((tokens < 0) | (tokens >= size) if size is not None else tokens < 0)
        for at in bad[:MAX_PROBLEMS].tolist():
            position = first + at
            document = int(shard.document_of([position])[0])
            yield f"{path}: byte {position * item:,}: token {position:,} (document {document:,}) is {int(tokens[at]):,}; {legal}"
    if vocabulary is not None and vocabulary.eos_id is not None:
        yield from _open_ends(shard, vocabulary.eos_id)


def _open_ends(shard: TokenShard, eos_id: int) -> Iterator[str]:
    item = shard.dtype.itemsize
    starts = _token_starts(shard, np.array(shard.document_index, dtype=np.int64))
    stops = starts[1:][np.diff(starts) > 0]
    tokens = shard.tokens(0, shard.num_tokens)
    for first in range(0, stops.size, BLOCK_SEQUENCES):
        last = stops[first : first + BLOCK_SEQUENCES] - 1
        for position in last[tokens[last] != eos_id].tolist():
            document = int(shard.document_of([position])[0])
            yield (
                f"{bin_path(shard.prefix)}: byte {position * item:,}: document {document:,} ends with id {int(tokens[position]):,}, "
                f"not with the end token {eos_id:,}"
            )


def vocabulary_of(result: Result) -> Vocabulary | None:
    """What the facts of a result of ours say of its ids; None where they do not."""
    facts = result.manifest.facts
    largest = facts.get("max_id")
    if not isinstance(largest, int):
        return None
    config = next((stage.get("config") or {} for stage in reversed(result.manifest.stages)), {})
    eos_id = facts.get("eos_id")
    return Vocabulary(largest + 1, eos_id if config.get("append_eos") and isinstance(eos_id, int) else None)


def damaged_place(prefix: Path, suffix: str, sha256: str) -> str:
    """Where a file of a shard whose sha256 is wrong was changed, as far as the files beside it tell; "" if they do not.

    The `.idx` of ours (one sequence per document) follows from the table of documents and the size of the `.bin`, so it is
    made again and compared byte by byte. It is believed only if it has the hash of the manifest.
    """
    try:
        if suffix != ".idx":
            return ""
        counts = pq.read_table(documents_path(prefix), columns=["num_tokens"])["num_tokens"].to_numpy().astype(np.int64)
        item = bin_path(prefix).stat().st_size // max(1, int(counts.sum()))
        found = idx_path(prefix).read_bytes()
    except UNREADABLE:
        return ""
    for name, code in TOKEN_CODES.items():
        if np.dtype(name).itemsize == item:
            made = _index_bytes(counts, item, code)
            if hashlib.sha256(made).hexdigest() == sha256:
                return first_difference(found, made)
    return ""


def _index_bytes(counts: NDArray[np.int64], item: int, code: int) -> bytes:
    pointers = (np.cumsum(counts) - counts) * item
    edges = np.arange(counts.size + 1, dtype="<i8")
    header = HEADER.pack(MAGIC, VERSION, code, counts.size, edges.size)
    return header + counts.astype("<i4").tobytes() + pointers.astype("<i8").tobytes() + edges.tobytes()
