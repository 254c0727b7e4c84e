"""From a training sample back to its documents, their URLs or paths, and their place in a WARC file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.mixture.index_files import SOURCES_NAME, WINDOWS_NAME, open_index
from mathcode_data.mixture.opened import check_shard, is_virtual, read_mixture, shard_prefix
from mathcode_data.mixture.packed import Packing
from mathcode_data.mixture.plan import Place, Plan
from mathcode_data.shards.documents_table import read_documents_table
from mathcode_data.shards.format import documents_path
from mathcode_data.shards.reader import TokenShard

NEAR_DOCUMENTS = 1 << 14
"""Rows of the table that are read at once; a packed sample has documents from all over the shard."""


def trace_sample(folder: Path, position: int) -> dict[str, Any]:
    """Say where a sample of a mixture came from.

    Returns:
        `sample`, `stage`, `source`, `draw`, `epoch` (from 0), `replay` (the earlier stage that is replayed here, or None), `window`,
        `shard`, `tokens` [start, stop) in the shard, `provenance` (what is known of the documents, in words), and `documents`: for
        each one that the sample overlaps its number in the shard, its tokens [start, stop) in the shard, `in_sample` [start, stop)
        in the sample, and what the documents table knows (doc_id, url, path, warc_file ..., scores).

    Raises:
        ConfigError: no such sample.
        StaleOutputError: the shard was written again since.
        DataError: the index does not hold what the mixture's order gives, or a shard is damaged.
    """
    info = read_mixture(folder)
    plan = Plan(info)
    if not 0 <= position < plan.num_samples:
        raise ConfigError(f"{folder}: sample {position:,} of {plan.num_samples:,}; positions are 0..{plan.num_samples - 1:,}")
    place = _place(folder, info, plan, position)
    source = info["sources"][place.source]
    number, start = plan.sources[place.source].windows.locate_one(place.window)
    shard = source["shards"][number]
    check_shard(folder, source["name"], shard)
    prefix = Path(os.path.normpath(shard_prefix(folder, shard)))
    stop = start + plan.sequence_length + 1
    if plan.packing == "best_fit":
        pieces = Packing(folder, [planned.num_windows for planned in plan.sources]).pieces(place.source, place.window)
        documents, provenance = _packed_documents(prefix, pieces, is_ours=bool(source["is_ours"]))
        start, stop = int(pieces["token_start"].min()), int((pieces["token_start"] + pieces["num_tokens"]).max())
    else:
        documents, provenance = _documents(prefix, start, stop, is_ours=bool(source["is_ours"]))
    return {
        "sample": position, "stage": plan.stages[place.stage].name, "source": source["name"], "draw": place.draw,
        "epoch": place.epoch, "replay": place.replay, "window": place.window, "shard": str(prefix),
        "tokens": [start, stop], "provenance": provenance, "documents": documents,
    }  # fmt: skip


def _place(folder: Path, info: dict[str, Any], plan: Plan, position: int) -> Place:
    """What stands at a position: in closed form, and compared with the index files where there are any."""
    if is_virtual(info):
        return plan.place(position)
    source = int(open_index(folder, SOURCES_NAME, plan.num_samples)[position])
    entry = int(open_index(folder, WINDOWS_NAME, plan.num_samples)[position])
    if plan.blend == "megatron":
        return plan.place(position, (source, entry))
    place = plan.place(position)
    if (place.source, place.window) != (source, entry):
        raise DataError(
            f"{folder}: sample {position:,}: the index files say source {source}, window {entry:,}, the mixture's order gives source "
            f"{place.source}, window {place.window:,}; the index is damaged: run verify"
        )
    return place


def _documents(prefix: Path, start: int, stop: int, *, is_ours: bool) -> tuple[list[dict[str, Any]], str]:
    """The documents of some tokens of a shard, and what is known of them."""
    with TokenShard(prefix) as shard:
        first, last = shard.document_of(np.array([start, stop - 1])).tolist()
        found = []
        for document in range(first, last + 1):
            begin, end = shard.document_start(document), shard.document_start(document + 1)
            if begin == end:
                continue  # a document without tokens lies in no sample
            in_sample = [max(begin, start) - start, min(end, stop) - start]
            found.append({"document": document, "tokens": [begin, end], "in_sample": in_sample})
    return _with_table(prefix, found, is_ours)


def _packed_documents(prefix: Path, pieces: NDArray[Any], *, is_ours: bool) -> tuple[list[dict[str, Any]], str]:
    """The documents of a packed sample, in its order, and what is known of them."""
    found = []
    end = 0
    with TokenShard(prefix) as shard:
        for piece in pieces:
            document, length = int(piece["document"]), int(piece["num_tokens"])
            tokens = [shard.document_start(document), shard.document_start(document + 1)]
            found.append({"document": document, "tokens": tokens, "in_sample": [end, end + length]})
            end += length
    return _with_table(prefix, found, is_ours)


def _with_table(prefix: Path, found: list[dict[str, Any]], is_ours: bool) -> tuple[list[dict[str, Any]], str]:
    """Add to each document what the table beside the shard knows."""
    table = documents_path(prefix)
    if not table.is_file():
        whose = f"its table {table.name} is gone: make the shard again" if is_ours else "a foreign shard, which has no table of documents"
        return found, f"{whose}; known are the numbers of the documents and their tokens"
    numbers = [entry["document"] for entry in found]
    first, last = min(numbers), max(numbers)
    if last - first < NEAR_DOCUMENTS:
        near = read_documents_table(table, first, last + 1)
        rows = [near[number - first] for number in numbers]
    else:
        rows = [read_documents_table(table, number, number + 1)[0] for number in numbers]
    known = [entry | {key: value for key, value in row.items() if value is not None} for entry, row in zip(found, rows, strict=True)]
    return known, f"from {table.name}"
