"""From an archived record to a page: which records count, what their body is, and whether it is what the archive says it is.

Every record that becomes no page is refused under a reason: its type (`request`, `metadata`, `revisit`, ...), `http_404`,
`not_html`, `empty_body`, `too_large`, `digest_mismatch`, and the reasons of `http_payload`. A page is identified by
WARC-Record-ID, URL, date and the digest of its body, and by nothing else, so that it is the same page wherever its file lies.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import document_id
from mathcode_data.stages.read.http_payload import PayloadError, dechunk, decode_body, digest_holds, parse_response, payload_digest
from mathcode_data.stages.read.records import Record

HEAD_ROOM_BYTES = 128 << 10
"""What a block may hold beyond the largest body: HTTP headers and chunk lines."""
RECORD_TYPES = frozenset({"warcinfo", "request", "response", "resource", "metadata", "revisit", "conversion", "continuation"})
NO_TYPE = "no_type"
NO_URL = "no_url"
WRONG_DIGEST = "digest_mismatch"
VISIBLE = re.compile(r"[!-~]+")
NOT_BLANK = re.compile(rb"\S")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z")


class DropError(Exception):
    """A record that becomes no document; the message is the reason."""


class OtherContentError(DropError):
    """A record whose body is not the one that an index promised."""


def type_reason(headers: dict[str, str]) -> str:
    """The reason under which a record of a type that is not asked for is dropped."""
    kind = headers.get("warc-type", "").lower()
    if kind in RECORD_TYPES:
        return kind
    return "unknown_type" if VISIBLE.fullmatch(kind) is not None else NO_TYPE


def target_url(headers: dict[str, str]) -> str:
    """The URL of a record; some writers put it in angle brackets.

    Raises:
        DropError: there is none.
    """
    url = headers.get("warc-target-uri", "").strip("<> ")
    if not url:
        raise DropError(NO_URL)
    return url


def fetch_date(headers: dict[str, str], facts: list[str]) -> str | None:
    """The date of a record, or None, noted in `facts`, if nobody can read it."""
    date = headers.get("warc-date", "")
    if DATE.fullmatch(date) is not None:
        return date
    facts.append("unreadable_dates")
    return None


@dataclass(frozen=True)
class RecordPages:
    """Makes rows of `PAGE_SCHEMA` from records."""

    source: str
    content_types: Collection[str] | None
    """Media types to keep, in lower case; None takes any."""
    statuses: Collection[int]
    max_page_bytes: int

    def row(self, record: Record, warc_file: str, ledger: Ledger, indexed_digest: str = "") -> dict[str, Any]:
        """Turn a record into a row.

        Args:
            record: with its place in the file.
            warc_file: name of the file.
            ledger: takes what is unusual about the page.
            indexed_digest: digest that the payload must have by an index, as `sha1:...`; "" if none says.

        Raises:
            DropError, PayloadError: the record is none of those asked for or cannot be used; the message is the reason.
        """
        headers = record.headers
        status, content_type, http_headers, body = self._payload(record)
        url = target_url(headers)
        facts = ["truncated_pages"] if "warc-truncated" in headers else []
        content = self._content(record, http_headers, body, facts, indexed_digest)
        digest = headers.get("warc-payload-digest") or payload_digest(body)
        # a stated digest that nothing was checked against says nothing about the body
        is_checked = digest_holds(digest, iter(())) is not None and not {"unverified_pages", "digest_of_whole_body"} & set(facts)
        identity = (
            f"{headers.get('warc-record-id', '')} {url} {headers.get('warc-date', '')} {digest if is_checked else payload_digest(body)}"
        )
        date = fetch_date(headers, facts)
        for fact in facts:
            ledger.count(fact)
        return {
            "doc_id": document_id(self.source, identity),
            "source": self.source,
            "url": url,
            "content": content,
            "content_type": content_type,
            "warc_file": warc_file,
            "warc_offset": record.offset,
            "warc_length": record.length,
            "payload_digest": digest,
            "fetched_at": date,
            "http_status": status,
        }

    def _payload(self, record: Record) -> tuple[int | None, str, dict[str, str], bytes]:
        """Status, content type, HTTP headers and body of a record that is asked for."""
        headers = record.headers
        kind = headers.get("warc-type", "").lower()
        if kind not in ("response", "resource"):
            raise DropError(type_reason(headers))
        if record.block is None:
            raise DropError("too_large")
        if kind == "resource":
            content_type = headers.get("content-type") or headers.get("warc-identified-payload-type", "")
            self._check_type(content_type)
            return None, content_type, {}, record.block
        if not headers.get("content-type", "application/http").lower().startswith("application/http"):
            raise DropError("not_http")
        response = parse_response(record.block)
        if response.status not in self.statuses:
            raise DropError(f"http_{response.status}")
        content_type = response.headers.get("content-type") or headers.get("warc-identified-payload-type", "")
        self._check_type(content_type)
        return response.status, content_type, response.headers, response.body

    def _check_type(self, content_type: str) -> None:
        if self.content_types is not None and content_type.partition(";")[0].strip().lower() not in self.content_types:
            raise DropError("not_html")

    def _content(self, record: Record, http_headers: dict[str, str], body: bytes, facts: list[str], indexed_digest: str) -> bytes:
        """The decoded body, checked against the digests; what is unusual about it is appended to `facts`.

        A digest that does not hold is the reason even where the body does not decode either.
        """
        failure = None
        content = b""
        try:
            decoded = decode_body(body, http_headers, self.max_page_bytes)
            content = decoded.content
            facts += decoded.notes
        except PayloadError as error:
            failure = error
        stated = record.headers.get("warc-payload-digest", "")
        is_as_indexed = not indexed_digest or _same_digest(stated, indexed_digest)
        if not is_as_indexed and digest_holds(indexed_digest, payload_forms(body, content)) is False:
            raise OtherContentError(WRONG_DIGEST)
        holds = _digest_holds(record, body, content)
        if holds is None:
            facts.append("unverified_pages")
        elif not holds:
            if "truncated_pages" not in facts:
                raise DropError(WRONG_DIGEST)
            facts.append("digest_of_whole_body")  # of what the server sent; the archive holds a part of it
        if failure is not None:
            raise failure
        if NOT_BLANK.search(content) is None:
            raise DropError("empty_body")
        return content


def _same_digest(one: str, other: str) -> bool:
    return one.strip().lower() == other.strip().lower()


def _digest_holds(record: Record, body: bytes, content: bytes) -> bool | None:
    """Check what the archive says about the payload or else the block; None if it says nothing readable."""
    stated = record.headers.get("warc-payload-digest", "")
    holds = digest_holds(stated, payload_forms(body, content)) if stated else None
    return block_holds(record) if holds is None else holds


def block_holds(record: Record) -> bool | None:
    """Check what the archive says about the whole block of a record; None if it says nothing readable."""
    stated = record.headers.get("warc-block-digest", "")
    return digest_holds(stated, iter([record.block or b""])) if stated else None


def payload_forms(body: bytes, content: bytes) -> Iterator[bytes]:
    """Forms of a payload, as writers differ in which one they hash: as sent, without chunk lines, decoded."""
    yield body
    joined = dechunk(body)
    if joined is not None:
        yield joined
    yield content
