"""WET files: records of text, plain, gzip and Zstandard."""

import gzip
import re

import zstandard

from support.fuzzing import scratch, written
from support.stages import run_source

RECORD = (
    b"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: http://a.example/%d\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
    b"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-00000000000%d>\r\nWARC-Identified-Content-Language: eng,zho\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 30\r\n\r\nThe sum of two even numbers is\r\n\r\n"
)
PACK = (None, gzip.compress, zstandard.compress, None)


def seeds() -> list[bytes]:
    plain = b"".join(RECORD % (number, number) for number in range(3))
    return [bytes([mode]) + plain for mode in range(3)] + [b"\x03" + gzip.compress(plain, mtime=0)]


def read(data: bytes) -> None:
    mode, content = (data[0] if data else 0) % 4, data[1:]
    pack = PACK[mode]
    if pack is not None:
        content = b"".join(pack(part) for part in re.split(rb"(?=WARC/1\.)", content) if part)
    name = ("x.warc.wet", "x.warc.wet.gz", "x.warc.wet.zst", "x.warc.wet.gz")[mode]
    written("wet", name, content)
    run_source("read.wet", scratch("wet"), paths=[name])
