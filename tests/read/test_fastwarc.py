"""read.warc and FastWARC 2: its inflater is our fast way, its archive reader alone would lose or change things in silence."""

from __future__ import annotations

import gzip
import io
import random
import re
import struct

import fastwarc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.read import salvage, sound_members
from mathcode_data.stages.read.salvage import BadRecord, Gap, Piece, Record, walk_archive
from mathcode_data.stages.read.sound_members import SoundMembers, inflate_whole

LIMIT = 1 << 20


class NoFastWay:
    """Stands for `SoundMembers` where everything is to be read the slow way."""

    def __init__(self, *_) -> None:
        pass

    def records(self, offset: int):
        return iter(())


def walk(path, is_fast: bool = True) -> list[Piece]:
    """Pieces of a file, by both ways or by the slow one alone."""
    with pytest.MonkeyPatch.context() as patch:
        if not is_fast:
            patch.setattr(salvage, "SoundMembers", NoFastWay)
        return list(walk_archive(path, LIMIT))


def taken_fast(content: bytes, folder) -> int:
    """How many records from the beginning of a file are read the fast way."""
    path = folder / "fast.warc.gz"
    path.write_bytes(content)
    with path.open("rb") as file:
        return len(list(SoundMembers(file.fileno(), len(content), LIMIT).records(0)))


def numbers_of_fastwarc(content: bytes) -> list[int]:
    """Which of the made records FastWARC's archive reader alone gives; what it raises is left out."""
    found = []
    try:
        for record in fastwarc.ArchiveIterator(io.BytesIO(content), parse_http=False):
            record.reader.read()
            match = re.fullmatch("<urn:uuid:([0-9a-f]+)>", record.record_id or "")
            found.append(int(match[1], 16) if match else -1)
    except OSError:
        pass
    return found


def numbers(pieces: list[Piece]) -> list[int]:
    return [int(piece.headers["warc-record-id"][-33:-1], 16) for piece in pieces if isinstance(piece, Record)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fastwarc")


def test_every_record_of_a_sound_file_is_read_the_fast_way(warc, tmp_path):
    assert taken_fast(warc.gzip(warc.pages(50)), tmp_path) == 50


DAMAGE = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "remove", "insert", "swap"]),
        st.floats(0, 0.999),
        st.one_of(st.binary(min_size=1, max_size=40), st.sampled_from([gzip.compress(b""), gzip.compress(b"\r\n"), b"\0" * 30])),
    ),
    max_size=3,
)


@given(damage=DAMAGE)
def test_both_ways_give_the_same_pieces_whatever_the_damage(damage, warc, folder):
    records = [*warc.pages(3), warc.record(4, b"x" * 50, "revisit"), warc.record(5, b"short", length="3"), *warc.pages(3)]
    members = [gzip.compress(record, mtime=0) for record in records]
    for kind, where, value in damage:
        number = int(where * len(members))
        member, at = members[number], int(where * 7919) % (len(members[number]) or 1)
        members[number] = {
            "flip": member[:at] + bytes(byte ^ (value[0] | 1) for byte in member[at : at + 1]) + member[at + 1 :],
            "cut": member[:at],
            "remove": member[:at] + member[at + len(value) :],
            "insert": member + value,
            "swap": member[:-4] + value[:4].ljust(4, b"\0"),
        }[kind]
    path = folder / "a.warc.gz"
    path.write_bytes(b"".join(members))
    assert walk(path) == walk(path, is_fast=False)


@pytest.mark.parametrize(
    "between",
    [gzip.compress(b""), gzip.compress(b"\r\n\r\n"), b"\0" * 512, gzip.compress(b"WARC/1.0\r\nbroken"), b"\x1f\x8b\x08"],
    ids=["empty", "line_ends", "zeros", "broken", "magic"],
)
def test_after_something_odd_the_fast_way_goes_on_and_the_pieces_are_the_same(between, warc, tmp_path, monkeypatch):
    parts = [warc.gzip(warc.pages(20)), warc.gzip([warc.page(number) for number in range(20, 60)])]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(between.join(parts))
    slow = walk(path, is_fast=False)
    inflated = []
    monkeypatch.setattr(sound_members, "inflate_whole", lambda *given: inflated.append(1) or inflate_whole(*given))
    assert walk(path) == slow
    assert numbers(slow) == list(range(60))
    assert len(inflated) >= 58, "all but the records at the odd place are read the fast way"


def test_bytes_inside_a_member_that_look_like_another_do_not_end_it(warc, tmp_path):
    noise = random.Random(5).randbytes(3000)
    fake = noise[:1000] + gzip.compress(warc.page(9), mtime=0) + noise[1000:]
    stored = [gzip.compress(warc.record(number, fake), 0, mtime=0) for number in range(4)]  # level 0 keeps the bytes as they are
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(stored))
    assert numbers(walk(path)) == [0, 1, 2, 3]
    assert walk(path) == walk(path, is_fast=False)
    assert taken_fast(path.read_bytes(), tmp_path) == 4


def test_a_cut_member_is_not_whole_even_if_its_last_bytes_state_the_length_it_had_until_there():
    # a stored block in the middle of which the decoded length so far is written down, followed by the magic number
    body = b"x" * 500
    content = body + struct.pack("<I", len(body)) + b"\x1f\x8b\x08" + b"y" * 500
    member = gzip.compress(content, 0, mtime=0)
    cut = member[: member.index(b"\x1f\x8b\x08", 10)]
    assert int.from_bytes(cut[-4:], "little") == len(body)
    assert inflate_whole(cut, LIMIT) is None
    assert inflate_whole(member, LIMIT) == content


@given(content=st.binary(max_size=400), level=st.integers(0, 9), data=st.data())
def test_whole_means_exactly_one_member(content, level, data):
    member = gzip.compress(content, level, mtime=0)
    assert inflate_whole(member, LIMIT) == (content or None), "an empty member is left to the slow way"
    at = data.draw(st.integers(0, len(member) - 1))
    assert inflate_whole(member[:at], LIMIT) is None
    assert inflate_whole(member + data.draw(st.binary(min_size=1, max_size=9)), LIMIT) is None
    assert inflate_whole(member + member, LIMIT) is None
    flipped = bytearray(member)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    assert inflate_whole(bytes(flipped), LIMIT) in (None, content), "a flip in the header (time, system) changes nothing"


def test_members_beyond_the_window_and_beyond_the_limit_are_read(warc, tmp_path):
    noise = random.Random(7).randbytes(sound_members.WINDOW_BYTES)
    sizes = (10, LIMIT - 100, 10, LIMIT // 2, LIMIT + 5000, 10)
    path = tmp_path / "a.warc.gz"
    path.write_bytes(warc.gzip([warc.record(number, (noise * 2)[:size]) for number, size in enumerate(sizes)]))
    pieces = walk(path)
    assert [None if piece.block is None else len(piece.block) for piece in pieces if isinstance(piece, Record)] == [
        size if size <= LIMIT else None for size in sizes
    ]
    assert pieces == walk(path, is_fast=False)


# what FastWARC's own archive reader does with a file, which is why only its inflater is used


def test_fastwarc_alone_ends_at_an_empty_member_without_a_word(warc, tmp_path):
    members = [gzip.compress(record) for record in warc.pages(4)]
    content = members[0] + gzip.compress(b"") + b"".join(members[1:])
    (tmp_path / "a.warc.gz").write_bytes(content)
    assert numbers_of_fastwarc(content) == [0]
    assert numbers(walk(tmp_path / "a.warc.gz")) == [0, 1, 2, 3]


def test_fastwarc_alone_takes_a_last_member_without_its_checksum_for_whole(warc, tmp_path):
    content = warc.gzip(warc.pages(2))[:-4]
    (tmp_path / "a.warc.gz").write_bytes(content)
    assert numbers_of_fastwarc(content) == [0, 1]
    pieces = walk(tmp_path / "a.warc.gz")
    assert numbers(pieces) == [0, 1]
    assert isinstance(pieces[-1], Gap)


def test_fastwarc_alone_lets_a_wrong_length_run_into_the_next_member(warc, tmp_path):
    records = warc.pages(4)
    records[1] = warc.record(1, b"<p>lie</p>", length=str(len(records[2]) // 2))
    content = warc.gzip(records)
    (tmp_path / "a.warc.gz").write_bytes(content)
    assert numbers_of_fastwarc(content) != [0, 2, 3]
    pieces = walk(tmp_path / "a.warc.gz")
    assert numbers(pieces) == [0, 2, 3]
    assert [piece.reason for piece in pieces if isinstance(piece, BadRecord)] == ["bad_length"]


def test_fastwarc_alone_loses_all_that_follows_a_damaged_member(warc, tmp_path):
    members = [gzip.compress(record, mtime=0) for record in warc.pages(5)]
    members[1] = members[1][:-8] + bytes(4) + members[1][-4:]
    content = b"".join(members)
    (tmp_path / "a.warc.gz").write_bytes(content)
    assert not {2, 3, 4} & set(numbers_of_fastwarc(content))
    assert numbers(walk(tmp_path / "a.warc.gz")) == [0, 2, 3, 4]
