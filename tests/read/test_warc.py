"""read.warc: which records become pages, under which reasons others are dropped, and what is said about damage."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.documents import PAGE_SCHEMA, document_id
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.plugins import load_plugin
from support.stages import make_config, run_source

BODY = b"<html><body><p>Let x be a number.</p></body></html>"


def read(content: bytes, folder, name="a.warc.gz", **values):
    """Run the stage on one file of these bytes."""
    (folder / name).write_bytes(content)
    return run_source("read.warc", folder, paths=[name], **values)


def dropped(ledger):
    return dict(ledger.counters.dropped)


def test_a_page_bears_where_it_came_from(warc, tmp_path):
    content = warc.gzip([warc.record(0, b"x", "warcinfo"), warc.record(7, warc.http(BODY), WARC_Payload_Digest=warc.digest(BODY))])
    table, ledger = read(content, tmp_path)
    assert table.schema == PAGE_SCHEMA
    (page,) = table.to_pylist()
    offset, length = page.pop("warc_offset"), page.pop("warc_length")
    assert page == {
        "doc_id": document_id("web", f"<urn:uuid:{7:032x}> https://example.org/7 2026-01-02T03:04:05Z {warc.digest(BODY)}"),
        "source": "web",
        "url": "https://example.org/7",
        "content": BODY,
        "content_type": "text/html; charset=utf-8",
        "warc_file": "a.warc.gz",
        "payload_digest": warc.digest(BODY),
        "fetched_at": "2026-01-02T03:04:05Z",
        "http_status": 200,
    }
    assert BODY in gzip.decompress(content[offset : offset + length])
    assert ledger.counters.read == 2
    assert dropped(ledger) == {"warcinfo": 1}
    assert ledger.damage == []


def test_renaming_a_file_renames_no_page(warc, tmp_path):
    first, _ = read(warc.gzip(warc.pages(3)), tmp_path, "a.warc.gz")
    second, _ = read(b"".join(warc.pages(3)), tmp_path, "b.warc")
    assert first.column("doc_id") == second.column("doc_id")


@pytest.mark.parametrize("digest", [None, "", "blake3:AAAA", "none:AAAA"])
def test_pages_to_which_a_writer_gave_one_record_id_have_ids_of_their_own_and_the_same_page_twice_has_one(digest, warc, tmp_path):
    def page(text):
        return warc.record(1, warc.http(text), **({} if digest is None else {"WARC_Payload_Digest": digest or warc.digest(text)}))

    table, _ = read(warc.gzip([page(b"<p>one</p>"), page(b"<p>two</p>"), page(b"<p>one</p>")]), tmp_path)
    one, two, again = table.column("doc_id").to_pylist()
    assert one == again != two


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda w: w.record(1, w.http(BODY, "404 Not Found")), "http_404"),
        (lambda w: w.record(1, w.http(BODY, "302 Found")), "http_302"),
        (lambda w: w.record(1, w.http(BODY, content_type="image/png")), "not_html"),
        (lambda w: w.record(1, b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n" + BODY), "not_html"),
        (lambda w: w.record(1, w.http(b" \r\n ")), "empty_body"),
        (lambda w: w.record(1, w.http(b"x" * 5000)), "too_large"),
        (lambda w: w.record(1, w.http(gzip.compress(b"x" * 5000), Content_Encoding="gzip")), "too_large"),
        (lambda w: w.record(1, b"no status line"), "bad_http"),
        (lambda w: w.record(1, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000), "bad_http"),
        (lambda w: w.record(1, b"", "revisit"), "revisit"),
        (lambda w: w.record(1, b"x", "request"), "request"),
        (lambda w: w.record(1, b"x", "metadata"), "metadata"),
        (lambda w: w.record(1, b"x", "conversion"), "conversion"),
        (lambda w: w.record(1, b"x", "no-such-type"), "unknown_type"),
        (lambda w: w.record(1, w.http(BODY), "screenshot", WARC_Target_URI=None), "unknown_type"),
        (lambda w: w.record(1, b"x", "warcinfo", WARC_Target_URI=None), "warcinfo"),
        (lambda w: w.record(1, b"x", Content_Type="text/dns"), "not_http"),
        (lambda w: w.record(1, w.http(b"junk", Content_Encoding="gzip")), "bad_content_encoding"),
        (lambda w: w.record(1, w.http(BODY, Content_Encoding="sdch")), "unknown_content_encoding"),
        (lambda w: w.record(1, w.http(b"5\r\nhello\r\nzz\r\n", Transfer_Encoding="chunked")), "bad_chunks"),
    ],
)
def test_a_record_that_is_no_page_is_dropped_under_its_reason(make, reason, warc, tmp_path):
    table, ledger = read(warc.gzip([warc.page(0), make(warc), warc.page(2)]), tmp_path, max_page_bytes=4000)
    assert dropped(ledger) == {reason: 1}
    assert table.num_rows == 2
    assert ledger.damage == [], "a record that is unusable in a sound file is no damage"


DAMAGED_HEADERS = [
    (b"Content-Length: ", b"Content-Length: zz", "bad_length", "a record whose Content-Length cannot be true"),
    (b"Content-Length: ", b"Content-Length: -5", "bad_length", "a record whose Content-Length cannot be true"),
    (b"Content-Length: ", b"Xontent-Length: ", "no_length", "a record without Content-Length"),
    (b"WARC-Type: response", b"WARC-Type response", "no_type", "a record without a WARC-Type that can be read"),
    (b"WARC-Type: response", b"WARC-Typ\xff: response", "no_type", "a record without a WARC-Type that can be read"),
    (b"WARC-Type: response", b"WARC-Type: ", "no_type", "a record without a WARC-Type that can be read"),
    (b"WARC-Type: response", b"WARC-Type: respon\0e", "no_type", "a record without a WARC-Type that can be read"),
    (b"WARC-Target-URI: ", b"WARC-Target-URI ", "no_url", "a record without WARC-Target-URI"),
]
"""What stands in a sound header, what in the damaged one, and what is said."""


@pytest.mark.parametrize("at", [1, 2], ids=["within", "last"])
@pytest.mark.parametrize("is_gzip", [True, False], ids=["gzip", "plain"])
@pytest.mark.parametrize(("sound", "damaged", "reason", "words"), DAMAGED_HEADERS)
def test_a_record_lost_by_a_damaged_header_is_damage_with_file_and_byte(sound, damaged, reason, words, is_gzip, at, warc, tmp_path):
    """They were counted and the run ended with exit code 0."""
    records = warc.pages(3)
    assert sound in records[at]
    records[at] = records[at].replace(sound, damaged, 1)
    parts = [gzip.compress(record, mtime=0) if is_gzip else record for record in records]
    table, ledger = read(b"".join(parts), tmp_path)
    assert table.num_rows == 2
    assert dropped(ledger) == {reason: 1}
    (line,) = ledger.damage
    assert line.startswith(f"a.warc.gz: byte {sum(map(len, parts[:at])):,}: {words}; "), line
    assert f"{2 - at} records read after it" in line
    with pytest.raises(DataError, match=rf"a\.warc\.gz: byte .*{words}"):
        read(b"".join(parts), tmp_path, on_damage="fail")
    assert read(b"".join(parts), tmp_path, on_damage="accept")[1].damage == []


@pytest.mark.parametrize("value", ["sha1:AB!", "sha1:" + "A" * 20, "sha256:" + "0" * 63])
def test_a_digest_that_cannot_be_one_of_its_algorithm_is_damage(value, warc, tmp_path):
    """A flipped bit in a digest mostly makes it unreadable, and such a record was taken without a word."""
    table, ledger = read(warc.gzip([warc.record(1, warc.http(BODY), WARC_Payload_Digest=value), warc.page(2)]), tmp_path)
    assert (table.num_rows, dropped(ledger), len(ledger.damage)) == (1, {"digest_mismatch": 1}, 1)


@pytest.mark.parametrize("digest", ["WARC_Payload_Digest", "WARC_Block_Digest"])
def test_a_record_whose_bytes_have_changed_is_damage_with_file_and_byte(digest, warc, tmp_path):
    """A file that is not compressed has no other checksum; the page was counted as dropped and the run ended with exit code 0."""
    records = [warc.page(0), warc.record(1, warc.http(BODY), **{digest: warc.digest(b"other")}), warc.page(2)]
    table, ledger = read(b"".join(records), tmp_path)
    assert (table.num_rows, dropped(ledger)) == (2, {"digest_mismatch": 1})
    (line,) = ledger.damage
    words = "a record whose bytes do not have the digest that its header names"
    assert line.startswith(f"a.warc.gz: byte {len(records[0]):,}: {words}; "), line


@pytest.mark.parametrize(
    ("headers", "coded", "fact"),
    [
        ({"Content_Encoding": "gzip"}, gzip.compress(BODY), None),
        ({"Content_Encoding": "x-gzip"}, gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), None),
        ({"Content_Encoding": "deflate"}, zlib.compress(BODY), None),
        ({"Content_Encoding": "deflate"}, zlib.compress(BODY, wbits=-15), None),
        ({"Content_Encoding": "br"}, brotli.compress(BODY), None),
        ({"Content_Encoding": "zstd"}, zstandard.compress(BODY), None),
        ({"Content_Encoding": "gzip, br"}, brotli.compress(gzip.compress(BODY)), None),
        ({"Content_Encoding": "gzip"}, BODY, "already_decoded"),
        ({"Content_Encoding": "utf-8"}, BODY, None),
        ({"Content_Encoding": "gzip"}, gzip.compress(BODY)[:-8], "cut_body"),
        ({"Transfer_Encoding": "chunked"}, b"5\r\n" + BODY[:5] + b"\r\n%x;a=b\r\n" % len(BODY[5:]) + BODY[5:] + b"\r\n0\r\n\r\n", None),
        ({"Transfer_Encoding": "chunked"}, BODY, "not_chunked"),
        ({"Transfer_Encoding": "chunked"}, b"%x\r\n" % (len(BODY) + 9) + BODY, "cut_body"),
    ],
)
def test_codings_are_undone_and_archives_that_are_not_exact_about_them_are_read(headers, coded, fact, warc, tmp_path):
    for digest in (warc.digest(coded), warc.digest(BODY)):
        record = warc.record(1, warc.http(coded, **headers), WARC_Payload_Digest=digest)
        table, ledger = read(warc.gzip([record]), tmp_path)
        assert table.column("content").to_pylist() == [BODY]
        assert dict(ledger.counters.facts) == ({fact: 1} if fact else {})


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_stopped(coding, warc, tmp_path):
    compress = {"gzip": gzip, "deflate": zlib, "br": brotli, "zstd": zstandard}[coding].compress
    record = warc.record(1, warc.http(compress(b"<p>" + b"\0" * (3 << 20)), Content_Encoding=coding))
    _, ledger = read(warc.gzip([record]), tmp_path)
    assert dropped(ledger) == {"compression_bomb": 1}


def test_a_body_with_a_window_of_two_gigabytes_is_refused_not_allocated(warc, tmp_path):
    frame = b"\x28\xb5\x2f\xfd\x00\xa8" + b"\x09\x00\x00x"
    _, ledger = read(warc.gzip([warc.record(1, warc.http(frame, Content_Encoding="zstd"))]), tmp_path)
    assert dropped(ledger) == {"bad_content_encoding": 1}


def test_a_resource_record_is_a_page_without_a_status(warc, tmp_path):
    table, _ = read(warc.gzip([warc.record(1, BODY, "resource")]), tmp_path)
    assert table.select(["content", "content_type", "http_status"]).to_pylist() == [
        {"content": BODY, "content_type": "text/html", "http_status": None}
    ]


def test_the_payload_type_that_the_archive_found_counts_where_the_response_has_none(warc, tmp_path):
    record = warc.record(1, b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n" + BODY, WARC_Identified_Payload_Type="text/html")
    table, _ = read(warc.gzip([record]), tmp_path)
    assert table.column("content_type").to_pylist() == ["text/html"]


def test_an_unreadable_date_costs_the_date_and_not_the_page(warc, tmp_path):
    table, ledger = read(warc.gzip([warc.page(1, WARC_Date="yesterday")]), tmp_path)
    assert table.column("fetched_at").to_pylist() == [None]
    assert ledger.counters.facts["unreadable_dates"] == 1


def test_a_digest_of_the_whole_body_does_not_drop_a_body_that_the_archive_truncated(warc, tmp_path):
    record = warc.record(1, warc.http(BODY[:30]), WARC_Payload_Digest=warc.digest(BODY), WARC_Truncated="length")
    table, ledger = read(warc.gzip([record]), tmp_path)
    assert table.num_rows == 1
    assert dict(ledger.counters.facts) == {"truncated_pages": 1, "digest_of_whole_body": 1}


@pytest.mark.parametrize("digest", ["sha1:" + "0" * 40, "md5:" + "0" * 32, "sha256:" + "0" * 64])
def test_hexadecimal_digests_are_checked_too(digest, warc, tmp_path):
    _, ledger = read(warc.gzip([warc.record(1, warc.http(BODY), WARC_Payload_Digest=digest)]), tmp_path)
    assert dropped(ledger) == {"digest_mismatch": 1}


def torn(warc) -> bytes:
    """Six members, the third damaged in the middle."""
    members = [gzip.compress(record, mtime=0) for record in warc.pages(6)]
    members[2] = members[2][:100] + b"\xff" * 20 + members[2][120:]
    return b"".join(members)


def test_damage_is_reported_on_one_line_with_file_place_loss_and_remedy(warc, tmp_path):
    table, ledger = read(torn(warc), tmp_path)
    assert table.num_rows == 5
    facts = ledger.counters.facts
    member_bytes = len(gzip.compress(warc.page(2), mtime=0))
    assert facts["lost_bytes"] == member_bytes
    assert facts["salvaged_records"] == 3
    (line,) = ledger.damage
    assert "\n" not in line
    offset = len(warc.gzip(warc.pages(2)))
    for part in ("a.warc.gz", f"byte {offset:,}", f"{member_bytes:,} bytes lost", "3 records read after", "on_damage: accept"):
        assert part in line


def test_damage_can_be_accepted_or_made_an_error(warc, tmp_path):
    table, ledger = read(torn(warc), tmp_path, on_damage="accept")
    assert (table.num_rows, ledger.damage) == (5, [])
    assert ledger.counters.facts["lost_bytes"] > 0
    with pytest.raises(DataError, match=r"a\.warc\.gz: byte .* `on_damage: report`"):
        read(torn(warc), tmp_path, on_damage="fail")


def test_pages_before_the_tear_of_a_shared_member_are_kept(warc, tmp_path):
    shared = bytearray(gzip.compress(warc.page(1) + warc.page(2) + warc.record(3, b"\xaa" * 600_000, "metadata"), 0))
    shared[-400_000] ^= 1
    table, ledger = read(bytes(shared), tmp_path, on_damage="accept")
    assert table.column("url").to_pylist() == ["https://example.org/1", "https://example.org/2"]
    assert table.column("warc_length").to_pylist() == [None, None]
    assert ledger.counters.facts["gaps"] == 1


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "the file is empty"),
        (b"<html><body>moved</body></html>", "its first bytes are b'<html>"),
        (gzip.compress(b"<html><body>moved</body></html>"), "it is compressed, but holds something else"),
        (b"filedesc://IAH-2008.arc 0.0.0.0 2008 text/plain 200\n", "ARC file, the older format"),
        (b"WARC/1.0\r\nno end", "it begins like one"),
    ],
)
def test_a_file_that_is_no_warc_is_an_error_that_says_what_it_is(content, text, tmp_path):
    with pytest.raises(DataError) as error:
        read(content, tmp_path)
    assert text in str(error.value)
    assert "a.warc.gz" in str(error.value)
    assert "\n" not in str(error.value)


def test_splits_are_files_in_name_order_wherever_they_lie(warc, tmp_path):
    listings = []
    for place in ("here", "there/deep"):
        for name in ("b/2.warc.gz", "a/10.warc", "a/9.warc.zst", "notes.txt", ".hidden.warc", "a/.tmp-1.warc"):
            path = tmp_path / place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        stage = load_plugin("read.warc").build(make_config("read.warc", tmp_path, paths=place))
        listings.append([(split.names, split.options) for split in stage.splits()])
    assert listings[0] == listings[1]
    assert [names for names, _ in listings[0]] == [("a/10.warc",), ("a/9.warc.zst",), ("b/2.warc.gz",)]


KINDS = st.sampled_from(["flip", "cut", "insert"])
DAMAGE = st.lists(st.tuples(st.floats(0, 0.999), KINDS, st.binary(min_size=1, max_size=40)), max_size=4)


@given(damage=DAMAGE, tail=st.binary(max_size=80), is_gzip=st.booleans())
def test_counts_balance_and_nothing_but_a_data_error_comes_out(damage, tail, is_gzip, warc, tmp_path_factory):
    records = [warc.page(0), warc.record(1, warc.http(gzip.compress(BODY), Content_Encoding="gzip")), warc.page(2), warc.page(3)]
    content = warc.gzip(records) if is_gzip else b"".join(records)
    for where, kind, value in damage:
        at = int(where * len(content))
        after = {"flip": content[at + len(value) :], "cut": b"", "insert": content[at:]}[kind]
        content = content[:at] + (value if kind != "cut" else b"") + after
    folder = tmp_path_factory.getbasetemp() / "balance"
    folder.mkdir(exist_ok=True)
    try:
        table, ledger = read(content + tail, folder)  # checks read == kept + dropped
    except DataError as error:
        assert "holds no WARC record" in str(error)
        return
    assert table.num_rows <= 5
    assert bool(ledger.damage) == bool(ledger.counters.facts["gaps"])


def test_every_real_file_is_read_or_refused_in_words(shared_data, tmp_path):
    num_read = 0
    for path in sorted((shared_data / "warc").rglob("*.*")):
        if path.suffix == ".json":
            continue
        try:
            _, ledger = run_source("read.warc", tmp_path, paths=[str(path)])
            num_read += 1
            assert ledger.counters.read > 0
        except DataError as error:
            assert "holds no WARC record" in str(error)
            assert ".arc" in path.name or path.name == "missing-status-text.warc"
    assert num_read == 31


def test_without_paths_the_message_names_both_ways_to_give_files(tmp_path):
    stage = load_plugin("read.warc").build(make_config("read.warc", tmp_path))
    with pytest.raises(ConfigError, match=r"there are none.*`paths`.*crawl\.focused.*`from:`"):
        stage.splits()
