"""Samples are the tokens that the definition of windows gives, with their document boundaries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mathcode_data.core.errors import ConfigError, DataError, StaleOutputError, VerificationError
from mathcode_data.mixture import entries as entries_module
from mathcode_data.mixture import open_shards
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.shards.format import bin_path
from mathcode_data.shards.reader import TokenShard


@pytest.fixture
def mixture(build, make_recipe, tmp_path: Path) -> Path:
    build(make_recipe())
    return tmp_path / "mixture"


def expected_sample(shards: Path, name: str, window: int, length: int = 8) -> tuple[list[int], list[int]]:
    """Tokens and boundaries by the definition, from the raw file."""
    for path in sorted((shards / name).glob("*.bin")):
        tokens = np.fromfile(path, dtype=np.uint16)
        count = (tokens.size - 1) // length
        if window < count:
            with TokenShard(path.with_suffix("")) as shard:
                begins = np.cumsum([0, *shard.lengths[:-1]]) - window * length
            start = window * length
            return tokens[start : start + length + 1].tolist(), [int(at) for at in begins if 0 <= at <= length]
        window -= count
    raise AssertionError(f"window beyond the source {name}")


@pytest.mark.parametrize("blend", ["lattice", "megatron"])
@pytest.mark.parametrize("across", ["disjoint", "repeat"])
def test_every_sample_is_its_window(build, make_recipe, shards, tmp_path: Path, blend: str, across: str):
    build(make_recipe(blend=blend, across_stages=across))
    with MixtureDataset(tmp_path / "mixture") as data:
        tokens, sources, starts, _ = data.batch(range(len(data)))
        assert (tokens.shape, tokens.dtype, sources.dtype) == ((275, 9), np.uint16, np.int16)
        for position in range(len(data)):
            sample = data.sample(position)
            name = data.source_names[sample.source]
            expected, begins = expected_sample(shards, name, sample.window)
            assert tokens[position].tolist() == sample.tokens.tolist() == expected
            assert starts[position].tolist() == sample.boundaries.tolist() == begins
            assert sources[position] == sample.source
            assert sample.shard.parent.name == name
        held = {name: set(data.holdout(name).tolist()) for name in data.source_names}
        trained = [(data.source_names[data.sample(p).source], data.sample(p).window) for p in range(len(data))]
        assert not any(window in held[name] for name, window in trained)


def test_the_trainers_protocol_is_met(mixture: Path):
    from mathcode_data.mixture.plan import Plan

    with MixtureDataset(mixture) as data:
        assert (len(data), data.sequence_length, data.source_names) == (275, 8, ["code", "math"])
        assert data.fingerprint == data.info["fingerprint"]
        assert isinstance(data.plan, Plan)
        first, again = data.batch(np.array([5, 3])), data.batch([5, 3])
        assert np.array_equal(first[0], again[0])
        assert data.batch([])[0].shape == (0, 9)


def test_held_out_windows_are_read_and_never_drawn(mixture: Path, shards: Path):
    with MixtureDataset(mixture) as data:
        windows = data.holdout("math")
        assert windows.size == 7
        assert data.holdout("code").size == 0
        tokens, sources, starts, _ = data.holdout_batch("math", windows)
        assert sources.tolist() == [1] * 7
        for row, window in enumerate(windows.tolist()):
            expected, begins = expected_sample(shards, "math", window)
            assert (tokens[row].tolist(), starts[row].tolist()) == (expected, begins)
        with pytest.raises(ConfigError, match="no source 'mth'; did you mean 'math'"):
            data.holdout("mth")


@pytest.mark.parametrize("position", [-1, 275])
def test_a_position_outside_is_named(mixture: Path, position: int):
    with MixtureDataset(mixture) as data, pytest.raises(IndexError, match=rf"sample {position} of 275; positions are 0..274"):
        data.sample(position)


@pytest.mark.parametrize("how", ["content", "idx", "size", "gone"])
def test_a_shard_that_was_written_again_stops_the_reader(mixture: Path, shards: Path, how: str):
    path = shards / "code" / ("code-00001.idx" if how == "idx" else "code-00001.bin")
    content = bytearray(path.read_bytes())
    if how == "gone":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content + b"x" if how == "size" else content)
    with pytest.raises(StaleOutputError, match=r"code-00001.* source 'code' as it was; put it back, or build the mixture again"):
        MixtureDataset(mixture)


def test_a_shard_that_is_cut_while_training_raises(mixture: Path, shards: Path):
    with MixtureDataset(mixture) as data:
        data.batch(range(20))
        for path in shards.glob("*/*.bin"):
            os.truncate(path, 4)
        with pytest.raises(DataError, match="somebody writes to the shard"):
            data.batch(range(20))


def test_few_files_are_open_whatever_the_number_of_shards(monkeypatch, build, make_recipe, source_writer, tmp_path: Path):
    folder = source_writer(tmp_path / "many", "many", [20] * 40)
    sources = {"many": {"shards": str(folder)}}
    build(make_recipe(sources=sources, stages=[{"name": "one", "tokens": {"many": 640}}]))
    monkeypatch.setattr(open_shards, "MAX_OPEN_SHARDS", 3)
    with MixtureDataset(tmp_path / "mixture") as data:
        before = len(os.listdir("/proc/self/fd"))
        tokens, _, _, _ = data.batch(range(len(data)))
        assert len(os.listdir("/proc/self/fd")) <= before + 3 * open_shards.FILES_PER_SHARD
        for position in range(len(data)):
            assert data.sample(position).tokens.tolist() == tokens[position].tolist()


def test_a_mixture_moves_with_its_shards(mixture: Path, tmp_path: Path):
    with MixtureDataset(mixture) as data:
        before = data.batch(range(50))[0]
    (tmp_path / "new").mkdir()
    for name in ("mixture", "shards"):
        (tmp_path / name).rename(tmp_path / "new" / name)
    (tmp_path / "link").symlink_to(tmp_path / "new" / "mixture")
    for folder in (tmp_path / "new" / "mixture", tmp_path / "link"):
        with MixtureDataset(folder) as data:
            assert np.array_equal(data.batch(range(50))[0], before)


def test_an_unfinished_or_damaged_mixture_is_refused(mixture: Path):
    index = mixture / "dataset_index.npy"
    content = index.read_bytes()
    index.write_bytes(content[:-2])
    with pytest.raises(DataError, match="dataset_index.npy: .* bytes, 275 samples take"):
        MixtureDataset(mixture)
    index.write_bytes(b"\x93NUMPX" + content[6:])
    with pytest.raises(DataError, match="byte 0: not the header"):
        MixtureDataset(mixture)
    index.write_bytes(content[:-2] + b"\x07\x00")
    with MixtureDataset(mixture, check_index=False) as data, pytest.raises(DataError, match="sample 274: source 7.*run verify"):
        data.sample(274)
    record = mixture / "mixture.json"
    record.write_text(record.read_text().replace('"seed": 17', '"seed": 18'))
    with pytest.raises(VerificationError, match="self_hash"):
        MixtureDataset(mixture)
    record.unlink()
    with pytest.raises(DataError, match="not a finished mixture"):
        MixtureDataset(mixture)


@pytest.mark.parametrize("name", ["dataset_index.npy", "dataset_sample_index.npy"])
def test_a_changed_row_that_is_still_legal_stops_the_reader(mixture: Path, name: str):
    path = mixture / name
    rows = np.load(path)
    rows[100] = 1 - rows[100] if name == "dataset_index.npy" else (rows[100] + 1) % 62
    np.save(path, rows)
    with pytest.raises(VerificationError, match=rf"{name}: sha256 differs from mixture.json: bytes .*build the mixture again"):
        MixtureDataset(mixture)
    with MixtureDataset(mixture, check_index=False) as data:
        assert data.sample(100).tokens.size == 9


def test_the_dataset_loads_no_pyarrow():
    code = "import mathcode_data.mixture.dataset, sys; print(sorted({'pyarrow', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_tokens_keep_the_type_of_the_shards(build, make_recipe, source_writer, tmp_path: Path):
    folder = source_writer(tmp_path / "wide", "wide", [200], dtype=np.int32)
    build(make_recipe(sources={"wide": {"shards": str(folder)}}, stages=[{"name": "one", "tokens": {"wide": 80}}]))
    with MixtureDataset(tmp_path / "mixture") as data:
        assert data.batch([0])[0].dtype == np.int32
        assert bin_path(data.sample(0).shard).exists()


RECIPES = {
    "stages": {},
    "repeat": {"across_stages": "repeat"},
    "annealed with a replay": {
        "stages": [
            {"name": "one", "tokens": 800, "weights": {"code": 3, "math": 1}, "final_weights": {"code": 1, "math": 3}},
            {"name": "two", "tokens": 800, "weights": {"math": 1}, "replay": {"stage": "one", "share": "25%"}},
        ]
    },
}


@pytest.mark.parametrize("ahead", [20, 1000])
@pytest.mark.parametrize("changes", RECIPES.values(), ids=list(RECIPES))
def test_a_virtual_mixture_gives_the_samples_of_the_written_one(monkeypatch, build, make_recipe, tmp_path: Path, changes: dict, ahead: int):
    monkeypatch.setattr(entries_module, "AHEAD_ROWS", ahead)
    build(make_recipe(**changes), output=tmp_path / "written")
    build(make_recipe(index="virtual", **changes), output=tmp_path / "virtual")
    assert not list((tmp_path / "virtual").glob("*.npy"))
    with MixtureDataset(tmp_path / "written") as written, MixtureDataset(tmp_path / "virtual") as virtual:
        assert len(written) == len(virtual)
        for positions in (range(len(written)), range(90, 110), range(0, len(written), 7), np.array([199, 3, 3, 120]), np.array([150])):
            near, far = written.batch(positions), virtual.batch(positions)
            assert np.array_equal(near[0], far[0])
            assert np.array_equal(near[1], far[1])
            assert all(np.array_equal(one, other) for one, other in zip(near[2], far[2], strict=True))
        for start in range(0, len(written), 8):  # read in order, as training does
            stop = min(start + 8, len(written))
            assert np.array_equal(written.batch(range(start, stop))[0], virtual.batch(range(start, stop))[0])
            assert np.array_equal(written.batch([start])[0], virtual.batch([start])[0])
        assert [written.sample(p).window for p in range(0, 200, 9)] == [virtual.sample(p).window for p in range(0, 200, 9)]
        with pytest.raises(IndexError, match="positions are 0"):
            virtual.batch([0, len(virtual)])


def test_batches_of_sources_of_two_types_have_one_type_that_holds_both(build, make_recipe, source_writer, shards, tmp_path: Path):
    """uint16 and int32: ids above 32,767 stay as they are, whatever sources a batch has."""
    from mathcode_data.shards.writer import ShardWriter

    (tmp_path / "wide").mkdir()
    with ShardWriter(tmp_path / "wide" / "wide-00000", np.int32) as writer:
        writer.add(np.arange(100_000, 100_300))
    with ShardWriter(tmp_path / "wide" / "narrow-00000", np.uint16) as writer:
        writer.add(np.arange(65_000, 65_300))
    sources = {name: {"shards": str(tmp_path / "wide" / f"{name}-00000")} for name in ("narrow", "wide")}
    build(make_recipe(sources=sources, stages=[{"name": "one", "tokens": {"narrow": 240, "wide": 240}}]))
    with MixtureDataset(tmp_path / "mixture") as data:
        tokens, numbers, _, _ = data.batch(range(60))
        assert tokens.dtype == np.int32
        assert set(tokens[numbers == 1].ravel().tolist()) <= set(range(100_000, 100_300))
        assert set(tokens[numbers == 0].ravel().tolist()) <= set(range(65_000, 65_300))
        alone = [position for position in range(60) if numbers[position] == 0][:3]
        assert data.batch(alone)[0].dtype == data.sample(alone[0]).tokens.dtype == np.int32


def test_a_batch_over_more_shards_than_may_be_open_is_read_in_parts(monkeypatch, build, make_recipe, source_writer, tmp_path: Path):
    folder = source_writer(tmp_path / "many", "many", [20] * 40)
    build(make_recipe(sources={"many": {"shards": str(folder)}}, stages=[{"name": "one", "tokens": {"many": 640}}]))
    with MixtureDataset(tmp_path / "mixture") as data:
        expected = data.batch(range(80))
    monkeypatch.setattr(open_shards, "MAX_OPEN_SHARDS", 3)
    most = 0
    with MixtureDataset(tmp_path / "mixture") as data:
        get, before = open_shards.OpenShards.get, len(os.listdir("/proc/self/fd"))

        def counted(shards, number):
            nonlocal most
            found = get(shards, number)
            most = max(most, len(os.listdir("/proc/self/fd")) - before)
            return found

        monkeypatch.setattr(open_shards.OpenShards, "get", counted)
        tokens, _, starts, _ = data.batch(range(80))
    assert most <= 3 * 2 * open_shards.FILES_PER_SHARD
    assert np.array_equal(tokens, expected[0])
    assert all(np.array_equal(one, other) for one, other in zip(starts, expected[2], strict=True))


def test_a_shard_of_another_size_is_refused_even_unchecked(mixture: Path, shards: Path):
    from mathcode_data.shards.writer import ShardWriter

    with ShardWriter(shards / "code" / "code-00001", np.uint16) as writer:
        writer.add(np.zeros(700, dtype=np.uint16))
    with MixtureDataset(mixture, check_shards=False) as data, pytest.raises(StaleOutputError, match="code-00001.* when the mixture"):
        data.batch(range(len(data)))
