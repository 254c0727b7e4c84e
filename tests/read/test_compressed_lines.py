"""Compressed JSON lines that are none, or are cut: what is wrong, where, and exit code 3; a text keeps its lines under any name."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
import zstandard

from mathcode_data.core.errors import DataError
from mathcode_data.stages.read.lines import ReadDamage, read_lines, read_whole
from support.command import call

LINES = b"".join(b'{"text": "line %d, %x"}\n' % (number, random.Random(number).getrandbits(256)) for number in range(5000))
GZIP, ZSTD = gzip.compress(LINES, mtime=0), zstandard.ZstdCompressor(write_checksum=True).compress(LINES)
NOISE = random.Random(7).randbytes(700)
NO_MAGIC = f"byte 0: {NOISE[:4].hex(' ')} is not how a {{}} begins, which the name promises; 700 compressed bytes lost"
MISSING = "what should follow is missing"


def damage(path: Path) -> str:
    *_, (_, last) = read_lines(path, 1 << 20)
    assert isinstance(last, ReadDamage), f"{path.name}: no damage was found, the last line is {last!r}"
    return str(last)


@pytest.mark.parametrize(("name", "content", "words"), [
    ("noise.jsonl.zst", NOISE, NO_MAGIC.format("Zstandard frame")),
    ("noise.jsonl.gz", NOISE, NO_MAGIC.format("gzip member")),
    ("a.jsonl.zst", GZIP[:4] + b"\xff" * 60, "byte 0: bytes that do not inflate (invalid block type); 64 compressed bytes lost"),
    ("stump.jsonl.gz", GZIP[:1], f"byte 1: the file ends inside the header of a gzip member; {MISSING}"),
    ("stump.jsonl.gz", GZIP[:6], f"byte 6: the file ends inside the header of a gzip member; {MISSING}"),
    ("stump.jsonl.gz", GZIP[:3000], f"byte 3,000: the file ends inside a gzip member; {MISSING}"),
    ("stump.jsonl.gz", GZIP + GZIP[:2], f"byte {len(GZIP) + 2:,}: the file ends inside the header of a gzip member; {MISSING}"),
    ("stump.jsonl.zst", ZSTD[:2], f"byte 2: the file ends inside the header of a Zstandard frame; {MISSING}"),
    ("stump.jsonl.zst", ZSTD[:5], f"byte 5: the file ends inside the header of a Zstandard frame; {MISSING}"),
    ("stump.jsonl.zst", ZSTD[:-1], f"byte {len(ZSTD) - 1:,}: the file ends inside a Zstandard frame; {MISSING}"),
])  # fmt: skip
def test_what_is_wrong_with_a_compressed_file_is_said_with_its_place(tmp_path: Path, name: str, content: bytes, words: str):
    path = tmp_path / name
    path.write_bytes(content)
    assert damage(path) == words
    with pytest.raises(DataError, match=rf"{name}: file cannot be read \(byte "):
        read_whole(path, 1 << 30)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"])
@pytest.mark.parametrize("content", [LINES, GZIP, ZSTD, GZIP + GZIP], ids=["text", "gzip", "zstd", "two members"])
def test_sound_files_are_read_whole_whatever_their_names_say(tmp_path: Path, name: str, content: bytes):
    path = tmp_path / name
    path.write_bytes(content)
    whole = LINES * (2 if content == GZIP + GZIP else 1)
    assert b"".join(line + b"\n" for _, line in read_lines(path, 1 << 20)) == whole
    if content != LINES or name == "a.jsonl":  # a name that promises another kind is an error where no text is wanted
        assert read_whole(path, 1 << 30) == whole
        assert read_whole(path, 10) == LINES[:11]


def test_every_cut_of_a_small_file_is_told(tmp_path: Path):
    for suffix, whole in (
        (".gz", gzip.compress(LINES[:90], mtime=0)),
        (".zst", zstandard.ZstdCompressor(write_checksum=True).compress(LINES[:90])),
    ):
        path = tmp_path / f"a.jsonl{suffix}"
        for length in range(1, len(whole)):
            path.write_bytes(whole[:length])
            assert damage(path).endswith(MISSING), (suffix, length)


@pytest.mark.slow
def test_damage_ends_a_run_with_code_3_and_the_name_of_the_file(tmp_path: Path):
    (tmp_path / "in").mkdir()
    for name, content in {"a.jsonl.zst": NOISE, "b.jsonl.gz": GZIP[:6], "c.jsonl": LINES[:200]}.items():
        (tmp_path / "in" / name).write_bytes(content)
    (tmp_path / "p.yaml").write_text("name: p\noutput: out\nstages:\n  - read.jsonl: {paths: in}\n")
    done = call("run", tmp_path / "p.yaml", "--runner", "inline", "--quiet")
    assert done.returncode == 3, done.stderr
    assert "a.jsonl.zst: after line 0, at byte 0: " in done.stderr
