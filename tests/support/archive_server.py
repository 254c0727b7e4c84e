"""A small Common Crawl on this machine: WARC files with their columnar index, and a server of byte ranges that misbehaves on demand."""

from __future__ import annotations

import email.utils
import hashlib
import itertools
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from mathcode_data.stages.read.http_payload import parse_response, payload_digest
from mathcode_data.stages.read.salvage import Record, walk_archive

RANGE = re.compile(r"bytes=(\d+)-(\d+)$")
INDEX_SCHEMA = pa.schema(
    [
        ("url_surtkey", pa.string()), ("url", pa.string()), ("url_host_name", pa.string()), ("url_host_tld", pa.string()),
        ("url_host_registered_domain", pa.string()), ("url_host_name_reversed", pa.string()), ("url_protocol", pa.string()),
        ("url_path", pa.string()), ("url_query", pa.string()), ("fetch_time", pa.timestamp("ms")), ("fetch_status", pa.int16()),
        ("content_digest", pa.string()), ("content_mime_type", pa.string()), ("content_mime_detected", pa.string()),
        ("content_charset", pa.string()), ("content_languages", pa.string()), ("warc_filename", pa.string()),
        ("warc_record_offset", pa.int32()), ("warc_record_length", pa.int32()), ("warc_segment", pa.string()),
    ]
)  # fmt: skip
"""As in cc-index-table, without the columns that nothing here looks at."""


def index_rows(folder: Path) -> list[dict[str, Any]]:
    """One row for every response of the WARC files below a folder, as Common Crawl's indexer writes it."""
    rows = []
    for path in sorted(folder.rglob("*.warc*")):
        for piece in walk_archive(path, 64 << 20):
            if isinstance(piece, Record) and piece.headers.get("warc-type") == "response" and piece.length and piece.block:
                rows.append(index_row(piece, str(path.relative_to(folder))))
    return sorted(rows, key=lambda row: row["url_surtkey"])


def index_row(record: Record, name: str) -> dict[str, Any]:
    url = record.headers.get("warc-target-uri", "").strip("<>")
    parts = urlsplit(url)
    host = parts.hostname or ""
    response = parse_response(record.block or b"")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    digest = record.headers.get("warc-payload-digest") or payload_digest(response.body)
    back = ",".join(reversed(host.split(".")))
    return {
        "url_surtkey": f"{back}){parts.path}",
        "url": url,
        "url_host_name": host,
        "url_host_tld": host.rpartition(".")[2],
        "url_host_registered_domain": ".".join(host.split(".")[-2:]),
        "url_host_name_reversed": back.replace(",", "."),
        "url_protocol": parts.scheme,
        "url_path": parts.path or "/",
        "url_query": parts.query or None,
        "fetch_status": response.status,
        "content_digest": digest.removeprefix("sha1:"),
        "content_mime_type": kind,
        "content_mime_detected": record.headers.get("warc-identified-payload-type") or kind,
        "content_languages": record.headers.get("x-languages"),
        "warc_filename": name,
        "warc_record_offset": record.offset,
        "warc_record_length": record.length,
        "warc_segment": "0",
    }


def write_index(path: Path, rows: list[dict[str, Any]], row_group_size: int = 4) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, INDEX_SCHEMA), path, row_group_size=row_group_size)
    return path


@dataclass
class Seen:
    """A request as the server saw it."""

    method: str
    path: str
    start: int
    stop: int
    at: float
    until: float = 0.0
    agent: str = ""


@dataclass
class ArchiveServer:
    """`faults` are what the next answers to ranges do, first to last: a name below, or `status` or `status:Retry-After`."""

    folder: Path
    url: str = ""
    faults: list[str] = field(default_factory=list)
    delay_s: float = 0.0
    bucket: str = ""
    """Name of a bucket that the folder stands for, where the server plays S3."""
    tls: ssl.SSLContext | None = None
    """Certificate and key of `localhost`, for https://."""
    seen: list[Seen] = field(default_factory=list)

    def ranges(self) -> list[tuple[str, int, int]]:
        return [(one.path, one.start, one.stop) for one in self.seen if one.method == "GET"]

    def overlaps(self, at_least_s: float) -> int:
        """How many requests were answered at the same time as the one before, for longer than that."""
        ordered = sorted(self.seen, key=lambda one: one.at)
        return sum(one.until - other.at > at_least_s for one, other in itertools.pairwise(ordered))


@contextmanager
def serve_archive(folder: Path, **values: Any) -> Iterator[ArchiveServer]:
    state = ArchiveServer(folder, **values)

    class Handler(_Handler):
        site = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    if state.tls is not None:
        server.socket = state.tls.wrap_socket(server.socket, server_side=True)
        state.url = f"https://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes, and would wait for each other's acknowledgement
    site: ArchiveServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        match = RANGE.match(self.headers.get("Range", ""))
        span = (int(match[1]), int(match[2]) + 1) if match else (0, -1)
        seen = Seen(self.command, unquote(self.path).lstrip("/"), *span, time.monotonic())
        seen.agent = self.headers.get("User-Agent", "")
        self.site.seen.append(seen)
        if self.site.delay_s:
            time.sleep(self.site.delay_s)
        fault = self.site.faults.pop(0) if self.site.faults and self.command == "GET" else ""
        seen.until = time.monotonic()  # not behind the last byte: this thread may be slower than the client's next request
        try:
            self._reply(seen, match, fault)
        except OSError:
            self.close_connection = True

    def _reply(self, seen: Seen, match: re.Match[str] | None, fault: str) -> None:
        status, _, wait = fault.partition(":")
        if status.isdigit():
            return self._send(int(status), b"", **({"Retry-After": wait} if wait else {}))
        if fault == "reset":
            self.close_connection = True
            return None
        path = self.site.folder / seen.path.removeprefix(f"{self.site.bucket}/" if self.site.bucket else "")
        if not path.is_file():
            return self._send(404, b"")
        size = path.stat().st_size
        if match is None or fault == "whole":
            return self._send(200, path.read_bytes())
        if seen.start >= size:
            return self._send(416, b"")
        with path.open("rb") as file:
            file.seek(seen.start)
            body = file.read(seen.stop - seen.start)
        place = {"Content-Range": f"bytes {seen.start}-{seen.start + len(body) - 1}/{size}"}
        if fault == "other_range":
            place = {"Content-Range": f"bytes {seen.start + 1}-{seen.start + len(body)}/{size}"}
        elif fault == "wrong_bytes":
            body = bytes(byte ^ 0x55 for byte in body)
        elif fault == "cut":
            self._send(206, body, cut=len(body) // 2, **place)
            return None
        elif fault == "slow":
            return self._drip(body, place)
        return self._send(206, body, **place)

    def _drip(self, body: bytes, place: dict[str, str]) -> None:
        self._send(206, body, cut=1, **place)
        for at in range(1, 60):
            self.wfile.write(body[at : at + 1])
            self.wfile.flush()
            time.sleep(0.05)

    def _send(self, code: int, body: bytes, cut: int | None = None, **headers: str) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", email.utils.formatdate(0, usegmt=True))
        self.send_header("ETag", f'"{hashlib.md5(body).hexdigest()}"')
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if cut is not None:
            self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
