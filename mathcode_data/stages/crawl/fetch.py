"""One request: bounded in every direction, to checked addresses only, redirects not followed.

aiohttp does the protocol. Its own decompression is off (it inflates a bomb of 1 MB to 300 MB), cookies and proxies too. A
body is held in memory up to 256 KB and on disk beyond, so two hundred open hosts cost no more than 50 MB.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

import aiohttp
from yarl import URL

from mathcode_data.stages.crawl.canonical import host_of
from mathcode_data.stages.crawl.guards import BlockedAddressError, CheckedResolver, guarded_sockets, is_literal, why_forbidden
from mathcode_data.stages.crawl.inflate import InflateError, Inflater
from mathcode_data.stages.crawl.limits import Limits

IN_MEMORY_BYTES = 256 << 10
CHUNK_BYTES = 64 << 10
ACCEPT = "text/html,application/xhtml+xml,text/plain;q=0.5,*/*;q=0.1"
ACCEPT_ENCODING = "gzip, deflate, br, zstd"


class FetchError(Exception):
    """A request without a usable answer; the message is the reason under which it is counted."""

    def __init__(self, reason: str, *, may_pass: bool, answer: Answer | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_pass = may_pass
        """Whether another try may help."""
        self.answer = answer
        """What came before the connection broke, where that is enough to be kept as truncated."""


@dataclass
class Answer:
    """What a host sent."""

    url: str
    status: int
    status_line: str
    headers: list[tuple[str, str]]
    request: bytes
    """Head of the request, as sent."""
    started_at: str
    """UTC, as in WARC-Date."""
    body: IO[bytes]
    """The bytes as sent, chunk lines taken away, at most `max_body`; rewound."""
    body_bytes: int = 0
    decoded_bytes: int = 0
    truncated: str = ""
    """WARC-Truncated: `length`, `disconnect`; empty for a whole body."""
    address: str = ""
    notes: list[str] = field(default_factory=list)

    def header(self, name: str) -> str:
        """First value of a header, "" if it was not sent."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def content_type(self) -> str:
        """Media type in lower case, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def read(self) -> bytes:
        """The stored bytes of the body."""
        self.body.seek(0)
        return self.body.read()

    def close(self) -> None:
        """Let the body go."""
        self.body.close()


class Fetcher:
    """Sends requests; an async context manager."""

    def __init__(
        self, limits: Limits, agent: str, folder: Path, *, allow_private: bool = False, resolve: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        """`folder` takes bodies that are too large for memory; `tls` is for a certificate authority of one's own."""
        self._limits, self._folder, self._allow_private = limits, folder, allow_private
        self._headers = {"User-Agent": agent, "Accept": ACCEPT, "Accept-Encoding": ACCEPT_ENCODING, "Accept-Language": "*"}
        self._resolver = CheckedResolver(allow_private=allow_private, fixed=resolve)
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Fetcher:
        connector = aiohttp.TCPConnector(
            resolver=self._resolver, use_dns_cache=False, limit=0, limit_per_host=1, ssl=self._tls or True,
            socket_factory=guarded_sockets(allow_private=self._allow_private), keepalive_timeout=15.0,
        )  # fmt: skip
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False, headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None), max_line_size=self._limits.max_url_characters * 4,
            max_field_size=min(self._limits.max_headers, 16 << 10), read_bufsize=CHUNK_BYTES,
        )  # fmt: skip
        # aiohttp sends a GET again, at once, when the connection breaks; no parameter turns that off (its own test client does this)
        self._session._retry_connection = False
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._session is not None, "the session was opened by __aenter__"
        await self._session.close()

    async def get(self, url: str, *, max_body: int | None = None, types: frozenset[str] | None = None) -> Answer:
        """Send one GET.

        Args:
            url: a canonical address.
            max_body: bytes to take, where that is another number than `limits.max_body`.
            types: media types whose body is read with status 200; None reads every body.

        Raises:
            FetchError: no answer, a broken one, or an address that may not be connected to.
        """
        host = host_of(url)
        reason = why_forbidden(host, allow_private=self._allow_private) if is_literal(host) else ""
        if reason:
            raise FetchError(reason, may_pass=False)
        try:
            async with asyncio.timeout(self._limits.page_timeout_s):
                return await self._get(url, max_body or self._limits.max_body, types)
        except BlockedAddressError as error:
            raise FetchError(str(error), may_pass=False) from error
        except TimeoutError as error:
            raise FetchError("timeout", may_pass=True) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failure(error) from error

    async def _get(self, url: str, max_body: int, types: frozenset[str] | None) -> Answer:
        assert self._session is not None, "use the fetcher as an async context manager"
        started = time.monotonic()
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        async with self._session.get(URL(url, encoded=True), allow_redirects=False) as response:
            headers = [(name.decode("latin-1"), value.decode("utf-8", "replace")) for name, value in response.raw_headers]
            if sum(len(name) + len(value) + 4 for name, value in headers) > self._limits.max_headers:
                response.close()
                raise FetchError("headers_too_large", may_pass=False)
            version = response.version or aiohttp.HttpVersion11
            answer = Answer(
                url, response.status, f"HTTP/{version.major}.{version.minor} {response.status} {response.reason or ''}".rstrip(), headers,
                _request_head(response), stamp, _spool(self._folder), address=_peer(response),
            )  # fmt: skip
            try:
                if response.status == 200 and types is not None and answer.content_type not in types:
                    response.close()  # the connection ends with it; that is cheaper than reading what is not wanted
                else:
                    await self._read(response, answer, started, max_body)
            except BaseException:
                answer.close()
                raise
        answer.body.seek(0)
        return answer

    async def _read(self, response: aiohttp.ClientResponse, answer: Answer, started: float, max_body: int) -> None:
        """Take the body up to a limit, counting what it decodes to."""
        try:
            inflater: Inflater | None = Inflater(answer.header("content-encoding"), self._limits.max_decoded, self._limits.max_ratio)
        except InflateError as error:
            inflater = None
            answer.notes.append(str(error))
        try:
            while chunk := await self._chunk(response, answer, started):
                room = max_body - answer.body_bytes
                answer.body.write(chunk[:room])
                answer.body_bytes += min(len(chunk), room)
                inflater = _count(inflater, chunk[:room], answer)
                if len(chunk) > room or (inflater is not None and inflater.is_stopped):
                    answer.truncated = "length"
                    response.close()
                    return
        except aiohttp.ClientPayloadError as error:
            response.close()
            if not answer.body_bytes:
                raise FetchError("body_broken", may_pass=True) from error
            answer.truncated = "disconnect"
            answer.body.seek(0)
            kept = Answer(**vars(answer) | {"body": _copy(answer.body, self._folder)})
            raise FetchError("body_broken", may_pass=True, answer=kept) from error

    async def _chunk(self, response: aiohttp.ClientResponse, answer: Answer, started: float) -> bytes:
        """The next bytes, within what the mean rate allows."""
        rate = self._limits.min_bytes_per_s
        if not rate:
            return await response.content.read(CHUNK_BYTES)
        allowed_s = max(self._limits.slow_start_s, answer.body_bytes / rate) - (time.monotonic() - started)
        try:
            async with asyncio.timeout(max(0.05, allowed_s)):
                return await response.content.read(CHUNK_BYTES)
        except TimeoutError as error:
            raise FetchError("too_slow", may_pass=True) from error


def _count(inflater: Inflater | None, chunk: bytes, answer: Answer) -> Inflater | None:
    """Count what a chunk decodes to; a coding that breaks off is noted and counted no further."""
    if inflater is None:
        return None
    try:
        for piece in inflater.feed(chunk):
            answer.decoded_bytes += len(piece)
    except InflateError as error:
        answer.notes.append(f"content coding: {error}"[:200])
        return None
    return inflater


def _spool(folder: Path) -> IO[bytes]:
    """A file without a name, in memory while it is small."""
    return cast(IO[bytes], tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=str(folder)))


def _copy(body: IO[bytes], folder: Path) -> IO[bytes]:
    """A body of its own for an answer that outlives its request."""
    copy = _spool(folder)
    while block := body.read(CHUNK_BYTES):
        copy.write(block)
    copy.seek(0)
    return copy


def _request_head(response: aiohttp.ClientResponse) -> bytes:
    info = response.request_info
    lines = [f"{info.method} {info.url.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in info.headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


def _peer(response: aiohttp.ClientResponse) -> str:
    transport: Any = response.connection.transport if response.connection is not None else None
    peer = transport.get_extra_info("peername") if transport is not None else None
    return str(peer[0]) if peer else ""


def _failure(error: Exception) -> FetchError:
    """Name what aiohttp raised."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BlockedAddressError):
            return FetchError(str(cause), may_pass=False)
        cause = cause.__cause__ or getattr(cause, "os_error", None) if cause is error else cause.__cause__
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return FetchError("tls", may_pass=False)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return FetchError("dns", may_pass=True)
    if isinstance(error, aiohttp.ClientConnectorError):
        return FetchError("connect", may_pass=True)
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL | ValueError):
        return FetchError("bad_http", may_pass=False)
    return FetchError("reset", may_pass=True)
