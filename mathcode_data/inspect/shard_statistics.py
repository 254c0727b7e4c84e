"""Statistics of token shards: counts from headers, lengths from the index, the rest from tables and a sample of documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_data.inspect.domains import count_groups
from mathcode_data.inspect.histograms import length_histogram, spread
from mathcode_data.inspect.repeats import Repeats
from mathcode_data.inspect.sampling import Look, Read, row_groups
from mathcode_data.inspect.shard_runs import ShardHead, document_lengths, heads, read_runs
from mathcode_data.inspect.vocabulary import Fertility, IdCounts, Vocabulary, find_tokenizer
from mathcode_data.shards.format import documents_path
from mathcode_data.shards.resolve import token_result

MAX_LENGTHS = 4_000_000
"""Documents whose lengths are read by default: 80 MB of index."""
BEGINNING_TOKENS = 64
TABLE_COLUMNS = ("source", "url", "license", "repository", "language", "num_tokens")
SHORT_READ_TOKENS = 8_000_000
"""Shards up to this size are read whole: a second."""


def shard_statistics(prefixes: Sequence[Path], look: Look) -> dict[str, Any]:
    """Look at token shards, ours or from elsewhere.

    Returns:
        `token_shards` (one entry per shard), `documents`, `tokens`, `document_tokens` (percentiles), `length_histogram`,
        `lengths_read`, `tokens_read` (documents whose tokens were read), `vocabulary`, `special_ids`, `fertility`,
        `repeated_beginnings`, `groups`, `groups_read`, and `unknown`: what these shards do not say, in words.
    """
    known = heads(prefixes)
    folder = prefixes[0].parent if prefixes else Path()
    result = token_result(folder) if prefixes else None
    facts = result.manifest.facts if result is not None else {}
    num_documents, num_tokens = sum(head.num_documents for head in known), sum(head.num_tokens for head in known)
    lengths = document_lengths(known, None if look.full else MAX_LENGTHS, full=look.full)
    vocabulary = Vocabulary(facts, find_tokenizer(folder, look.tokenizer))
    data: dict[str, Any] = {
        "token_shards": [
            {"name": head.prefix.name, "documents": head.num_documents, "tokens": head.num_tokens, "dtype": head.dtype,
             "bytes": head.bin_bytes} for head in known
        ],
        "documents": num_documents, "tokens": num_tokens, "document_tokens": spread(lengths),
        "length_histogram": length_histogram(lengths, "tokens"), "lengths_read": Read(int(lengths.size), num_documents).to_json(),
    }  # fmt: skip
    data |= _of_tokens(known, vocabulary, facts, look.limit(is_small=num_tokens <= SHORT_READ_TOKENS))
    groups, read = shard_groups(prefixes, look)
    data |= {"groups": groups, "groups_read": read}
    return data | {"unknown": _unknown(data, vocabulary, is_ours=result is not None, num_tables=num_tables(prefixes))}


def _of_tokens(known: Sequence[ShardHead], vocabulary: Vocabulary, facts: dict[str, Any], limit: int | None) -> dict[str, Any]:
    num_documents = sum(head.num_documents for head in known)
    fertility = Fertility(vocabulary, num_documents if limit is None else min(limit, num_documents))
    ids, beginnings = IdCounts(vocabulary), Repeats()
    for run in read_runs(known, limit):
        ids.add(run)
        fertility.add(run)
        for number in range(run.num_documents):
            document = run.document(number)
            if document.size:
                beginnings.add(document[:BEGINNING_TOKENS])
    return {
        "tokens_read": Read(ids.num_documents, num_documents).to_json(),
        "vocabulary": ids.vocabulary_json(), "special_ids": ids.special_json(), "fertility": fertility.to_json(facts),
        "repeated_beginnings": beginnings.to_json() | {"beginning_tokens": BEGINNING_TOKENS}, "empty_documents": ids.num_empty,
    }  # fmt: skip


def num_tables(prefixes: Sequence[Path]) -> int:
    """Shards that have a table of documents beside them."""
    return sum(documents_path(prefix).is_file() for prefix in prefixes)


def shard_groups(prefixes: Sequence[Path], look: Look) -> tuple[dict[str, Any], dict[str, Any]]:
    """Documents and tokens by source, domain, licence ... from the tables beside the shards, and how much of those was read."""
    tables = [documents_path(prefix) for prefix in prefixes if documents_path(prefix).is_file()]
    if not tables:
        return {}, Read(0, 0).to_json()
    found = row_groups(tables)
    num_read = 0

    def parts() -> Iterator[tuple[pa.Table, NDArray[np.int64] | None]]:
        nonlocal num_read
        columns = [name for name in TABLE_COLUMNS if name in found.columns]
        for table in found.read(columns, look.column_limit):
            num_read += table.num_rows
            yield table, table["num_tokens"].to_numpy().astype(np.int64) if "num_tokens" in columns else None

    groups = count_groups(parts(), "tokens")
    return groups, Read(num_read, found.num_rows).to_json()


def _unknown(data: dict[str, Any], vocabulary: Vocabulary, *, is_ours: bool, num_tables: int) -> list[str]:
    """What the shards do not say, each with what would."""
    lines = []
    if not is_ours:
        lines.append("no manifest of ours: which tokenizer made these ids, from what text and through which filters is not known")
    if vocabulary.size is None:
        highest = data["vocabulary"]["highest_id"]
        least = "" if highest is None else f"; it holds at least {highest + 1:,} ids"
        lines.append(f"vocabulary size and coverage: no tokenizer; name it with --tokenizer tokenizer.json{least}")
    if not vocabulary.is_special_known:
        lines.append("which ids are special: no tokenizer; `first_id` and `last_id` say how documents begin and end most often")
    if data["fertility"]["bytes_per_token"] is None:
        lines.append("fertility (bytes of text per token): neither a manifest nor a tokenizer says it")
    if num_tables < len(data["token_shards"]):
        all_shards = len(data["token_shards"])
        lines.append(
            f"where documents come from: {all_shards - num_tables:,} of {all_shards:,} shards have no table of documents beside them"
        )
    return lines
