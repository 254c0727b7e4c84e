"""Content codings: what comes out is bounded, whatever goes in."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.crawl.inflate import InflateError, Inflater

CODINGS = {
    "gzip": lambda data: gzip.compress(data, 1),
    "deflate": lambda data: zlib.compress(data, 1),
    "br": lambda data: brotli.compress(data, quality=1),
    "zstd": zstandard.ZstdCompressor().compress,
    "gzip, gzip": lambda data: gzip.compress(gzip.compress(data, 1), 1),
    "br, gzip": lambda data: gzip.compress(brotli.compress(data, quality=1), 1),
    "identity": bytes,
    "": bytes,
}
CAP = 4 << 20


def out(inflater: Inflater, data: bytes, step: int = 1000) -> bytes:
    return b"".join(piece for at in range(0, len(data), step) for piece in inflater.feed(data[at : at + step]))


@pytest.mark.parametrize("coding", CODINGS)
@given(st.binary(max_size=5000), st.integers(1, 700))
def test_every_coding_is_undone_in_steps_of_any_size(coding: str, data: bytes, step: int):
    assert out(Inflater(coding, CAP, 10_000), CODINGS[coding](data), step) == data


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_a_bomb_stops_at_the_cap_and_holds_no_memory(coding: str):
    data = CODINGS[coding](b"\0" * (40 << 20))
    inflater = Inflater(coding, CAP, 10**9)
    tracemalloc.start(1)
    size = sum(len(piece) for at in range(0, len(data), 4096) for piece in inflater.feed(data[at : at + 4096]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == CAP == inflater.size
    assert inflater.is_stopped
    assert peak < 8 << 20, f"{peak:,} bytes at once"


def test_a_ratio_above_200_stops_it_before_the_cap():
    inflater = Inflater("gzip", 100 << 20, 200)
    size = len(out(inflater, gzip.compress(b"\0" * (50 << 20))))
    assert inflater.is_stopped
    assert size < 5 << 20


def test_a_small_repetitive_page_is_no_bomb():
    body = b"<p>x</p>" * 50_000
    assert out(Inflater("gzip", CAP, 200), gzip.compress(body, 9)) == body


def test_bytes_behind_the_end_are_ignored_and_further_members_are_not():
    assert out(Inflater("gzip", CAP, 200), gzip.compress(b"one") + b"garbage") == b"one"
    assert out(Inflater("gzip", CAP, 200), gzip.compress(b"one") + gzip.compress(b"two")) == b"onetwo"


def test_a_plain_body_that_claims_to_be_coded_is_taken_as_it_is():
    for coding in ("gzip", "br", "zstd", "deflate"):
        inflater = Inflater(coding, CAP, 200)
        assert out(inflater, b"<!DOCTYPE html><p>plain</p>") == b"<!DOCTYPE html><p>plain</p>", coding


def test_a_coding_that_breaks_off_is_told():
    data = bytearray(gzip.compress(bytes(range(256)) * 4000, 1))
    data[len(data) // 2] ^= 255
    with pytest.raises(InflateError):
        out(Inflater("gzip", CAP, 10_000), bytes(data))


@pytest.mark.parametrize("coding", ["compress", "gzip, gzip, gzip, gzip", "x-unknown"])
def test_unknown_and_endless_codings_are_refused(coding: str):
    with pytest.raises(InflateError):
        Inflater(coding, CAP, 200)
