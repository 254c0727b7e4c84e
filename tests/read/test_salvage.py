"""The walk over a WARC file: sound files whole, damaged ones to the tear and beyond, and every byte accounted for."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections import Counter
from pathlib import Path

import fastwarc
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.read.members import BOMB_BYTES
from mathcode_data.stages.read.salvage import BadRecord, Gap, Piece, Record, walk_archive
from mathcode_data.stages.read.zstd_frames import SKIPPABLE

LIMIT = 1 << 20


def walk(content: bytes, folder: Path, name: str = "a.warc", limit: int = LIMIT) -> list[Piece]:
    """Walk over bytes; checks the law that the pieces tile the file."""
    path = folder / name
    path.write_bytes(content)
    pieces = list(walk_archive(path, limit))
    position = 0
    for piece in pieces:
        if piece.length is not None:
            assert piece.offset == position, "a hole, or bytes counted twice"
            position += piece.length
    assert position == len(content), "bytes at the end are not accounted for"
    return pieces


def numbers(pieces: list[Piece]) -> list[int]:
    """Which of the made records were read; -1 for one whose id is damaged (plain files have no checksum)."""
    ids = [piece.headers.get("warc-record-id", "") for piece in pieces if isinstance(piece, Record)]
    found = [re.fullmatch("<urn:uuid:([0-9a-f]+)>", record_id) for record_id in ids]
    return [int(match[1], 16) if match else -1 for match in found]


def names(pieces: list[Piece]) -> list[str]:
    """Kinds of the pieces that are no records."""
    return [piece.reason if isinstance(piece, BadRecord) else type(piece).__name__ for piece in pieces if not isinstance(piece, Record)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("walk")


@pytest.mark.parametrize("kind", ["plain", "gzip", "one_member"])
def test_a_sound_file_gives_the_records_and_offsets_that_fastwarc_gives(kind, warc, tmp_path):
    records = warc.pages(5)
    content = {"plain": b"".join(records), "gzip": warc.gzip(records), "one_member": gzip.compress(b"".join(records))}[kind]
    pieces = [piece for piece in walk(content, tmp_path) if isinstance(piece, Record)]
    theirs = [(r.stream_pos, r.reader.read()) for r in fastwarc.ArchiveIterator(io.BytesIO(content), parse_http=False)]
    assert [piece.block for piece in pieces] == [block for _, block in theirs]
    if kind != "one_member":
        assert [piece.offset for piece in pieces] == [offset for offset, _ in theirs]
        assert sum(piece.length for piece in pieces) == len(content)
    else:
        assert [piece.length for piece in pieces] == [None] * 5, "one member is shared by all"


def test_offset_and_length_fetch_the_same_record_again(warc, tmp_path):
    content = warc.gzip(warc.pages(4))
    for piece in walk(content, tmp_path):
        assert isinstance(piece, Record)
        assert piece.block in zlib.decompress(content[piece.offset : piece.offset + piece.length], 31)


@pytest.mark.parametrize("with_dictionary", [False, True])
def test_zstandard_members_are_read_with_and_without_a_dictionary_frame(with_dictionary, warc, tmp_path):
    records = warc.pages(6)
    head, compressor = b"", zstandard.ZstdCompressor(write_checksum=True)
    if with_dictionary:
        raw = zstandard.ZstdCompressionDict(b"".join(records), dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        compressor = zstandard.ZstdCompressor(dict_data=raw)
        head = SKIPPABLE[13].to_bytes(4, "little") + len(raw.as_bytes()).to_bytes(4, "little") + raw.as_bytes()
    members = [compressor.compress(record) for record in records]
    assert numbers(walk(head + b"".join(members), tmp_path)) == list(range(6))
    damaged = bytearray(members[2])
    damaged[len(damaged) // 2] ^= 0x55
    members[2] = bytes(damaged)
    if not with_dictionary:  # frames with the dictionary bear no checksum here, so a flip may pass
        assert numbers(walk(head + b"".join(members), tmp_path)) == [0, 1, 3, 4, 5]
    assert numbers(walk(head + b"".join(members[:2]) + members[3][:-20], tmp_path)) == [0, 1]


def test_records_that_are_cut_across_members_are_read(warc, tmp_path):
    content = b"".join(warc.pages(5))
    blocks = b"".join(gzip.compress(content[at : at + 100]) for at in range(0, len(content), 100))
    assert numbers(walk(blocks, tmp_path)) == list(range(5))


def test_an_empty_member_ends_nothing(warc, tmp_path):
    records = [gzip.compress(record) for record in warc.pages(3)]
    pieces = walk(records[0] + gzip.compress(b"") + records[1] + records[2], tmp_path)
    assert numbers(pieces) == [0, 1, 2]
    assert names(pieces) == ["Span"]


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz"])
@pytest.mark.parametrize("keep", [0.27, 0.55, 0.93])
def test_a_cut_file_is_read_to_the_tear(name, keep, warc, tmp_path):
    records = warc.pages(10)
    content = b"".join(records) if name == "a.warc" else warc.gzip(records)
    cut = content[: int(len(content) * keep)]
    pieces = walk(cut, tmp_path, name)
    whole = [piece for piece in walk(content, tmp_path, name) if isinstance(piece, Record) and piece.offset + piece.length <= len(cut)]
    assert numbers(pieces) == numbers(whole)
    last = pieces[-1]
    assert isinstance(last, Gap)
    assert last.lost_bytes == len(cut) - sum(piece.length for piece in whole)


def test_a_missing_checksum_at_the_end_is_noticed_and_costs_no_record(warc, tmp_path):
    pieces = walk(warc.gzip(warc.pages(3))[:-4], tmp_path)
    assert numbers(pieces) == [0, 1, 2]
    assert isinstance(pieces[-1], Gap)
    assert pieces[-1].lost_bytes == 0


def test_one_member_that_is_cut_gives_its_records_up_to_the_tear(warc, tmp_path):
    content = gzip.compress(b"".join(warc.pages(40)), 0)
    pieces = walk(content[: len(content) // 2], tmp_path)
    assert 15 <= len(numbers(pieces)) <= 20


@pytest.mark.parametrize("between", [b"GARBAGE" * 9, b"\0" * 100, b"\x1f\x8b\x08", gzip.compress(b"no record")[:-3]])
def test_bytes_between_members_are_a_gap_and_no_record_is_lost(between, warc, tmp_path):
    records = [gzip.compress(record) for record in warc.pages(4)]
    pieces = walk(b"".join(records[:2]) + between + b"".join(records[2:]), tmp_path)
    assert numbers(pieces) == [0, 1, 2, 3]
    gaps = [piece for piece in pieces if isinstance(piece, Gap)]
    assert [(gap.length, gap.lost_bytes) for gap in gaps] == [(len(between), len(between))]


@pytest.mark.parametrize("is_gzip", [False, True])
@pytest.mark.parametrize(
    ("length", "reason"),
    [
        ("999999999", "bad_length"),
        ("99999999999999999999", "bad_length"),
        ("-5", "bad_length"),
        ("abc", "bad_length"),
        ("٣", "bad_length"),
        ("1000", "bad_length"),
        ("80", "bad_length"),
        ("0", "bad_length"),
        (None, "no_length"),
    ],
)
def test_a_length_that_lies_costs_its_own_record_only(length, reason, is_gzip, warc, tmp_path):
    records = warc.pages(5)
    records[2] = warc.record(2, warc.http(b"<p>lie</p>" * 20), length=length)
    content = warc.gzip(records) if is_gzip else b"".join(records)
    pieces = walk(content, tmp_path)
    assert numbers(pieces) == [0, 1, 3, 4]
    assert names(pieces) == [reason]


@pytest.mark.parametrize("is_gzip", [False, True])
def test_a_header_beyond_32_kilobytes_costs_its_own_record_only(is_gzip, warc, tmp_path):
    records = warc.pages(3)
    records[1] = warc.page(1, X_Long="x" * 40_000)
    pieces = walk(warc.gzip(records) if is_gzip else b"".join(records), tmp_path)
    assert numbers(pieces) == [0, 2]
    assert names(pieces) == ["header_too_large"]


@pytest.mark.parametrize("is_gzip", [False, True])
def test_a_block_beyond_the_limit_is_passed_over_without_being_held(is_gzip, warc, tmp_path):
    records = warc.pages(3)
    records[1] = warc.record(1, warc.http(b"<p>large</p>" * 20_000))
    pieces = walk(warc.gzip(records) if is_gzip else b"".join(records), tmp_path, limit=10_000)
    assert numbers(pieces) == [0, 1, 2]
    assert [piece.block is None for piece in pieces] == [False, True, False]


def test_a_member_that_inflates_beyond_reason_is_a_bomb(warc, tmp_path):
    records = [gzip.compress(record) for record in warc.pages(2)]
    bomb = gzip.compress(b"WARC/1.0\r\n" + b"\0" * (BOMB_BYTES + (1 << 20)), 1)
    pieces = walk(records[0] + bomb + records[1], tmp_path)
    assert numbers(pieces) == [0, 1]
    assert "compression_bomb" in names(pieces)


def test_a_zstandard_bomb_and_a_window_of_two_gigabytes_cost_their_own_record_only(warc, tmp_path):
    compress = zstandard.ZstdCompressor(write_checksum=True).compress
    records = [compress(record) for record in warc.pages(3)]
    bomb = zstandard.compress(b"WARC/1.0\r\n" + b"\0" * (BOMB_BYTES + (1 << 20)), 1)
    window = b"\x28\xb5\x2f\xfd\x00\xa8" + b"\x01\x00\x00"  # window descriptor 0xa8: 2 GB; one empty last block
    pieces = walk(records[0] + bomb + records[1] + window + records[2], tmp_path, "a.warc.zst")
    assert numbers(pieces) == [0, 1, 2]
    assert names(pieces)[-2:] == ["compression_bomb", "Gap"]
    assert [piece.why for piece in pieces if isinstance(piece, Gap)] == [
        "bytes that are no Zstandard frame (window of 2,147,483,648 bytes, at most 134,217,728)"
    ]


def test_many_junk_members_take_linear_time(warc, tmp_path):
    junk = gzip.compress(b"x", 0, mtime=0)
    liar = gzip.compress(warc.record(1, b"", length="900000"), mtime=0)
    content = liar * 300 + junk * 20_000 + gzip.compress(warc.page(2))
    pieces = walk(content, tmp_path)
    assert numbers(pieces) == [2]


DAMAGE = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.floats(0, 0.999), st.integers(1, 255)),
        st.tuples(st.just("cut"), st.floats(0, 0.999), st.just(0)),
        st.tuples(st.just("remove"), st.floats(0, 0.999), st.integers(1, 300)),
        st.tuples(st.just("insert"), st.floats(0, 0.999), st.binary(min_size=1, max_size=60)),
        st.tuples(st.just("insert"), st.floats(0, 0.999), st.sampled_from([b"WARC/1.0\r\n", b"\x1f\x8b\x08", b"\r\n\r\n", b"\0" * 50])),
    ),
    min_size=1,
    max_size=4,
)


def damaged(content: bytes, damage) -> bytes:
    """Do to bytes what disks, networks and people do to them."""
    for kind, where, what in damage:
        at = int(where * len(content))
        if kind == "flip" and content:
            content = content[:at] + bytes([content[at] ^ what]) + content[at + 1 :]
        elif kind == "cut":
            content = content[:at]
        elif kind == "remove":
            content = content[:at] + content[at + what :]
        elif kind == "insert":
            content = content[:at] + what + content[at:]
    return content


@given(damage=DAMAGE, form=st.sampled_from(["plain", "gzip", "one_member", "zstd"]))
def test_whatever_the_damage_every_byte_is_accounted_for(damage, form, warc, folder):
    records = [*warc.pages(4), warc.record(4, b"x" * 50, "revisit"), *warc.pages(2)]
    content = {
        "plain": b"".join(records),
        "gzip": warc.gzip(records),
        "one_member": gzip.compress(b"".join(records)),
        "zstd": b"".join(map(zstandard.ZstdCompressor(write_checksum=True).compress, records)),
    }[form]
    walk(damaged(content, damage), folder)


@given(where=st.floats(0, 0.999), bit=st.integers(0, 7), is_gzip=st.booleans())
def test_a_flipped_bit_costs_at_most_the_record_it_is_in(where, bit, is_gzip, warc, folder):
    records = warc.pages(8)
    content = warc.gzip(records) if is_gzip else b"".join(records)
    at = int(where * len(content))
    hit = next(n for n in range(8) if at < len(warc.gzip(records[: n + 1]) if is_gzip else b"".join(records[: n + 1])))
    flipped = content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
    pieces = walk(flipped, folder, "a.warc.gz" if is_gzip else "a.warc")
    assert set(range(8)) - {hit} <= set(numbers(pieces))


def test_the_real_files_give_what_warcio_and_fastwarc_agree_on(shared_data, tmp_path):
    expected = json.loads((shared_data / "warc" / "reader_reference_counts.json").read_text())
    num_agreed = 0
    for name, counts in expected.items():
        path = shared_data / "warc" / name.split("warc/", 1)[1]
        pieces = walk(path.read_bytes(), tmp_path, path.name)
        theirs = {kind: number for kind, number in counts["warcio"].items() if kind != "html"}
        if "ERR" not in theirs and sum(theirs.values()) == counts["fastwarc"] and "\r\r\n" not in path.read_bytes()[:20].decode("latin-1"):
            num_agreed += 1
            assert Counter(piece.headers["warc-type"] for piece in pieces if isinstance(piece, Record)) == theirs, name
    assert num_agreed >= 24
