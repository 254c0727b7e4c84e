"""Text out of WET files (`.wet`, `.wet.gz`, `.wet.zst`): what Common Crawl's own extractor made of its pages.

WET text is one tenth of the bytes of WARC and needs no extraction, so a classifier scores a crawl from it in a tenth of the
time; its formulas are mostly lost, so it finds pages and is no text to train on. A document carries `refers_to`, the
WARC-Record-ID of the page it was made from, and its `url` for the index (`read.common_crawl`). Kept are `conversion` records of
plain text; damage, digests and reasons are as in `read.warc`.

A document is identified by WARC-Record-ID, URL, date and the digest of its text. `language` is the first language that the
archive names, as elsewhere in two letters where there are two (`en`, `zh`), "" where it names none.
"""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from mathcode_data.core.config import ByteCount, InputPaths, StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import PROVENANCE, TEXT_SCHEMA, document_id
from mathcode_data.stages.extract.language_codes import normal_code
from mathcode_data.stages.read.http_payload import digest_holds, payload_digest
from mathcode_data.stages.read.record_page import WRONG_DIGEST, DropError, block_holds, fetch_date, target_url, type_reason
from mathcode_data.stages.read.records import Record
from mathcode_data.stages.read.text import clean_text, decode_utf8
from mathcode_data.stages.read.warc_source import ArchiveFiles

VERSION = "2"
LIBRARIES = ("brotli", "unicodedata", "zstandard")
SCHEMA = pa.schema(
    [
        *TEXT_SCHEMA,
        pa.field("language", pa.string()),
        pa.field("refers_to", pa.string()),
        *(field for field in PROVENANCE if field.name != "http_status"),
    ]
)


class Config(StageConfig):
    """Which texts are kept."""

    paths: InputPaths = ()
    """WET files, folders of them, or patterns."""
    source: str = Field(default="wet", min_length=1)
    """Name of the source in the documents."""
    languages: tuple[str, ...] = ()
    """Keep these languages (`en` or `eng`) by what the archive found, others are dropped as `other_language`; none keeps all."""
    max_text_bytes: ByteCount = 16 << 20
    """Longer texts are dropped as `too_large`."""
    on_damage: Literal["report", "accept", "fail"] = "report"
    """A damaged file: read what is sound and end with exit code 3, read it and say nothing, or stop."""


class WetSource(ArchiveFiles):
    """Reads texts from WET files."""

    schema = SCHEMA
    suffixes = (".wet", ".wet.gz", ".wet.zst")
    what = "WET files (*.wet, *.wet.gz, *.wet.zst)"

    def __init__(self, config: Config) -> None:
        super().__init__(config.paths, config.max_text_bytes, config.on_damage)
        self._source = config.source
        self._languages = frozenset(map(language_code, config.languages))

    def _row(self, record: Record, name: str, ledger: Ledger) -> dict[str, Any]:
        headers = record.headers
        if headers.get("warc-type", "").lower() != "conversion":
            raise DropError(type_reason(headers))
        if record.block is None:
            raise DropError("too_large")
        if headers.get("content-type", "text/plain").partition(";")[0].strip().lower() != "text/plain":
            raise DropError("not_text")
        url = target_url(headers)
        language = language_code(headers.get("warc-identified-content-language", "").partition(",")[0])
        if self._languages and language not in self._languages:
            raise DropError("other_language")
        facts: list[str] = []
        stated = headers.get("warc-payload-digest", "")
        holds = digest_holds(stated, iter([record.block])) if stated else None
        holds = block_holds(record) if holds is None else holds
        if holds is False:
            raise DropError(WRONG_DIGEST)
        if holds is None:
            facts.append("unverified_pages")
        text = self._text(record.block, facts)
        digest = payload_digest(record.block)
        date = fetch_date(headers, facts)
        for fact in facts:
            ledger.count(fact)
        identity = f"{headers.get('warc-record-id', '')} {url} {headers.get('warc-date', '')} {digest}"
        return {
            "doc_id": document_id(self._source, identity),
            "text": text,
            "source": self._source,
            "url": url,
            "language": language,
            "refers_to": headers.get("warc-refers-to"),
            "warc_file": name,
            "warc_offset": record.offset,
            "warc_length": record.length,
            "payload_digest": digest,
            "fetched_at": date,
        }

    def _text(self, block: bytes, facts: list[str]) -> str:
        decoded = decode_utf8(block)
        if decoded is None:
            raise DropError("not_utf8")
        text, num_replaced = clean_text(decoded[0])
        if decoded[1] + num_replaced:
            facts.append("texts_with_replacements")
        if not text.strip():
            raise DropError("empty_text")
        return text


def language_code(tag: str) -> str:
    """A language as documents name it; a code that we do not know stays as it is.

    >>> [language_code(tag) for tag in ("eng", "zh-CN", "sco", "")]
    ['en', 'zh', 'sco', '']
    """
    return normal_code(tag) or tag.strip().lower()


def build(config: Config) -> WetSource:
    """Build the source; reads nothing yet."""
    return WetSource(config)
