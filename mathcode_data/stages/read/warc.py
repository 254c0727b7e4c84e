"""Pages out of local WARC files (`.warc`, `.warc.gz`, `.warc.zst`): one split, one task, one shard per file.

Kept are `response` and `resource` records of the asked content types, and of the asked status. Every other record is
dropped under a reason: its type (`request`, `metadata`, `revisit`, ...), `http_404`, `not_html`, `empty_body`,
`too_large`, `digest_mismatch` and the reasons of `http_payload`. Damaged files are read up to the tear and from the next
sound record on; what is lost is counted in bytes and, unless `on_damage` says otherwise, ends the run with exit code 3.

A page is identified by WARC-Record-ID, URL, date and the digest of its body: renaming a file renames no page, and equal ids
mean the same record twice, even where a writer gives one id to all its records. `warc_length` is null where several records
share one compressed member; `warc_offset` is that member then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from mathcode_data.core.config import ByteCount, InputPaths, StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import PAGE_SCHEMA, document_id
from mathcode_data.core.errors import DataError
from mathcode_data.core.stage import Split
from mathcode_data.stages.read.batches import RowBatch
from mathcode_data.stages.read.damage import DamageReport
from mathcode_data.stages.read.files import by_suffix, count_skipped, list_inputs, one_split_each
from mathcode_data.stages.read.http_payload import (
    PayloadError,
    dechunk,
    decode_body,
    digest_holds,
    parse_response,
    payload_digest,
)
from mathcode_data.stages.read.records import NOT_A_RECORD, BadRecord, Record
from mathcode_data.stages.read.salvage import Gap, walk_archive

VERSION = "3"
LIBRARIES = ("brotli", "zstandard")
HEAD_ROOM_BYTES = 128 << 10
"""What a block may hold beyond the largest body: HTTP headers and chunk lines."""
RECORD_TYPES = frozenset({"warcinfo", "request", "metadata", "revisit", "conversion", "continuation"})
NOT_BLANK = re.compile(rb"\S")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z")


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


class _DropError(Exception):
    """A record that becomes no page; the message is the reason."""


class WarcSource:
    """Reads pages from WARC files."""

    schema = PAGE_SCHEMA

    def __init__(self, config: Config) -> None:
        self._config = config
        self._content_types = frozenset(kind.strip().lower() for kind in config.content_types)

    def splits(self) -> list[Split]:
        """One split per file."""
        wanted = by_suffix(".warc", ".warc.gz", ".warc.zst")
        return one_split_each(list_inputs(self._config.paths, wanted, "WARC files (*.warc, *.warc.gz, *.warc.zst)"))

    def read(self, split: Split, ledger: Ledger) -> Iterator[pa.Table]:
        """Read one file.

        Raises:
            DataError: the file holds no WARC record, or is damaged and `on_damage` is `fail`.
        """
        count_skipped(split.options, ledger)
        path, name = Path(split.files[0]), split.names[0]
        damage = DamageReport(path, name, self._config.on_damage)
        batch = RowBatch(self.schema)
        num_records = 0
        for piece in walk_archive(path, self._config.max_page_bytes + HEAD_ROOM_BYTES):
            if isinstance(piece, Gap):
                damage.add_gap(piece, ledger)
            elif isinstance(piece, BadRecord):
                ledger.saw()
                ledger.drop_unread(piece.reason)
                ledger.count("lost_bytes", piece.lost_bytes)
                num_records += piece.reason != NOT_A_RECORD
            elif isinstance(piece, Record):
                ledger.saw()
                num_records += 1
                if damage.has_gap:
                    ledger.count("salvaged_records")
                try:
                    batch.add(self._page(piece, name, ledger), len(piece.block or b""))
                except (_DropError, PayloadError) as error:
                    ledger.drop_unread(str(error))
            yield from batch.full()
        if not num_records:
            raise DataError(f"{path}: holds no WARC record: {describe_file(path)}; fetch it again or take it out of `paths`")
        yield from batch.rest()
        damage.report(ledger)

    def _page(self, record: Record, name: str, ledger: Ledger) -> dict[str, Any]:
        """Turn a record into a row.

        Raises:
            _DropError, PayloadError: the record is none of those asked for or cannot be used; the message is the reason.
        """
        headers = record.headers
        status, content_type, http_headers, body = self._payload(record)
        url = headers.get("warc-target-uri", "").strip("<> ")
        if not url:
            raise _DropError("no_url")
        facts = ["truncated_pages"] if "warc-truncated" in headers else []
        content = self._content(record, http_headers, body, facts)
        date = headers.get("warc-date", "")
        digest = headers.get("warc-payload-digest") or payload_digest(body)
        # a stated digest that nothing was checked against says nothing about the body
        is_checked = digest_holds(digest, iter(())) is not None and not {"unverified_pages", "digest_of_whole_body"} & set(facts)
        identity = f"{headers.get('warc-record-id', '')} {url} {date} {digest if is_checked else payload_digest(body)}"
        if DATE.fullmatch(date) is None:
            facts.append("unreadable_dates")
        for fact in facts:
            ledger.count(fact)
        return {
            "doc_id": document_id(self._config.source, identity),
            "source": self._config.source,
            "url": url,
            "content": content,
            "content_type": content_type,
            "warc_file": name,
            "warc_offset": record.offset,
            "warc_length": record.length,
            "payload_digest": digest,
            "fetched_at": None if "unreadable_dates" in facts else date,
            "http_status": status,
        }

    def _payload(self, record: Record) -> tuple[int | None, str, dict[str, str], bytes]:
        """Status, content type, HTTP headers and body of a record that is asked for."""
        headers = record.headers
        kind = headers.get("warc-type", "").lower()
        if kind not in ("response", "resource"):
            raise _DropError(kind if kind in RECORD_TYPES else "unknown_type")
        if record.block is None:
            raise _DropError("too_large")
        if kind == "resource":
            content_type = headers.get("content-type") or headers.get("warc-identified-payload-type", "")
            self._check_type(content_type)
            return None, content_type, {}, record.block
        if not headers.get("content-type", "application/http").lower().startswith("application/http"):
            raise _DropError("not_http")
        response = parse_response(record.block)
        if response.status not in self._config.statuses:
            raise _DropError(f"http_{response.status}")
        content_type = response.headers.get("content-type") or headers.get("warc-identified-payload-type", "")
        self._check_type(content_type)
        return response.status, content_type, response.headers, response.body

    def _check_type(self, content_type: str) -> None:
        if content_type.partition(";")[0].strip().lower() not in self._content_types:
            raise _DropError("not_html")

    def _content(self, record: Record, http_headers: dict[str, str], body: bytes, facts: list[str]) -> bytes:
        """The decoded body, checked against the digest; what is unusual about it is appended to `facts`.

        A digest that does not hold is the reason even where the body does not decode either.
        """
        failure = None
        content = b""
        try:
            decoded = decode_body(body, http_headers, self._config.max_page_bytes)
            content = decoded.content
            facts += decoded.notes
        except PayloadError as error:
            failure = error
        holds = _digest_holds(record, body, content)
        if holds is None:
            facts.append("unverified_pages")
        elif not holds:
            if "truncated_pages" not in facts:
                raise _DropError("digest_mismatch")
            facts.append("digest_of_whole_body")  # of what the server sent; the archive holds a part of it
        if failure is not None:
            raise failure
        if NOT_BLANK.search(content) is None:
            raise _DropError("empty_body")
        return content


def _digest_holds(record: Record, body: bytes, content: bytes) -> bool | None:
    """Check what the archive says about the payload or else the block; None if it says nothing readable."""
    stated = record.headers.get("warc-payload-digest", "")
    holds = digest_holds(stated, _payload_forms(body, content)) if stated else None
    stated = record.headers.get("warc-block-digest", "")
    return digest_holds(stated, iter([record.block or b""])) if holds is None and stated else holds


def _payload_forms(body: bytes, content: bytes) -> Iterator[bytes]:
    """Forms of a payload, as writers differ in which one they hash: as sent, without chunk lines, decoded."""
    yield body
    joined = dechunk(body)
    if joined is not None:
        yield joined
    yield content


def describe_file(path: Path) -> str:
    """Say what a file that is no WARC looks like."""
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        return "the file is empty"
    if head.startswith(b"filedesc:"):
        return "it is an ARC file, the older format (`warcio recompress` converts it)"
    if head[:2] in (b"\x1f\x8b", b"\x28\xb5"):
        return "it is compressed, but holds something else or is damaged from its first member on"
    if head.startswith(b"WARC/"):
        return "it begins like one, but no record in it has a header and a length that can be true"
    return f"its first bytes are {head!r}"


def build(config: Config) -> WarcSource:
    """Build the source; reads nothing yet."""
    return WarcSource(config)
