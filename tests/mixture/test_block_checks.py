"""A flipped bit in a token file stops who reads it: every block in full, each stretch once an epoch where it is sampled (fault 64)."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from mathcode_data.core.blocks import BLOCKS_NAME, hash_file, pack_blocks
from mathcode_data.core.errors import ConfigError, DataError, VerificationError
from mathcode_data.core.manifest import Manifest, Shard, write_manifest
from mathcode_data.core.storage import sha256_bytes
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.prefetch import Prefetch
from mathcode_data.mixture.recipe import Recipe
from mathcode_data.mixture.sources import source_from_path
from mathcode_data.mixture.verify import verify_mixture
from mathcode_data.shards.block_checks import STRETCH_BYTES, BlockChecks
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.writer import ShardWriter

LENGTH = 2048
NUM_TOKENS = 1_500_001
"""Three million bytes: three stretches, the last one not whole."""


def make_result(folder: Path, num_tokens: int = NUM_TOKENS) -> Path:
    """A result of ours with block hashes."""
    folder.mkdir(parents=True)
    with ShardWriter(folder / "toy-00000", np.uint16) as writer:
        ids = np.random.default_rng(1).integers(1, 60_000, num_tokens, dtype=np.uint16)
        writer.add_many(ids, np.diff([*range(0, num_tokens, 1000), num_tokens]))
    found = {path.name: (path.stat().st_size, *hash_file(path)) for path in sorted(folder.iterdir())}
    shards = [Shard(name, size, sha256) for name, (size, sha256, _) in found.items()]
    content = pack_blocks({name: blocks for name, (_, _, blocks) in found.items()})
    (folder / BLOCKS_NAME).write_bytes(content)
    record = {"name": BLOCKS_NAME, "bytes": len(content), "sha256": sha256_bytes(content)}
    facts = {"text_bytes": 1, "num_tokens": num_tokens, "tokenizer_sha256": "a" * 64}
    write_manifest(folder, Manifest("tokens", [], "f" * 32, [], shards, [], facts, block_hashes=record))
    return folder


def build(shards: Path, output: Path, **changes) -> Path:
    values = {
        "name": "toy", "seed": 1, "sequence_length": LENGTH, "sources": {"toy": {"shards": str(shards)}},
        "stages": [{"name": "one", "epochs": {"toy": 1}}],
    }  # fmt: skip
    build_mixture(Recipe.model_validate(values | changes), [source_from_path("toy", shards)], output)
    return output


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    make_result(tmp_path / "shards")
    return build(tmp_path / "shards", tmp_path / "mixture")


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 4]))


def read_all(folder, **options) -> MixtureDataset:
    with MixtureDataset(folder, check_shards=False, **options) as data:
        for first in range(0, len(data), 32):
            data.batch(range(first, min(first + 32, len(data))))
        return data


def check_error(error: pytest.ExceptionInfo[VerificationError], path: Path, at: int, most: int) -> None:
    """The error names the file, a span that holds the byte, and what to do."""
    match = re.search(r"(\S+): bytes ([0-9,]+) to ([0-9,]+): ", str(error.value))
    assert match is not None, str(error.value)
    start, last = (int(match[k].replace(",", "")) for k in (2, 3))
    assert match[1] == str(path)
    assert start <= at <= last < start + most
    assert "mathcode-data verify --full" in str(error.value)
    assert error.value.exit_code == 5


@pytest.mark.parametrize("packing", ["concat", "best_fit"])
@pytest.mark.parametrize("at", [0, 777_777, STRETCH_BYTES, 2 * STRETCH_BYTES + 12_345])
def test_a_flipped_bit_stops_an_epoch_of_training_and_its_block_is_named(tmp_path: Path, at: int, packing: str):
    path = make_result(tmp_path / "shards") / "toy-00000.bin"
    mixture = build(tmp_path / "shards", tmp_path / "mixture", packing=packing)
    flip(path, at)
    for check in ("sampled", "full"):
        with pytest.raises(VerificationError) as error:
            read_all(mixture, check_blocks=check)
        check_error(error, path, at, 4096)
    read_all(mixture, check_blocks="off")


def test_sampled_reads_hash_about_as_much_as_they_read_and_each_stretch_once(mixture: Path):
    data = read_all(mixture)
    assert data.checked.bytes == 2 * NUM_TOKENS
    assert data.checked.blocks == -(-2 * NUM_TOKENS // 4096)
    full = read_all(mixture, check_blocks="full")
    last = len(full) * LENGTH * 2 + 2
    assert full.checked.blocks == -(-last // 4096)


def test_full_finds_a_flip_in_the_first_batch_that_holds_it_and_passes_the_others(mixture: Path):
    with MixtureDataset(mixture, check_blocks="full") as data:
        sample = data.sample(5)
    at = 2 * sample.token_start + 100
    path = mixture.parent / "shards" / "toy-00000.bin"
    flip(path, at)
    with MixtureDataset(mixture, check_shards=False, check_blocks="full") as data:
        far = next(k for k in range(len(data)) if abs(data.plan.place(k).window - sample.window) > 8)
        data.batch([far])
        for _ in range(2):
            with pytest.raises(VerificationError) as error:
                data.batch([5])
            check_error(error, path, at, 4096)
    with MixtureDataset(mixture, check_shards=False, check_blocks="full") as data, Prefetch(data.batch, [[far], [5]]) as ready:
        next(ready)
        with pytest.raises(VerificationError):
            next(ready)


def test_the_watched_bytes_are_the_same_in_every_process_and_one_in_each_stretch(tmp_path: Path):
    path = make_result(tmp_path / "shards") / "toy-00000.bin"
    blocks = hash_file(path)[1]
    places = [[BlockChecks(path, blocks, full=False).watched(stretch) for stretch in range(3)] for _ in range(2)]
    assert places[0] == places[1]
    for stretch, place in enumerate(places[0]):
        assert stretch * STRETCH_BYTES <= place < min((stretch + 1) * STRETCH_BYTES, blocks.num_bytes)


def test_a_shard_alone_checks_what_it_gives_out(tmp_path: Path):
    path = make_result(tmp_path / "shards", 50_000) / "toy-00000.bin"
    checks = BlockChecks(path, hash_file(path)[1], full=True)
    flip(path, 9000)
    with TokenShard(path.with_suffix(""), checks=checks) as shard:
        shard.tokens(0, 4096)
        with pytest.raises(VerificationError) as error:
            shard.tokens(4000, 5000)
        check_error(error, path, 9000, 4096)


@pytest.mark.parametrize("block_bytes", [None, 1000])
def test_remote_blocks_are_checked_as_they_come(mixture: Path, block_bytes: int | None):
    pytest.importorskip("fsspec", reason="the extra 'remote' is not installed")
    read_all(f"file://{mixture}", block_bytes=block_bytes)
    path = mixture.parent / "shards" / "toy-00000.bin"
    flip(path, 1_234_567)
    for check in ("sampled", "full"):
        with pytest.raises(VerificationError, match=r"toy-00000\.bin: bytes 1,232,896 to 1,236,991: "):
            read_all(f"file://{mixture}", block_bytes=block_bytes, check_blocks=check)


def test_the_option_travels_to_other_processes_and_is_one_of_three_words(mixture: Path):
    with MixtureDataset(mixture, check_blocks="full") as data:
        assert pickle.loads(pickle.dumps(data))._check_blocks == "full"
    with pytest.raises(ConfigError, match="legal are sampled, full, off"):
        MixtureDataset(mixture, check_blocks="some")


def test_a_changed_table_or_manifest_stops_the_reader_and_an_absent_one_does_not(mixture: Path):
    shards = mixture.parent / "shards"
    flip(shards / BLOCKS_NAME, 300)
    with pytest.raises(VerificationError, match=r"blocks\.xxh3: sha256 differs"):
        read_all(mixture)
    (shards / BLOCKS_NAME).unlink()
    with pytest.raises(DataError, match=r"blocks\.xxh3: cannot be read"):
        read_all(mixture)
    (shards / "manifest.json").unlink()
    assert read_all(mixture).checked.blocks == 0


def test_a_result_made_before_there_were_block_hashes_is_read_as_ever(mixture: Path):
    from dataclasses import replace

    from mathcode_data.core.manifest import read_result

    folder = mixture.parent / "shards"
    manifest = replace(read_result(folder).manifest, block_hashes=None)
    (folder / BLOCKS_NAME).unlink()
    write_manifest(folder, manifest)
    assert read_all(mixture).checked.blocks == 0
    assert verify_mixture(mixture, full=True) == []


@pytest.mark.parametrize("packing", ["concat", "best_fit"])
def test_a_flipped_byte_of_a_mixtures_files_is_located(tmp_path: Path, packing: str):
    make_result(tmp_path / "shards", 60_000)
    mixture = build(tmp_path / "shards", tmp_path / "mixture", sequence_length=8, packing=packing)
    names = {path.name for path in mixture.iterdir()}
    assert BLOCKS_NAME in names
    assert len(names) == (6 if packing == "best_fit" else 4)
    for path in sorted(mixture.iterdir()):
        size = path.stat().st_size
        for at in (3, size // 2, size - 1):
            flip(path, at)
            problem = next(line for line in verify_mixture(mixture) if line.startswith(str(path)) and "byte" in line)
            match = re.search(r"bytes? ([0-9,]+)(?: to ([0-9,]+))?", problem)
            assert match is not None, problem
            start, last = (int((text or match[1]).replace(",", "")) for text in (match[1], match[2]))
            assert start <= at <= last, problem
            assert last - start < 4096 or path.name == "mixture.json", problem
            assert path.suffix != ".npy" or re.search(r"(header|samples|windows|pieces)", problem)
            flip(path, at)
    assert verify_mixture(mixture, full=True) == []
