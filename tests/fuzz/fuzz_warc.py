"""WARC files, plain, gzip and Zstandard: whatever the damage, every byte is accounted for."""

import gzip
import io
import re

import zstandard
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from support.fuzzing import scratch, written
from support.stages import run_source

STAGE = "read.warc"
BODY = b"<html><body><p>The sum of two even numbers is even.</p></body></html>"


def archive(kind: str = "response") -> bytes:
    file = io.BytesIO()
    writer = WARCWriter(file, gzip=False)
    for number in range(3):
        headers = StatusAndHeaders(
            "200 OK", [("Content-Type", "text/html"), ("Transfer-Encoding", "chunked")][: 1 + (number == 2)], protocol="HTTP/1.1"
        )
        is_http = kind == "response"
        writer.write_record(writer.create_warc_record(
            f"http://a.example/{number}", kind, payload=io.BytesIO(BODY), length=len(BODY), http_headers=headers if is_http else None,
            warc_headers_dict={"WARC-Date": "2026-01-01T00:00:00Z", "WARC-Identified-Content-Language": "eng"},
            warc_content_type="" if is_http else "text/plain",
        ))  # fmt: skip
    return file.getvalue()


def packed(mode: int, content: bytes) -> tuple[str, bytes]:
    """The name and the bytes of a file: as they are, or with every record in a member of its own."""
    records = [part for part in re.split(rb"(?=WARC/1\.)", content) if part]
    if mode % 4 == 1:
        return "x.warc.gz", b"".join(gzip.compress(part, 1, mtime=0) for part in records)
    if mode % 4 == 2:
        return "x.warc.zst", b"".join(zstandard.compress(part) for part in records)
    return ("x.warc.gz" if mode % 4 == 3 else "x.warc"), content


def seeds() -> list[bytes]:
    plain = archive()
    return [bytes([mode]) + (packed(1, plain)[1] if mode == 3 else plain) for mode in range(4)]


def read(data: bytes) -> None:
    name, content = packed(data[0] if data else 0, data[1:])
    written(STAGE, name, content)
    run_source(STAGE, scratch(STAGE), paths=[name])
