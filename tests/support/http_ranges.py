"""A server of a folder that answers byte ranges, on this machine."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class Served:
    """Where the folder is, and what was asked; `failures` more answers are 503, `ignores_ranges` gives whole files."""

    url: str = ""
    ranges: list[tuple[str, int, int]] = field(default_factory=list)
    failures: int = 0
    ignores_ranges: bool = False


@contextmanager
def serve(folder: Path) -> Iterator[Served]:
    served = Served()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, with_body: bool) -> None:
            path = folder / self.path.lstrip("/")
            if served.failures and with_body:
                served.failures -= 1
                return self._send(503, b"", with_body)
            if not path.is_file():
                return self._send(404, b"", with_body)
            content = path.read_bytes()
            match = None if served.ignores_ranges else RANGE.match(self.headers.get("Range", ""))
            if match is None:
                return self._send(200, content, with_body)
            start, stop = int(match[1]), int(match[2]) + 1 if match[2] else len(content)
            served.ranges.append((path.name, start, stop))
            return self._send(206, content[start:stop], with_body, f"bytes {start}-{stop - 1}/{len(content)}")

        def _send(self, code: int, body: bytes, with_body: bool, content_range: str = "") -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Accept-Ranges", "none" if served.ignores_ranges else "bytes")
            if content_range:
                self.send_header("Content-Range", content_range)
            self.end_headers()
            if with_body:
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
