"""From a training sample back to its documents, their URLs or paths, and their place in a WARC file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError
from mathcode_data.mixture.index_files import SOURCES_NAME, WINDOWS_NAME, open_index
from mathcode_data.mixture.opened import check_shard, read_mixture, shard_prefix
from mathcode_data.mixture.plan import Plan
from mathcode_data.shards.documents_table import read_documents_table
from mathcode_data.shards.format import documents_path
from mathcode_data.shards.reader import TokenShard


def trace_sample(folder: Path, position: int) -> dict[str, Any]:
    """Say where a sample of a mixture came from.

    Returns:
        `sample`, `stage`, `source`, `draw`, `epoch` (from 0), `window`, `shard`, `tokens` [start, stop) in the shard, and
        `documents`: for each one that the sample overlaps its number in the shard, its tokens [start, stop) in the shard,
        `in_sample` [start, stop) in the sample, and what the documents table knows (doc_id, url, path, warc_file ...).

    Raises:
        ConfigError: no such sample.
        StaleOutputError: the shard was written again since.
    """
    info = read_mixture(folder)
    plan = Plan(info)
    if not 0 <= position < plan.num_samples:
        raise ConfigError(f"{folder}: sample {position:,} of {plan.num_samples:,}; positions are 0..{plan.num_samples - 1:,}")
    source = int(open_index(folder, SOURCES_NAME, plan.num_samples)[position])
    entry = int(open_index(folder, WINDOWS_NAME, plan.num_samples)[position])
    place = plan.place(position, (source, entry) if plan.blend == "megatron" else None)
    number, start = plan.sources[place.source].windows.locate_one(place.window)
    shard = info["sources"][place.source]["shards"][number]
    check_shard(folder, plan.sources[place.source].name, shard)
    prefix = Path(os.path.normpath(shard_prefix(folder, shard)))
    return {
        "sample": position, "stage": plan.stages[place.stage].name, "source": plan.sources[place.source].name, "draw": place.draw,
        "epoch": place.epoch, "window": place.window, "shard": str(prefix), "tokens": [start, start + plan.sequence_length + 1],
        "documents": _documents(prefix, start, start + plan.sequence_length + 1),
    }  # fmt: skip


def _documents(prefix: Path, start: int, stop: int) -> list[dict[str, Any]]:
    with TokenShard(prefix) as shard:
        first, last = shard.document_of([start, stop - 1]).tolist()
        found = []
        for document in range(first, last + 1):
            begin, end = shard.document_start(document), shard.document_start(document + 1)
            if begin == end:
                continue  # a document without tokens lies in no sample
            in_sample = [max(begin, start) - start, min(end, stop) - start]
            found.append({"document": document, "tokens": [begin, end], "in_sample": in_sample})
    table = documents_path(prefix)
    if not table.is_file():
        return found
    rows = read_documents_table(table, first, last + 1)
    return [known | {key: value for key, value in rows[known["document"] - first].items() if value is not None} for known in found]
