"""Makes WARC files: sound ones, and the parts from which the tests put damaged ones together."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Sequence

import pytest


class WarcMaker:
    """Records as bytes; joined plain, or one gzip member each."""

    def digest(self, body: bytes) -> str:
        return "sha1:" + base64.b32encode(hashlib.sha1(body).digest()).decode()

    def record(self, number: int, block: bytes, kind: str = "response", length: str | None = "", **headers: str) -> bytes:
        lines = {
            "WARC-Type": kind,
            "WARC-Record-ID": f"<urn:uuid:{number:032x}>",
            "WARC-Date": "2026-01-02T03:04:05Z",
            "WARC-Target-URI": f"https://example.org/{number}",
            "Content-Type": "application/http; msgtype=response" if kind == "response" else "text/html",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if length is not None:
            lines["Content-Length"] = length or str(len(block))
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
        return b"WARC/1.0\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n"

    def http(self, body: bytes, status: str = "200 OK", content_type: str = "text/html; charset=utf-8", **headers: str) -> bytes:
        extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{extra}\r\n".encode() + body

    def page(self, number: int, text: str = "page", **headers: str) -> bytes:
        body = f"<html><body><p>{text} {number}</p></body></html>".encode() * 5
        return self.record(number, self.http(body), WARC_Payload_Digest=self.digest(body), **headers)

    def pages(self, count: int) -> list[bytes]:
        return [self.page(number) for number in range(count)]

    def gzip(self, records: Sequence[bytes]) -> bytes:
        return b"".join(gzip.compress(record, mtime=0) for record in records)


@pytest.fixture(scope="session")
def warc() -> WarcMaker:
    return WarcMaker()
