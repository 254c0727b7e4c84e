"""About how much a pipeline will give, before it ran: documents, tokens and disk of every result, from the bytes that go in.

Rules of thumb, no promises. They are upper sides: nobody knows before a run what filters and deduplication drop, so nothing
is taken off for them. Results that are there already count with what they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathcode_data.core.manifest import Result
from mathcode_data.core.object_store import STORE, url_of
from mathcode_data.runtime.graph import Node

HTML_PER_WARC_BYTE = 5.0
"""HTML in a byte of .warc.gz."""
TEXT_PER_HTML_BYTE = 0.07
"""2,318 pages of three public collections: 281 MB of HTML, 19 MB of text."""
TEXT_PER_COMPRESSED_BYTE = 3.0
"""Text in a byte of .gz, .zst or .parquet."""
BYTES_PER_TOKEN = 3.5
"""Of English with formulas, or code, with 50,000 to 100,000 ids; Chinese has about 3."""
SHARD_BYTES_PER_TOKEN = 4
PARQUET_PER_TEXT_BYTE = 0.35
"""Of the same pages, and 0.23 for 20 MB of Python."""
PARQUET_PER_HTML_BYTE = 0.17
BYTES_PER_WARC_PAGE = 25_000
BYTES_PER_TEXT = 5_000
COMPRESSED = (".gz", ".zst", ".parquet")
RULES = (
    f"if nothing is dropped; text is {TEXT_PER_HTML_BYTE:.0%} of HTML, {HTML_PER_WARC_BYTE * TEXT_PER_HTML_BYTE:.0%} of .warc.gz and "
    f"{TEXT_PER_COMPRESSED_BYTE:g} times other compressed input, {BYTES_PER_TOKEN:g} bytes make a token"
)


@dataclass(frozen=True)
class Estimate:
    """What a result may hold, in documents and bytes."""

    documents: float = 0.0
    text_bytes: float = 0.0
    html_bytes: float = 0.0

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.documents + other.documents, self.text_bytes + other.text_bytes, self.html_bytes + other.html_bytes)

    def scaled(self, share: float) -> Estimate:
        """A part of it."""
        return Estimate(self.documents * share, self.text_bytes * share, self.html_bytes * share)


def estimate_nodes(nodes: Sequence[Node], finished: dict[int, Result]) -> dict[int, dict[str, Any]]:
    """Estimate the results that are not there.

    Args:
        nodes: in the order of work.
        finished: results that are up to date, by `id` of their node.

    Returns:
        By `id` of the node, for those whose input is known: `documents`, `tokens`, `bytes` (disk), `rules`.
    """
    known: dict[int, Estimate | None] = {}
    found = {}
    for node in nodes:
        if id(node) in finished:
            known[id(node)] = _of_result(finished[id(node)])
            continue
        estimate = known[id(node)] = _of_node(node, known)
        if estimate is not None and node.kind in ("documents", "tokens"):
            found[id(node)] = _figures(node, estimate)
    return found


def _figures(node: Node, estimate: Estimate) -> dict[str, Any]:
    tokens = (estimate.text_bytes + estimate.html_bytes * TEXT_PER_HTML_BYTE) / BYTES_PER_TOKEN
    if node.kind == "tokens":
        disk = tokens * SHARD_BYTES_PER_TOKEN
    else:
        disk = estimate.text_bytes * PARQUET_PER_TEXT_BYTE + estimate.html_bytes * PARQUET_PER_HTML_BYTE
    return {"documents": _rounded(estimate.documents), "tokens": _rounded(tokens), "bytes": _rounded(disk), "rules": RULES}


def _rounded(number: float) -> int:
    """Two digits, which is more than is known.

    >>> _rounded(123_456), _rounded(7)
    (120000, 7)
    """
    return int(float(f"{number:.2g}"))


def _of_node(node: Node, known: dict[int, Estimate | None]) -> Estimate | None:
    if node.inputs or not node.is_source:
        parts = [_of_result(part) if isinstance(part, Result) else known[id(part)] for part in node.inputs]
        estimates = [part for part in parts if part is not None]
        if not estimates or len(estimates) < len(parts) or node.is_source:  # of a crawl nobody knows how much it brings
            return None
        estimate = sum(estimates, Estimate())
    else:
        estimate = _of_files(node)
        limit = node.pipeline.limit
        if limit is not None and estimate.documents > limit:
            estimate = estimate.scaled(limit / estimate.documents)
    if estimate.html_bytes and any(step.plugin.name.startswith("extract.") for step in node.steps):
        return Estimate(estimate.documents, estimate.text_bytes + estimate.html_bytes * TEXT_PER_HTML_BYTE)
    return estimate


def documents_in_files(node: Node) -> float:
    """About how many documents lie in the files of a source, whatever the limit."""
    return _of_files(node).documents


def _of_files(node: Node) -> Estimate:
    reader = node.steps[0].plugin.name
    files = [Path(file) for split in node.splits for file in split.files]
    sizes = [file.stat().st_size for file in files]
    total = float(sum(sizes))
    if reader == "read.common_crawl":
        planned = [split.options for split in node.splits]
        html = sum(options["bytes"] for options in planned) * HTML_PER_WARC_BYTE
        return Estimate(sum(options["records"] for options in planned), html_bytes=html)
    if reader == "read.html_files":
        return Estimate(len(files), html_bytes=total)
    if reader == "read.code":
        return Estimate(len(files), text_bytes=total)
    if reader == "read.warc":
        html = sum(size * (HTML_PER_WARC_BYTE if file.suffix in COMPRESSED else 1.0) for file, size in zip(files, sizes, strict=True))
        return Estimate(html / HTML_PER_WARC_BYTE / BYTES_PER_WARC_PAGE, html_bytes=html)
    text = sum(size * (TEXT_PER_COMPRESSED_BYTE if file.suffix in COMPRESSED else 1.0) for file, size in zip(files, sizes, strict=True))
    return Estimate(text / BYTES_PER_TEXT, text_bytes=text)


def _of_result(result: Result) -> Estimate | None:
    """What a finished result of documents holds; whether pages or texts, its columns say."""
    if result.manifest.kind != "documents":
        return None
    shards = result.document_shards()
    disk = sum(shard.bytes for shard in result.manifest.shards if shard.name.startswith("documents-"))
    if shards and _holds_pages(shards[0]):
        return Estimate(result.manifest.num_rows, html_bytes=disk / PARQUET_PER_HTML_BYTE)
    return Estimate(result.manifest.num_rows, text_bytes=disk / PARQUET_PER_TEXT_BYTE)


def _holds_pages(shard: Path) -> bool:
    from pyarrow import parquet

    from mathcode_data.core.documents import read_schema

    if shard.exists() or url_of(shard) is None:
        return "content" in read_schema(shard).names
    with STORE.open(shard) as file:
        return "content" in parquet.read_schema(file).names
