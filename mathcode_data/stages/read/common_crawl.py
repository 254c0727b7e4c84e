"""Pages out of Common Crawl by its columnar index: only the records that are wanted, fetched by byte range.

The index (Parquet, the schema of cc-index-table) is read when the run is planned, with the conditions pushed down; what it selects
is the plan: records by WARC file and offset, cut into splits. A task fetches its ranges, neighbours joined into one request, and
checks every record on arrival: one whole member, the URL and the digest of the index. A page is then the page that `read.warc`
makes of the same record, with the same id. Index and files lie in a folder, at https:// or at s3://.

**Manners** (`common_crawl_patience`): one connection for all workers of a machine, a contact in every request, Retry-After
kept to, a minute and more of pause after 403, 429 and 503, an end after a few refusals; a run that stopped goes on where it was.

**Losses are counted**: `no_such_file` and `beyond_the_end` (index and archive do not fit together), `damaged_record`, `url_mismatch`,
`digest_mismatch` (asked for twice more before they are given up). Any of them ends the run with exit code 3 unless `on_damage`
says otherwise; other reasons are those of `read.warc`. The media type is the one that the index detected, not looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, ValidationInfo, field_validator

from mathcode_data.core.config import ByteCount, InputMarker, InputPaths, Kind, StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import PAGE_SCHEMA
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.stage import Split
from mathcode_data.stages.read.batches import RowBatch
from mathcode_data.stages.read.common_crawl_archive import SEPARATOR, Archive, Manners, open_archive
from mathcode_data.stages.read.common_crawl_http import AbsentError
from mathcode_data.stages.read.common_crawl_index import Wanted, find_records, index_files
from mathcode_data.stages.read.common_crawl_patience import Patience
from mathcode_data.stages.read.common_crawl_plan import Place, Range, join_ranges, make_splits, places_of, url_key
from mathcode_data.stages.read.files import count_skipped, with_skipped
from mathcode_data.stages.read.http_payload import PayloadError
from mathcode_data.stages.read.record_page import HEAD_ROOM_BYTES, DropError, OtherContentError, RecordPages
from mathcode_data.stages.read.records import Record
from mathcode_data.stages.read.salvage import Gap, walk_bytes
from mathcode_data.stages.read.sound_members import record_of_member
from mathcode_data.stages.read.wet import language_code

VERSION = "2"
LIBRARIES = ("brotli", "unicodedata", "zstandard")
TURN_BYTES = 16 << 20
"""Bytes that are fetched in one turn, and so held in memory."""
MORE_TRIES = 2
"""Times that a record is asked for again which is not what the index says."""
MAX_LOST_ASKED_AGAIN = 10
"""After so many losses in a task the archive is another one than the index's, and asking again is only a burden."""
HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z]{2,8})?")
INPUT_PATHS: TypeAdapter[tuple[str, ...]] = TypeAdapter(InputPaths)


def _resolve_places(value: Any, info: ValidationInfo) -> tuple[str, ...]:
    """Addresses as they stand, paths as those of other stages."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not all(isinstance(item, str) and item for item in given):
        raise ValueError(f"{value!r} is no place; write a path or an address, or a list of them")
    addresses = [item for item in given if SEPARATOR in item]
    paths = [item for item in given if SEPARATOR not in item]
    try:
        return tuple(addresses) + (INPUT_PATHS.validate_python(paths, context=info.context) if paths else ())
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        hint = "; fetch Parquet files of the index first (cc-index-table.paths.gz of a crawl lists them), or give their address"
        raise ValueError(why + (hint if info.field_name == "index" else "")) from error


Places = Annotated[
    tuple[str, ...],
    BeforeValidator(_resolve_places, json_schema_input_type=str | list[str]),
    InputMarker(),
    Kind("path, address, or list of them"),
]
"""Paths or addresses. Where things lie is no part of a result's name; what the index selects from them is."""


class Config(StageConfig):
    """Which records, from where, and how they are asked for."""

    index: Places = ()
    """Parquet files of the columnar index, folders of them, addresses (https://, s3://), or a list such as cc-index-table.paths.gz."""
    base: Places = Field(default=("https://data.commoncrawl.org",), max_length=1)
    """What the names of WARC files in the index count from: an address, `s3://commoncrawl`, or the folder of a mirror."""
    contact: str = ""
    """Web page or e-mail address (or both) of yours; it stands in every request over HTTP, and without it nothing is fetched there."""
    source: str = Field(default="web", min_length=1)
    """Name of the source in the documents."""
    domains: tuple[str, ...] = ()
    """Registered domains to take (`example.com`, with all its hosts). With `hosts` and `url_prefixes`: what any of the three names."""
    hosts: tuple[str, ...] = ()
    """Hosts to take, exactly these."""
    url_prefixes: tuple[str, ...] = ()
    """Beginnings of URLs to take, `host/path`; a scheme in front does not count."""
    content_types: tuple[str, ...] = Field(default=("text/html", "application/xhtml+xml"))
    """Media types to take, as the archive detected them; an empty list takes all."""
    statuses: tuple[int, ...] = Field(default=(200,), min_length=1)
    """HTTP status codes to take."""
    languages: tuple[str, ...] = ()
    """Languages to take (`en` or `eng`): pages of which any part is in one of them; none takes all."""
    primary_language_only: bool = False
    """Look only at the language that most of a page is in."""
    subsets: tuple[str, ...] = ("warc",)
    """Subsets of the crawl (warc, crawldiagnostics, robotstxt), by the index's path or column."""
    max_records: int = Field(default=1_000_000, ge=1)
    """An index that selects more is an error, before anything is fetched."""
    max_page_bytes: ByteCount = 16 << 20
    """Larger bodies, decoded or not, are dropped as `too_large`."""
    split_records: int = Field(default=1000, ge=1)
    """Records of a task at most."""
    split_bytes: ByteCount = Field(default=64 << 20, ge=1)
    """Compressed bytes of a task at most."""
    max_gap_bytes: int = Field(default=64 << 10, ge=-1)
    """Unwanted bytes between two records that are fetched with them rather than asked around; -1 sends a request for each record."""
    max_range_bytes: ByteCount = Field(default=8 << 20, ge=1)
    """Bytes of a request at most, unless one record is longer."""
    connections: int = Field(default=1, ge=1, le=64)
    """Connections to the server, of all workers of a machine together. Common Crawl has blocked people who used two."""
    timeout_s: float = Field(default=120.0, gt=0.0)
    """All of a request, from connecting to the last byte."""
    first_backoff_s: float = Field(default=60.0, gt=0.0)
    """Shortest pause after the first 403, 429 or 503 without a Retry-After, the longest is half as much more; it doubles."""
    max_backoff_s: float = Field(default=900.0, gt=0.0)
    """Longest pause that we choose; a Retry-After of up to an hour goes before it."""
    max_tries: int = Field(default=8, ge=1)
    """Tries of a request, whatever went wrong; then the run stops, and can be taken up later."""
    max_refusals: int = Field(default=3, ge=1)
    """Tries of a request that is answered with 403."""
    s3_region: str = "us-east-1"
    """Region of an s3:// place."""
    s3_endpoint: str = ""
    """Address of another S3 service than Amazon's."""
    s3_anonymous: bool = False
    """Ask S3 without credentials; Common Crawl's bucket does not answer that."""
    on_damage: Literal["report", "accept", "fail"] = "report"
    """Records that cannot be had: report and end with exit code 3, only count them, or stop."""

    @field_validator("domains", "hosts")
    @classmethod
    def _plain_hosts(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({_host(value) for value in values}))

    @field_validator("url_prefixes")
    @classmethod
    def _plain_prefixes(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({"/".join(_prefix(value)).replace("//", "/", 1) for value in values}))

    @field_validator("languages")
    @classmethod
    def _language_codes(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [value for value in values if not LANGUAGE.fullmatch(value)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no language; write a code of two or three letters, as in en or zho")
        return tuple(sorted(set(map(language_code, values))))


def _host(text: str) -> str:
    host = text.strip().rstrip(".").lower()
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError as error:
        raise ValueError(f"{text!r} is no name of a host ({error})") from error
    if not HOST.fullmatch(host):
        raise ValueError(f"{text!r} is no domain or host; write it as in example.com, without scheme and path")
    return host


def _prefix(text: str) -> tuple[str, str]:
    """Host and path of a URL's beginning."""
    host, _, path = (text.partition(SEPARATOR)[2] or text).partition("/")
    return _host(host), f"/{path}"


class CommonCrawlSource:
    """Reads pages from Common Crawl."""

    schema = PAGE_SCHEMA

    def __init__(self, config: Config) -> None:
        self._config = config
        self._pages = RecordPages(config.source, None, config.statuses, config.max_page_bytes)
        self._archive: Archive | None = None

    def splits(self) -> list[Split]:
        """Look up the index; one split is a run of wanted records.

        Raises:
            ConfigError: no index, or nothing in it is wanted.
            DataError: an index file is damaged or another table.
        """
        config = self._config
        if not config.index:
            raise ConfigError("read.common_crawl: no index; name Parquet files of the columnar index in `index`")
        files = index_files(config.index, config.base[0], self._manners(), config.subsets)
        rows = find_records(files, self._wanted(), config.max_records)
        splits, skipped = make_splits(rows, config.max_page_bytes + HEAD_ROOM_BYTES, config.split_records, config.split_bytes)
        if not splits:
            left_out = f", {sum(skipped.values()):,} unusable ({', '.join(skipped)})" if skipped else ""
            raise ConfigError(
                f"read.common_crawl: nothing in the index ({len(files):,} files, the first is {files[0]}) is wanted{left_out}; check "
                "domains, hosts, url_prefixes, content_types, statuses and languages"
            )
        return with_skipped(splits, skipped)

    def read(self, split: Split, ledger: Ledger) -> Iterator[pa.Table]:
        """Fetch and read one split.

        Raises:
            DataError: none of its files is there, or something was lost and `on_damage` is `fail`.
            ResourceError: the server refuses, or gives no usable answer after all tries.
        """
        count_skipped(split.options, ledger)
        losses = _Losses(self._config.on_damage)
        batch = RowBatch(self.schema)
        for place, member, file in self._members(split):
            ledger.saw()
            try:
                num_more = MORE_TRIES if self._open().is_remote and len(losses) < MAX_LOST_ASKED_AGAIN else 0
                batch.add(self._row(file, place, member, num_more, ledger), place.length)
            except _LostError as loss:
                ledger.drop_unread(str(loss))
                ledger.count("lost_bytes", place.length)
                losses.add(file, place, str(loss))
            except (DropError, PayloadError) as error:
                ledger.drop_unread(str(error))
            yield from batch.full()
        losses.check(split, str(self._open()))
        yield from batch.rest()
        losses.report(ledger)

    def _wanted(self) -> Wanted:
        config = self._config
        prefixes = tuple(_prefix(text) for text in config.url_prefixes)
        return Wanted(
            config.domains, config.hosts, prefixes, tuple(kind.strip().lower() for kind in config.content_types), config.statuses,
            config.languages, config.primary_language_only, config.subsets,
        )  # fmt: skip

    def _manners(self) -> Manners:
        config = self._config
        patience = Patience(config.first_backoff_s, config.max_backoff_s, config.max_tries, config.max_refusals)
        return Manners(
            config.contact, config.connections, config.timeout_s, patience, config.s3_region, config.s3_endpoint, config.s3_anonymous
        )

    def _open(self) -> Archive:
        if self._archive is None:
            self._archive = open_archive(self._config.base[0], self._manners())
        return self._archive

    def _members(self, split: Split) -> Iterator[tuple[Place, bytes | str, str]]:
        """The bytes of every record of a split, or why there are none, with its file."""
        config = self._config
        ranges = [
            joined
            for file, places in places_of(split)
            for joined in join_ranges(file, places, config.max_gap_bytes, config.max_range_bytes)
        ]
        for asked, content in _fetch(self._open(), ranges):
            for place in asked.places:
                if isinstance(content, str):
                    yield place, content, asked.file
                    continue
                member = content[place.offset - asked.start : place.stop - asked.start]
                yield place, member if len(member) == place.length else "beyond_the_end", asked.file

    def _row(self, file: str, place: Place, member: bytes | str, num_more: int, ledger: Ledger) -> dict[str, Any]:
        """The page of a record, which is asked for `num_more` times again if it is not what the index says.

        Raises:
            _LostError: the record cannot be had.
            DropError, PayloadError: it becomes no page.
        """
        if isinstance(member, str):
            raise _LostError(member)
        for tries_left in range(num_more, -1, -1):
            record = self._check(member, place)
            try:
                if isinstance(record, Record):
                    return self._pages.row(record, file, ledger, f"sha1:{place.digest}" if place.digest else "")
                reason = record
            except OtherContentError as error:
                reason = str(error)
            if tries_left:
                (_, again), *_ = _fetch(self._open(), [Range(file, place.offset, place.stop, (place,))])
                member = again if isinstance(again, bytes) else b""
        raise _LostError(reason)

    def _check(self, member: bytes, place: Place) -> Record | str:
        """The record in the bytes that the index points at, or what is wrong with them."""
        max_block_bytes = self._config.max_page_bytes + HEAD_ROOM_BYTES
        record = record_of_member(member, place.offset, max_block_bytes)
        if record is None:
            pieces = list(walk_bytes(member, max_block_bytes))
            records = [piece for piece in pieces if isinstance(piece, Record)]
            if len(records) != 1 or records[0].offset or any(isinstance(piece, Gap) for piece in pieces):
                return "damaged_record"
            record = replace(records[0], offset=place.offset)
        if url_key(record.headers.get("warc-target-uri", "")) not in place.url_key.split():
            return "url_mismatch"
        return record


def _fetch(archive: Archive, ranges: Sequence[Range]) -> Iterator[tuple[Range, bytes | str]]:
    """Fetch ranges in order, in turns of bounded size; gives bytes, or the reason why there are none."""
    absent: set[str] = set()
    position = 0
    while position < len(ranges):
        fetched: list[tuple[Range, bytes | str]] = []
        size = 0
        with archive.turn():
            while position < len(ranges) and (not fetched or size + ranges[position].stop - ranges[position].start <= TURN_BYTES):
                asked = ranges[position]
                content: bytes | str = "no_such_file"
                if asked.file not in absent:
                    try:
                        content = archive.read_range(asked.file, asked.start, asked.stop)
                    except AbsentError as error:
                        content = str(error)
                        if content == "no_such_file":
                            absent.add(asked.file)
                fetched.append((asked, content))
                size += asked.stop - asked.start
                position += 1
        yield from fetched


class _LostError(Exception):
    """A record that the index promises and that cannot be had; the message is the reason."""


class _Losses:
    """What a split lost."""

    def __init__(self, on_damage: str) -> None:
        self._on_damage = on_damage
        self._lost: list[tuple[str, Place, str]] = []

    def __len__(self) -> int:
        return len(self._lost)

    def add(self, file: str, place: Place, reason: str) -> None:
        """Note a record.

        Raises:
            DataError: `on_damage` is `fail`.
        """
        self._lost.append((file, place, reason))
        if self._on_damage == "fail":
            raise DataError(
                f"{file}: byte {place.offset:,}: {reason}, {place.length:,} bytes lost; mend the mirror or the index, or set "
                "`on_damage: report` to keep what is sound"
            )

    def check(self, split: Split, base: str) -> None:
        """Refuse a split of which no file is there at all: then `base` is wrong, not the archive damaged.

        Raises:
            DataError: it is so.
        """
        if len(self._lost) == split.options["records"] and all(reason == "no_such_file" for _, _, reason in self._lost):
            raise DataError(f"{base}: has none of the {len(split.options['files']):,} files, the first is {self._lost[0][0]}; check `base`")

    def report(self, ledger: Ledger) -> None:
        """Hand one line to the ledger, if anything was lost."""
        if not self._lost or self._on_damage != "report":
            return
        file, place, reason = self._lost[0]
        ledger.damaged(
            f"{file}: byte {place.offset:,}: {reason}; {len(self._lost):,} records lost in all, which index and archive do not both have; "
            "mend the mirror or the index, or set `on_damage: accept`"
        )


def build(config: Config) -> CommonCrawlSource:
    """Build the source; reads nothing yet."""
    return CommonCrawlSource(config)
