"""Content codings of web pages: what comes out is bounded."""

import gzip
import zlib

import brotli
import zstandard

from mathcode_data.stages.crawl.inflate import InflateError, Inflater

CODINGS = ("gzip", "deflate", "br", "zstd", "gzip, br", "identity", "x-gzip, zstd")
MAX_BYTES = 1 << 20


def seeds() -> list[bytes]:
    text = b"The sum of two even numbers is even. " * 20
    return [
        b"\0" + gzip.compress(text, mtime=0), b"\1" + zlib.compress(text), b"\2" + brotli.compress(text), b"\3" + zstandard.compress(text),
        b"\4" + brotli.compress(gzip.compress(text, mtime=0)), b"\0" + gzip.compress(b"\0" * 300_000, mtime=0),
    ]  # fmt: skip


def read(data: bytes) -> None:
    total = 0
    try:
        inflater = Inflater(CODINGS[(data[0] if data else 0) % len(CODINGS)], MAX_BYTES, 200)
        for at in range(1, len(data), 500):
            for piece in inflater.feed(data[at : at + 500]):
                total += len(piece)
    except InflateError:
        pass  # it says why the page is given up
    assert total <= MAX_BYTES + (1 << 17), f"{total:,} bytes came out"
