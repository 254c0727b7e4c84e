"""Byte ranges over HTTP: one connection, kept open while we have our turn, every answer bounded and checked to be what was asked for.

Plain `http.client`: one request at a time needs no event loop, and nothing here follows a redirect, sends a request again by
itself or undoes a coding.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit

from mathcode_data.core.errors import ConfigError
from mathcode_data.stages.contact import user_agent
from mathcode_data.stages.crawl.politeness import retry_after_s
from mathcode_data.stages.read.common_crawl_patience import (
    MAX_RETRY_AFTER_S,
    Answer,
    AskAgainError,
    Patience,
    Trouble,
    Turns,
    ask_patiently,
)

CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/(?:[0-9]{1,18}|\*)")
TROUBLE: dict[int, Trouble] = {403: "refused", 429: "busy", 503: "busy", 408: "broken", 500: "broken", 502: "broken", 504: "broken"}
MAX_WHOLE_BYTES = 64 << 20
"""A server that knows no ranges may send files up to this size whole."""
PIECE_BYTES = 256 << 10


class AbsentError(Exception):
    """No such file, or none of the bytes asked for; the message is the reason under which its records are counted."""


class HttpArchive:
    """Files below an address, read by byte ranges."""

    is_remote = True

    def __init__(self, base: str, contact: str, patience: Patience, turns: Turns, timeout_s: float) -> None:
        self._address = urlsplit(base if base.endswith("/") else base + "/")
        self._base = base
        self._headers = {"User-Agent": user_agent(contact, "read.common_crawl"), "Accept": "*/*", "Accept-Encoding": "identity"}
        self._patience, self._turns, self._timeout_s = patience, turns, timeout_s
        self._connection: http.client.HTTPConnection | None = None
        self._whole: tuple[str, bytes] = ("", b"")
        self.num_requests = 0

    def __str__(self) -> str:
        return self._base

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the right to ask; the connection ends with it, so that processes together have no more than they may."""
        with self._turns.take():
            try:
                yield
            finally:
                self._close()

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """The bytes start..stop-1 of a file, fewer if it ends before. To be called within `turn`.

        Raises:
            AbsentError: no such file, or it ends before `start`.
            ResourceError: no usable answer after all tries.
            ConfigError: an answer that more tries do not mend.
        """
        if self._whole[0] == name:
            return self._part(self._whole[1], start, stop)
        return self._patiently(name, lambda: self._get(name, start, stop))

    def size(self, name: str) -> int:
        """Bytes of a file. To be called within `turn`."""
        return self._patiently(name, lambda: self._head(name))

    def _patiently(self, name: str, ask: Callable[[], Answer]) -> Answer:
        return ask_patiently(ask, f"{self._base.rstrip('/')}/{name}", self._patience, self._turns)

    def _head(self, name: str) -> int:
        with self._request("HEAD", name, {}) as response:
            if response.status != 200:
                raise self._failure(response, name)
            response.read()  # nothing, and lets the connection be used again
            length = response.getheader("Content-Length", "")
        if not length.isdigit():
            raise ConfigError(
                f"{self._base}: {name}: the server does not say how large the file is (no Content-Length); use another `base`"
            )
        return int(length)

    def _get(self, name: str, start: int, stop: int) -> bytes:
        with self._request("GET", name, {"Range": f"bytes={start}-{stop - 1}"}) as response:
            if response.status == 206:
                match = CONTENT_RANGE.fullmatch(response.getheader("Content-Range", "").strip())
                if match is None or int(match[1]) != start or not start <= int(match[2]) < stop:
                    raise AskAgainError(f"bytes {start:,} to {stop - 1:,} were asked for and others came", "broken")
                return self._body(response, int(match[2]) + 1 - start)
            if response.status == 200:
                length = response.getheader("Content-Length", "")
                if not length.isdigit() or int(length) > MAX_WHOLE_BYTES:
                    raise ConfigError(
                        f"{self._base}: {name}: the server does not answer byte ranges, and the file is large; use another `base`"
                    )
                self._whole = (name, self._body(response, int(length)))
                return self._part(self._whole[1], start, stop)
            raise self._failure(response, name)

    @contextmanager
    def _request(self, method: str, name: str, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
        """Send a request; what breaks on the way, also while the body is read, becomes AskAgainError.

        A timer ends the connection when the time is over: a time-out of the socket alone would let a server go on for ever
        that sends a byte now and then.
        """
        is_late = threading.Event()
        timer: threading.Timer | None = None
        try:
            connection = self._connect()
            line = self._address.path + quote(name, safe="/=~:@!$&'()*+,;%")
            self.num_requests += 1
            timer = threading.Timer(self._timeout_s, _end, (connection.sock, is_late))
            timer.daemon = True
            timer.start()
            connection.request(method, line, headers=self._headers | headers)
            response = connection.getresponse()
            yield response
            if response.status not in (200, 206):
                self._close()
        except ssl.SSLCertVerificationError as error:  # more tries mend nothing
            self._close()
            raise ConfigError(
                f"{self._base}: the server's certificate is not trusted ({error.verify_message}); check the address in `base`, and the "
                "certificates of this machine (SSL_CERT_FILE names others)"
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._close()
            why = f"no whole answer within {self._timeout_s:g} s" if is_late.is_set() else f"the connection broke ({_say(error)})"
            raise AskAgainError(why, "broken") from error
        except BaseException:
            self._close()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is None:
            host, port = self._address.hostname or "", self._address.port
            timeout_s = min(30.0, self._timeout_s)
            if self._address.scheme == "http":
                connection: http.client.HTTPConnection = http.client.HTTPConnection(host, port, timeout=timeout_s)
            else:
                proxy = "" if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get("https", "")
                way = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
                connection = http.client.HTTPSConnection(way.hostname if proxy else host, way.port if proxy else port, timeout=timeout_s)  # type: ignore[arg-type]
                if proxy:
                    connection.set_tunnel(host, port)
            connection.connect()
            self._connection = connection
        return self._connection

    def _body(self, response: http.client.HTTPResponse, num_bytes: int) -> bytes:
        parts: list[bytes] = []
        left = num_bytes
        while left and (part := response.read1(min(left, PIECE_BYTES))):
            parts.append(part)
            left -= len(part)
        if left:
            raise ConnectionError(f"{num_bytes - left:,} of {num_bytes:,} bytes came")
        if response.read(1):  # and lets the connection be used again
            raise ConnectionError(f"more than {num_bytes:,} bytes came")
        return b"".join(parts)

    def _part(self, content: bytes, start: int, stop: int) -> bytes:
        if start >= len(content):
            raise AbsentError("beyond_the_end")
        return content[start:stop]

    def _failure(self, response: http.client.HTTPResponse, name: str) -> Exception:
        """What a status means that brings no content."""
        status = response.status
        if status in (404, 410):
            return AbsentError("no_such_file")
        if status == 416:
            return AbsentError("beyond_the_end")
        if status in TROUBLE:
            wait_s = retry_after_s(response.getheader("Retry-After"), time.time(), MAX_RETRY_AFTER_S)
            return AskAgainError(f"HTTP status {status}", TROUBLE[status], wait_s)
        to = f" to {response.getheader('Location')}" if 300 <= status < 400 else ""
        return ConfigError(f"{self._base}: {name}: HTTP status {status}{to}; put the address of the files themselves in `base`")

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _end(sock: socket.socket | None, is_late: threading.Event) -> None:
    is_late.set()
    if sock is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _say(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
