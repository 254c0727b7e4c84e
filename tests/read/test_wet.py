"""read.wet: conversion records become texts with address, date and language; damage and digests as in read.warc."""

from __future__ import annotations

import gzip

import pytest
import zstandard

from mathcode_data.core.documents import TEXT_SCHEMA, document_id
from mathcode_data.core.errors import ConfigError, DataError
from support.stages import run_map, run_source

TEXT = "Sei x eine Zahl.\nDann gilt x² ≥ 0.\n"


def conversion(warc, number: int, text: str | bytes = TEXT, **headers) -> bytes:
    block = text.encode() if isinstance(text, str) else text
    values = {"WARC_Identified_Content_Language": "deu,eng", "WARC_Block_Digest": warc.digest(block), "Content_Type": "text/plain"}
    values |= {"WARC_Refers_To": f"<urn:uuid:{number + 500:032x}>"} | headers
    return warc.record(number, block, "conversion", **values)


def read(content: bytes, folder, name="a.warc.wet.gz", **values):
    (folder / name).write_bytes(content)
    return run_source("read.wet", folder, paths=[name], **values)


def test_a_text_bears_address_date_language_and_the_record_it_was_made_from(warc, tmp_path):
    content = warc.gzip([warc.record(0, b"x", "warcinfo"), conversion(warc, 7)])
    table, ledger = read(content, tmp_path)
    (row,) = table.to_pylist()
    offset, length = row.pop("warc_offset"), row.pop("warc_length")
    assert row == {
        "doc_id": document_id("wet", f"<urn:uuid:{7:032x}> https://example.org/7 2026-01-02T03:04:05Z {warc.digest(TEXT.encode())}"),
        "source": "wet",
        "url": "https://example.org/7",
        "text": TEXT,
        "language": "de",
        "refers_to": f"<urn:uuid:{507:032x}>",
        "warc_file": "a.warc.wet.gz",
        "payload_digest": warc.digest(TEXT.encode()),
        "fetched_at": "2026-01-02T03:04:05Z",
    }
    assert TEXT.encode() in gzip.decompress(content[offset : offset + length])
    assert [field for field in table.schema if field.name in TEXT_SCHEMA.names] == list(TEXT_SCHEMA)
    assert (ledger.counters.read, dict(ledger.counters.dropped), ledger.damage) == (2, {"warcinfo": 1}, [])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda w: conversion(w, 1, WARC_Block_Digest=w.digest(b"other")), "digest_mismatch"),
        (lambda w: conversion(w, 1, WARC_Payload_Digest=w.digest(b"other")), "digest_mismatch"),
        (lambda w: conversion(w, 1, " \n "), "empty_text"),
        (lambda w: conversion(w, 1, b"\xff\xfe" * 40), "not_utf8"),
        (lambda w: conversion(w, 1, "long" * 900), "too_large"),
        (lambda w: conversion(w, 1, Content_Type="application/json"), "not_text"),
        (lambda w: conversion(w, 1, WARC_Target_URI=None), "no_url"),
        (lambda w: conversion(w, 1, WARC_Identified_Content_Language="fra"), "other_language"),
        (lambda w: conversion(w, 1, WARC_Identified_Content_Language=None), "other_language"),
        (lambda w: w.page(1), "response"),
        (lambda w: w.record(1, b"x", "metadata"), "metadata"),
        (lambda w: conversion(w, 1, length="-1"), "bad_length"),
    ],
)
def test_a_record_that_is_no_text_is_dropped_under_its_reason(make, reason, warc, tmp_path):
    content = warc.gzip([conversion(warc, 0), make(warc), conversion(warc, 2)])
    table, ledger = read(content, tmp_path, languages=["de", "eng"], max_text_bytes=2000)
    assert dict(ledger.counters.dropped) == {reason: 1}
    assert table.num_rows == 2


def test_texts_are_normalised_and_what_was_replaced_is_counted(warc, tmp_path):
    bad = b"\xef\xbb\xbfa\x00\r\n" + b"word " * 60 + b"\xff"
    table, ledger = read(warc.gzip([conversion(warc, 1, bad, WARC_Block_Digest=None)]), tmp_path)
    assert table.column("text").to_pylist() == ["a\n" + "word " * 60 + "\ufffd"]
    assert dict(ledger.counters.facts) == {"texts_with_replacements": 1, "unverified_pages": 1}


@pytest.mark.parametrize("form", ["gzip", "plain", "zstd"])
def test_a_damaged_file_is_read_on_after_the_tear(form, warc, tmp_path):
    records = [conversion(warc, number, TEXT * 3) for number in range(6)]
    compress = {
        "gzip": lambda r: gzip.compress(r, mtime=0),
        "plain": bytes,
        "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    }[form]
    members = [compress(record) for record in records]
    half = len(members[2]) * 7 // 8  # in the block, also where nothing is compressed
    members[2] = members[2][:half] + bytes(byte ^ 0xFF for byte in members[2][half : half + 30]) + members[2][half + 30 :]
    table, ledger = read(b"".join(members), tmp_path, {"gzip": "a.wet.gz", "plain": "a.wet", "zstd": "a.wet.zst"}[form])
    assert [url[-1] for url in table.column("url").to_pylist()] == ["0", "1", "3", "4", "5"]
    if form == "plain":
        assert dict(ledger.counters.dropped) == {"digest_mismatch": 1}, "a plain file has no checksum but the digest"
        assert "a record whose bytes do not have the digest that its header names" in ledger.damage[0]
        return
    assert ledger.counters.facts["lost_bytes"] == len(members[2])
    (line,) = ledger.damage
    assert "3 records read after it" in line
    with pytest.raises(DataError, match="on_damage"):
        read(b"".join(members), tmp_path, on_damage="fail")


def test_files_of_other_kinds_are_refused_in_words(tmp_path):
    with pytest.raises(DataError, match="holds no WARC record"):
        read(b"<html>moved</html>", tmp_path)
    (tmp_path / "none").mkdir()
    with pytest.raises(ConfigError, match=r"no WET files"):
        run_source("read.wet", tmp_path, paths="none")


def test_a_real_file_is_read_and_its_text_can_be_scored(shared_data, tmp_path):
    for name in ("whirlwind.warc.wet.gz", "whirlwind.warc.wet"):
        table, ledger = run_source("read.wet", tmp_path, paths=[str(shared_data / "warc/whirlwind" / name)])
        (row,) = table.to_pylist()
        assert (row["url"], row["language"], row["fetched_at"]) == ("https://an.wikipedia.org/wiki/Escopete", "es", "2024-05-18T01:58:10Z")
        assert row["text"].startswith("Escopete - Biquipedia")
        assert row["refers_to"] == "<urn:uuid:2aabeff2-67f5-4608-8466-e87c6296e2b6>"
        assert ledger.damage == []
        scored, _ = run_map("score.quality", table)
        assert scored.num_rows == 1
