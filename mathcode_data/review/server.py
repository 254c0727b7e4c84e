"""A small server on loopback for one person: the page, its data, and the acts.

Whoever is to be answered knows the token in the address; the `Host` must be loopback (a page elsewhere that points its name
here is refused), an act must come as JSON from the page itself. Every answer forbids what the page does not need.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import orjson

from mathcode_data.core.errors import MathcodeError
from mathcode_data.review.candidates import Review
from mathcode_data.review.page import page

ADDRESS = "127.0.0.1"
MAX_BODY_BYTES = 10_000
TIMEOUT_S = 30.0


class ReviewServer(ThreadingHTTPServer):
    """Serves one review."""

    daemon_threads = True

    def __init__(self, review: Review, title: str, port: int = 0) -> None:
        """Listen on loopback; port 0 takes a free one."""
        super().__init__((ADDRESS, port), _Handler)
        self.review, self.title = review, title
        self.token, self.nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(18)
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{ADDRESS}:{self.server_address[1]}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    timeout = TIMEOUT_S
    server_version = "mathcode-data"
    sys_version = ""

    def do_GET(self) -> None:
        """The page, its rows, or the samples of a row."""
        way = self._way()
        if way is None:
            return
        review = self.server.review
        if way == "":
            self._send(200, page(self.server.title, self.server.nonce).encode(), "text/html; charset=utf-8")
        elif way == "rows":
            self._answer(lambda: {"rows": review.rows(), "state": review.state(), "file": str(review.file)})
        elif way.startswith("samples/") and (number := self._row(way.removeprefix("samples/"))) is not None:
            self._answer(lambda: review.samples(number))
        else:
            self._refuse(404, "nothing here")

    def do_POST(self) -> None:
        """An act."""
        way = self._way()
        if way is None:
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self._refuse(413, "a body of at most 10,000 bytes, with its length")
            return
        body = self.rfile.read(int(length))
        origin = self.headers.get("Origin")
        if self.headers.get("Content-Type") != "application/json" or origin not in (None, f"http://{self.headers.get('Host')}"):
            self._refuse(403, "acts come as JSON from the page itself")
            return
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError:
            data = None
        if way == "undo":
            self._answer(lambda: {"row": self.server.review.undo(), "state": self.server.review.state()})
            return
        number = self._row(str(data.get("row"))) if isinstance(data, dict) else None
        if way != "act" or number is None or data.get("decision") not in ("accept", "reject", "clear"):
            self._refuse(400, 'an act is {"row": 0, "decision": "accept"}')
            return

        def act() -> dict[str, Any]:
            self.server.review.act(number, data["decision"])
            return {"row": number, "state": self.server.review.state()}

        self._answer(act)

    def _way(self) -> str | None:
        """What is asked for behind the token; answers by itself where nothing is given."""
        host = self.headers.get("Host", "")
        port = self.server.server_address[1]
        if host not in (f"{ADDRESS}:{port}", f"localhost:{port}"):
            self._refuse(403, "this server answers on loopback only")
            return None
        token, _, way = urlsplit(self.path).path.removeprefix("/").partition("/")
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(403, "the address needs the token that the command printed")
            return None
        return way

    def _row(self, text: str) -> int | None:
        number = int(text) if text.isdecimal() and len(text) < 10 else -1
        return number if 0 <= number < len(self.server.review.rows()) else None

    def _answer(self, make: Any) -> None:
        with self.server.lock:
            try:
                status, data = 200, make()
            except MathcodeError as error:
                status, data = 409, {"error": str(error)}
        self._send(status, orjson.dumps(data), "application/json")

    def _refuse(self, status: int, why: str) -> None:
        self._send(status, orjson.dumps({"error": why}), "application/json")

    def _send(self, status: int, content: bytes, kind: str) -> None:
        nonce = self.server.nonce
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind), ("Content-Length", str(len(content))), ("Content-Security-Policy", policy),
            ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"),
            ("Cross-Origin-Resource-Policy", "same-origin"), ("X-Frame-Options", "DENY"),
        ):  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the token stands in every line."""
