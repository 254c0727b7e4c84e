"""Pages out of local HTML files (`*.html`, `*.htm`, `*.xhtml`), many files to a split.

A page is identified by its name relative to the input folder, not by its content: a page that is edited keeps its id, a
page that is renamed is another. Its URL is `url_prefix` and that name, quoted; without a prefix it is a `file:` URL that
names no machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pyarrow as pa
from pydantic import Field

from mathcode_data.core.config import ByteCount, InputPaths, StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import PAGE_SCHEMA, document_id
from mathcode_data.core.stage import Split
from mathcode_data.stages.read.batches import RowBatch
from mathcode_data.stages.read.files import (
    by_suffix,
    count_skipped,
    group_by_bytes,
    list_inputs,
    read_whole,
    split_target,
    with_skipped,
)
from mathcode_data.stages.read.http_payload import payload_digest

VERSION = "2"


class Config(StageConfig):
    """Which files, and what they are called."""

    paths: InputPaths = ()
    """HTML files, folders of them, or patterns."""
    source: str = Field(default="html", min_length=1)
    """Name of the source in the documents."""
    url_prefix: str = ""
    """Put before the relative name to make the URL, as in "https://example.org/docs/"."""
    split_bytes: ByteCount = Field(default=64_000_000, gt=0)
    """Files that one task reads, at most; an input of less than 16 such parts is cut into 16, of 1 MB or more."""
    max_page_bytes: ByteCount = 16 << 20
    """Larger files are dropped as `too_large`."""


class HtmlFileSource:
    """Reads HTML files as pages."""

    schema = PAGE_SCHEMA

    def __init__(self, config: Config) -> None:
        self._config = config

    def splits(self) -> list[Split]:
        """Runs of files in name order."""
        listing = list_inputs(self._config.paths, by_suffix(".html", ".htm", ".xhtml"), "HTML files (*.html, *.htm, *.xhtml)")
        target = split_target(sum(file.bytes for file in listing.files), self._config.split_bytes)
        groups = group_by_bytes(listing.files, target)
        splits = [Split(tuple(file.path for file in group), tuple(file.name for file in group)) for group in groups]
        return with_skipped(splits, listing.skipped)

    def read(self, split: Split, ledger: Ledger) -> Iterator[pa.Table]:
        """Read the files of one split."""
        config = self._config
        count_skipped(split.options, ledger)
        batch = RowBatch(self.schema)
        for path, name in zip(split.files, split.names, strict=True):
            ledger.saw()
            content = read_whole(path, config.max_page_bytes)
            if content is None or not content.strip():
                ledger.drop_unread("too_large" if content is None else "empty_body")
                continue
            is_xhtml = name.lower().endswith(".xhtml")
            row = {
                "doc_id": document_id(config.source, name),
                "source": config.source,
                "url": (config.url_prefix or "file:") + quote(name),
                "content": content,
                "content_type": "application/xhtml+xml" if is_xhtml else "text/html",
                "payload_digest": payload_digest(content),
            }
            batch.add(row, len(content))
            yield from batch.full()
        yield from batch.rest()


def build(config: Config) -> HtmlFileSource:
    """Build the source; reads nothing yet."""
    return HtmlFileSource(config)
