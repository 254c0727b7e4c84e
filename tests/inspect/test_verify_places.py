"""A flipped byte anywhere in a result is found by `verify --full`, and the message names its file and a span that holds it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from mathcode_data.core.blocks import BLOCKS_NAME
from mathcode_data.core.manifest import read_block_hashes, read_result
from mathcode_data.inspect.verify import limits_of, verify_path

SPAN = re.compile(r"bytes? ([0-9,]+)(?: to ([0-9,]+))?")


@pytest.fixture
def output(pipeline_folder: Path, tmp_path: Path) -> Path:
    """The results of a run, to be damaged."""
    return Path(shutil.copytree(pipeline_folder / "out", tmp_path / "out"))


def flip(path: Path, at: int, mask: int = 0x10) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= mask
    path.write_bytes(content)


def place_of(problems: list[str], path: Path) -> tuple[int, int, str]:
    """First and last byte of the span that a problem names in a file, and the problem."""
    for problem in problems:
        rest = problem.partition(str(path))[2]
        if match := SPAN.search(rest):
            start, last = (int((text or match[1]).replace(",", "")) for text in (match[1], match[2]))
            return start, last, problem
    raise AssertionError(f"{path}: no problem names a place in it: {problems}")


def test_every_file_of_a_result_has_block_hashes(output: Path):
    for folder in (output / "scored", output / "math", output / "unlike"):
        result = read_result(folder)
        hashes = read_block_hashes(result)
        assert set(hashes) == {shard.name for shard in result.manifest.shards}
        assert {name: one.num_bytes for name, one in hashes.items()} == {shard.name: shard.bytes for shard in result.manifest.shards}
        assert {path.name for path in folder.iterdir()} == {*hashes, BLOCKS_NAME, "manifest.json"}


def test_every_byte_of_a_token_file_is_found_and_located(output: Path):
    path = next((output / "math").glob("*.bin"))
    for at in range(0, path.stat().st_size, 97):
        flip(path, at)
        start, last, problem = place_of(verify_path(output / "math", full=True)[1], path)
        assert start <= at <= last < start + 4096
        assert re.search(r"documents? [0-9, to]+, doc_id [0-9a-f]{32}", problem), problem
        flip(path, at)
    assert verify_path(output / "math", full=True)[1] == []


@pytest.mark.parametrize("step", ["scored", "math", "unlike"])
def test_sampled_places_of_every_file_of_a_result_are_found_and_located(output: Path, step: str):
    folder = output / step
    for path in sorted(folder.iterdir()):
        size = path.stat().st_size
        for number in range(7):
            at = (size - 1) * number // 6
            flip(path, at)
            start, last, problem = place_of(verify_path(folder, full=True)[1], path)
            assert start <= at <= last, f"{path.name} byte {at}: {problem}"
            assert last - start < 4096 or path.name == "manifest.json", problem
            flip(path, at)
    assert verify_path(folder, full=True)[1] == []


def test_the_place_in_a_parquet_file_is_said_by_row_group(output: Path):
    path = output / "scored" / "documents-00000.parquet"
    flip(path, 20)
    assert "row group 0, rows 0 to " in place_of(verify_path(output / "scored", full=True)[1], path)[2]


def test_a_missing_or_cut_table_of_block_hashes_is_seen_without_reading_the_files(output: Path):
    path = output / "scored" / BLOCKS_NAME
    path.write_bytes(path.read_bytes()[:-8])
    assert f"{path}: " in verify_path(output / "scored", full=False)[1][0]
    path.unlink()
    assert verify_path(output / "scored", full=False)[1] == [f"{path}: missing"]


def test_a_result_that_lacks_a_part_of_its_input_is_called_partial(output: Path):
    from dataclasses import replace

    from mathcode_data.core.manifest import write_manifest

    folder = output / "scored"
    write_manifest(folder, replace(read_result(folder).manifest, quarantined=["task 3: crash"]))
    assert verify_path(folder, full=True) == ("partial result", [])
    assert "scored: a partial result, without all of its input: task 3: crash" in limits_of(folder, full=True)
    checked, problems = verify_path(output, full=True)
    assert checked == "5 results, 1 of them partial"
    assert problems == []
