"""Pages out of local WARC files (`.warc`, `.warc.gz`, `.warc.zst`): one split, one task, one shard per file.

Kept are `response` and `resource` records of the asked content types, and of the asked status. Every other record is
dropped under a reason (`record_page` lists them). Damaged files are read up to the tear and from the next sound record on;
what is lost is counted in bytes and, unless `on_damage` says otherwise, ends the run with exit code 3. So does a record whose header
is damaged (without a type, an address or a length that can be true), or whose bytes do not have its digest. A type that the standard
does not know is no damage.

A page is identified by WARC-Record-ID, URL, date and the digest of its body: renaming a file renames no page, and equal ids
mean the same record twice, even where a writer gives one id to all its records. `warc_length` is null where several records
share one compressed member; `warc_offset` is that member then.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mathcode_data.core.config import ByteCount, InputPaths, StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import PAGE_SCHEMA
from mathcode_data.stages.read.record_page import HEAD_ROOM_BYTES, RecordPages
from mathcode_data.stages.read.records import Record
from mathcode_data.stages.read.warc_source import ArchiveFiles

VERSION = "4"
LIBRARIES = ("brotli", "zstandard")


class Config(StageConfig):
    """Which records become pages."""

    paths: InputPaths = ()
    """WARC files, folders of them, or patterns."""
    source: str = Field(default="web", min_length=1)
    """Name of the source in the documents."""
    content_types: tuple[str, ...] = Field(default=("text/html", "application/xhtml+xml"), min_length=1)
    """Media types to keep; WARC-Identified-Payload-Type counts where a response does not state one."""
    statuses: tuple[int, ...] = Field(default=(200,), min_length=1)
    """HTTP status codes to keep."""
    max_page_bytes: ByteCount = 16 << 20
    """Larger bodies, decoded or not, are dropped as `too_large`."""
    on_damage: Literal["report", "accept", "fail"] = "report"
    """A damaged file: read what is sound and end with exit code 3, read it and say nothing, or stop."""


class WarcSource(ArchiveFiles):
    """Reads pages from WARC files."""

    schema = PAGE_SCHEMA
    suffixes = (".warc", ".warc.gz", ".warc.zst")
    what = "WARC files (*.warc, *.warc.gz, *.warc.zst)"

    def __init__(self, config: Config) -> None:
        super().__init__(config.paths, config.max_page_bytes + HEAD_ROOM_BYTES, config.on_damage)
        content_types = frozenset(kind.strip().lower() for kind in config.content_types)
        self._pages = RecordPages(config.source, content_types, config.statuses, config.max_page_bytes)

    def _row(self, record: Record, name: str, ledger: Ledger) -> dict[str, Any]:
        return self._pages.row(record, name, ledger)


def build(config: Config) -> WarcSource:
    """Build the source; reads nothing yet."""
    return WarcSource(config)
