"""A web site on loopback that does everything wrong on request, byte by byte, and writes its own log.

One threaded server plays all hosts by the Host header. A route is bytes that are sent as they are, or a function that is
given the connection and does what it likes with it. The log says when each request came and when its answer was out.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\nnot found"
SEND_TIMEOUT_S = 15.0


@dataclass
class Request:
    """A request as it came, and when (monotonic clock of the server)."""

    host: str
    path: str
    head: str
    started: float
    ended: float = 0.0


Route = bytes | Callable[[socket.socket, Request], Any]


def answer(body: bytes | str, status: str = "200 OK", content_type: str = "text/html; charset=utf-8", **headers: str) -> bytes:
    """A whole, sound answer; `x_robots_tag="noai"` becomes the header X-Robots-Tag."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def page(title: str, *links: str, text: str = "") -> bytes:
    """A page of prose with links."""
    prose = text or f"{title} is a page of this site. " + " ".join(f"{title} {word}" for word in PROSE.split())
    anchors = "".join(f'<li><a href="{link}">{link}</a></li>' for link in links)
    return answer(f"<!DOCTYPE html><html lang=en><title>{title}</title><h1>{title}</h1><p>{prose}</p><ul>{anchors}</ul></html>")


PROSE = (
    "a proof begins with what is given and ends with what was to be shown and between both every step follows from one before it so that "
    "a reader who doubts can stop at any line and ask why"
)


def redirect(location: str, status: int = 301) -> bytes:
    return answer(b"", f"{status} Moved", location=location)


@dataclass
class HostileSite:
    """Routes by `host/path` or by `/path` for every host; without one the answer is 404."""

    routes: dict[str, Route] = field(default_factory=dict)
    log: list[Request] = field(default_factory=list)
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def paths(self, host: str = "") -> list[str]:
        """Paths that were asked for, in order."""
        return [request.path for request in self.log if not host or request.host == host]

    def serve_connection(self, connection: socket.socket) -> None:
        connection.settimeout(SEND_TIMEOUT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = b""
        with connection:
            while True:
                while b"\r\n\r\n" not in buffer:
                    try:
                        data = connection.recv(65536)
                    except OSError:
                        return
                    if not data:
                        return
                    buffer += data
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                request = self._note(head.decode("latin-1"))
                try:
                    if not self._respond(connection, request):
                        return
                except OSError:
                    return
                finally:
                    request.ended = request.ended or time.monotonic()

    def _note(self, head: str) -> Request:
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        request = Request(headers.get("host", "").rpartition(":")[0], first.split()[1], head, time.monotonic())
        with self._lock:
            self.log.append(request)
        return request

    def _respond(self, connection: socket.socket, request: Request) -> bool:
        """Send the answer; False ends the connection."""
        path = request.path.partition("?")[0]
        names = (request.host + request.path, request.path, request.host + path, path, request.host + "*", "*")
        route = next((self.routes[name] for name in names if name in self.routes), NOT_FOUND)
        if isinstance(route, bytes):
            request.ended = time.monotonic()  # not behind the last byte: this thread may be slower than the client's next request
            connection.sendall(route)
            return b"content-length:" in route.partition(b"\r\n\r\n")[0].lower()
        result = route(connection, request)
        if isinstance(result, bytes):
            request.ended = time.monotonic()
            connection.sendall(result)
            return True
        return False


@contextmanager
def hostile_site(
    routes: dict[str, Route] | None = None, wrap: Callable[[socket.socket], socket.socket] | None = None, address: str = "127.0.0.1"
) -> Iterator[HostileSite]:
    """Serve until the block ends; `wrap` may put TLS around a connection."""
    site = HostileSite(dict(routes or {}))
    listener = socket.create_server((address, 0), backlog=64)
    listener.settimeout(0.05)
    site.port = listener.getsockname()[1]
    stop = threading.Event()

    def serve(connection: socket.socket) -> None:
        try:
            site.serve_connection(wrap(connection) if wrap else connection)
        except OSError:
            connection.close()

    def accept() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                continue
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        stop.set()
        thread.join()
        listener.close()


def assert_polite(site: HostileSite, delay_s: float) -> None:
    """Prove from the server's log: one request of a host at a time, and starts no closer than the pause."""
    for host in {request.host for request in site.log}:
        requests = sorted((request for request in site.log if request.host == host), key=lambda request: request.started)
        for before, after in itertools.pairwise(requests):
            assert before.ended, f"{host}: {after.path} came while {before.path} was being answered"
            assert after.started >= before.ended, f"{host}: {after.path} came while {before.path} was being answered"
            gap = after.started - before.started
            assert gap >= delay_s, f"{host}: {after.path} came {gap:.4f} s after {before.path}, the pause is {delay_s} s"
