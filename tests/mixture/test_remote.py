"""A mixture behind a URL gives the samples that it gives locally."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from mathcode_data.core.errors import DataError, StaleOutputError, VerificationError
from mathcode_data.mixture import index_files
from mathcode_data.mixture.dataset import MixtureDataset
from support.http_ranges import serve

fsspec = pytest.importorskip("fsspec", reason="the extra 'remote' is not installed")


@pytest.fixture
def mixture(build, make_recipe, tmp_path: Path) -> Path:
    build(make_recipe())
    return tmp_path / "mixture"


@pytest.fixture
def in_memory(mixture: Path, shards: Path):
    """The folder of mixture and shards in fsspec's memory."""
    system = fsspec.filesystem("memory")
    for folder in (mixture, shards):
        system.put(str(folder), f"/lake/{folder.name}", recursive=True)
    yield system
    system.rm("/lake", recursive=True)


def same_samples(local: Path, url: str, **options) -> None:
    with MixtureDataset(local) as here, MixtureDataset(url, **options) as there:
        for positions in (range(len(here)), range(100, 108), np.array([274, 0, 3]), np.array([5])):
            near, far = here.batch(positions), there.batch(positions)
            assert np.array_equal(near[0], far[0])
            assert near[0].dtype == far[0].dtype
            assert near[1].tolist() == far[1].tolist()
            assert [row.tolist() for row in near[2]] == [row.tolist() for row in far[2]]
        windows = here.holdout("math")
        assert np.array_equal(here.holdout_batch("math", windows)[0], there.holdout_batch("math", windows)[0])
        assert (
            str(there.sample(7).shard)
            == f"{url.rpartition('/')[0]}/shards/{os.path.relpath(here.sample(7).shard, local.parent / 'shards')}"
        )


@pytest.mark.parametrize("blend", ["lattice", "megatron"])
@pytest.mark.parametrize("index", ["written", "virtual"])
def test_samples_from_memory_are_those_of_the_disk(build, make_recipe, shards, tmp_path: Path, blend: str, index: str):
    if (blend, index) == ("megatron", "virtual"):
        pytest.skip("Megatron's order has no closed form")
    build(make_recipe(blend=blend, index=index))
    system = fsspec.filesystem("memory")
    for folder in (tmp_path / "mixture", shards):
        system.put(str(folder), f"/lake/{folder.name}", recursive=True)
    try:
        same_samples(tmp_path / "mixture", "memory://lake/mixture", block_bytes=64, cache_bytes=4096)
        same_samples(tmp_path / "mixture", "memory://lake/mixture")
    finally:
        system.rm("/lake", recursive=True)


def test_samples_over_http_and_file_urls_are_those_of_the_disk(mixture: Path):
    pytest.importorskip("aiohttp", reason="the extra 'remote' is not installed")
    same_samples(mixture, f"file://{mixture}", block_bytes=512)
    with serve(mixture.parent) as served:
        same_samples(mixture, f"{served.url}/mixture", block_bytes=512)


def test_far_apart_rows_of_a_remote_index_are_read_alone(mixture: Path, in_memory, monkeypatch):
    monkeypatch.setattr(index_files, "MAX_SPAN_ROWS", 8)
    same_samples(mixture, "memory://lake/mixture", block_bytes=16)


def test_an_idx_is_read_once_and_blocks_are_shared(mixture: Path):
    pytest.importorskip("aiohttp", reason="the extra 'remote' is not installed")
    sizes = {path.name: path.stat().st_size for path in mixture.parent.glob("shards/[cm]*/*.idx")}
    with serve(mixture.parent) as served, MixtureDataset(f"{served.url}/mixture") as data:
        served.ranges.clear()
        data.batch(range(len(data)))
        asked = [(name, start, stop) for name, start, stop in served.ranges if name.endswith(".idx")]
        assert sorted(name for name, start, stop in asked if (start, stop) == (0, sizes[name])) == sorted(sizes)
        num_requests = len(served.ranges)
        data.batch(range(len(data)))
        assert len(served.ranges) == num_requests, "all is in the cache"


@pytest.mark.parametrize("what", ["bin", "idx", "index", "json", "gone"])
def test_what_was_changed_on_the_server_stops_the_reader(in_memory, what: str):
    path = {"index": "/lake/mixture/dataset_index.npy", "json": "/lake/mixture/mixture.json"}.get(
        what, f"/lake/shards/code/code-00001.{'bin' if what == 'gone' else what}"
    )
    content = bytearray(in_memory.cat_file(path))
    if what == "gone":
        in_memory.rm(path)
    else:
        content[len(content) // 2] ^= 1
        in_memory.pipe_file(path, bytes(content))
    with pytest.raises((StaleOutputError, VerificationError, DataError)):
        MixtureDataset("memory://lake/mixture")


def test_shards_that_lie_on_a_disk_are_not_looked_for_on_a_server(mixture: Path, in_memory):
    from mathcode_data.mixture.opened import shard_prefix
    from mathcode_data.shards.remote import RemotePath

    with pytest.raises(DataError, match="lies on another machine's disk"):
        shard_prefix(RemotePath("memory://lake/mixture"), {"path": "/data/code-00000"})
    assert str(shard_prefix(RemotePath("memory://lake/mixture"), {"path": "s3://b/code-00000"})) == "s3://b/code-00000"
