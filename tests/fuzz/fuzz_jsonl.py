"""JSON lines, plain and packed: every line is a document or a reason."""

import gzip

import zstandard

from support.fuzzing import scratch, written
from support.stages import run_source

NAMES = ("x.jsonl", "x.jsonl.gz", "x.jsonl.zst", "x.jsonl.gz")
PACK = (bytes, gzip.compress, zstandard.compress, bytes)


def seeds() -> list[bytes]:
    lines = b'{"id": 1, "text": "a b", "url": "http://a.example/"}\n{"text": "\\u6570 \\ud83d\\ude00", "n": [1.5, null, {"k": true}]}\n\n'
    return [bytes([mode]) + lines for mode in range(3)] + [b"\3" + gzip.compress(lines, mtime=0), b'\0{"text": "\\ud800"}\r\n{"text": 5}']


def read(data: bytes) -> None:
    mode = (data[0] if data else 0) % 4
    written("jsonl", NAMES[mode], PACK[mode](data[1:]))
    run_source("read.jsonl", scratch("jsonl"), paths=[NAMES[mode]])
