"""Shards behind a URL give what the local ones give, in few requests."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.shards import remote
from mathcode_data.shards.block_cache import BlockCache
from mathcode_data.shards.fingerprint import fingerprint_shard
from mathcode_data.shards.index import read_index
from mathcode_data.shards.reader import TokenShard, prefetch_spans
from mathcode_data.shards.remote import RemotePath, as_place
from support.http_ranges import serve

fsspec = pytest.importorskip("fsspec", reason="the extra 'remote' is not installed")


@pytest.fixture
def local(write_shard, tmp_path: Path) -> Path:
    generator = np.random.default_rng(1)
    documents = [generator.integers(0, 60_000, int(size)) for size in generator.integers(0, 40, 200)]
    return write_shard(tmp_path / "code-00000", documents)


@pytest.fixture
def in_memory(local: Path):
    system = fsspec.filesystem("memory")
    for suffix in (".bin", ".idx"):
        system.pipe_file(f"/bucket/code-00000{suffix}", local.with_name(f"code-00000{suffix}").read_bytes())
    yield RemotePath("memory://bucket/code-00000")
    system.rm("/bucket", recursive=True)


def same_as_local(local: Path, prefix: RemotePath, cache: BlockCache) -> None:
    assert fingerprint_shard(prefix) == fingerprint_shard(local)
    assert fingerprint_shard(prefix, full=True) == fingerprint_shard(local, full=True)
    near = read_index(local)
    far = read_index(prefix)
    assert (far.dtype, far.layout, far.idx_bytes, far.bin_bytes, far.is_contiguous) == (
        near.dtype, near.layout, near.idx_bytes, near.bin_bytes, near.is_contiguous,
    )  # fmt: skip
    with TokenShard(local) as here, TokenShard(prefix, index=far, cache=cache) as there:
        spans = [(start, min(start + 65, here.num_tokens)) for start in range(0, here.num_tokens, 64)]
        prefetch_spans((there, start, stop) for start, stop in spans)
        for start, stop in spans:
            out = np.empty(stop - start, dtype=there.dtype)
            there.read_into(out, start)
            assert out.tolist() == there.tokens(start, stop).tolist() == here.tokens(start, stop).tolist()
            assert there.boundaries(start, stop).tolist() == here.boundaries(start, stop).tolist()
        assert all(there.document(number).tolist() == here.document(number).tolist() for number in range(here.num_documents))


@pytest.mark.parametrize("block_bytes", [7, 64, 1000, 1 << 20])
def test_a_shard_in_memory_equals_the_local_one(local: Path, in_memory: RemotePath, block_bytes: int):
    same_as_local(local, in_memory, BlockCache(1 << 20, block_bytes))


def test_a_shard_behind_file_urls_and_http_equals_the_local_one(local: Path):
    pytest.importorskip("aiohttp", reason="the extra 'remote' is not installed")
    same_as_local(local, RemotePath(f"file://{local}"), BlockCache(1 << 20, 512))
    with serve(local.parent) as served:
        same_as_local(local, RemotePath(f"{served.url}/code-00000"), BlockCache(1 << 20, 512))
        asked = [(start, stop) for name, start, stop in served.ranges if name.endswith(".bin")]
        size = local.with_name("code-00000.bin").stat().st_size
        blocks = [(start, stop) for start, stop in asked if (start, stop) != (0, size)]
        assert sum(stop - start for start, stop in blocks) <= size, "each block comes once"


def test_a_broken_connection_is_tried_again_and_a_lasting_one_is_an_error(local: Path, monkeypatch):
    pytest.importorskip("aiohttp", reason="the extra 'remote' is not installed")
    monkeypatch.setattr(remote, "RETRY_WAITS_S", (0.0, 0.0))
    content = local.with_name("code-00000.bin").read_bytes()
    with serve(local.parent) as served:
        path = RemotePath(f"{served.url}/code-00000.bin")
        served.failures = 2
        assert path.read_range(3, 50) == content[3:50]
        served.failures = 9
        with pytest.raises(DataError, match=r"code-00000.bin: bytes 3..50: no answer after 3 tries \(ClientResponseError: 503"):
            path.read_range(3, 50)
        served.failures, served.ignores_ranges = 0, True
        with pytest.raises(DataError, match="does not answer byte ranges"):
            path.read_range(3, 50)


def test_what_is_not_there_or_cut_is_named(in_memory: RemotePath):
    with pytest.raises(DataError, match=r"memory://bucket/math-00000.idx: cannot be read \(FileNotFoundError"):
        TokenShard(in_memory.with_name("math-00000"))
    system = fsspec.filesystem("memory")
    with TokenShard(in_memory, cache=BlockCache(1 << 16, 256)) as shard:
        content = system.cat_file("/bucket/code-00000.bin")
        system.pipe_file("/bucket/code-00000.bin", content[:100])
        with pytest.raises(DataError, match="code-00000.bin: 100 bytes came for bytes 0..256: the file was cut"):
            shard.tokens(0, 100)
    with pytest.raises(DataError, match="has 100 bytes"):
        TokenShard(in_memory)


def test_urls_are_joined_as_paths_are_and_stay_on_their_host():
    url = RemotePath("s3://bucket/run/mixture", {"key": "secret"})
    assert (url / "../shards/code-00000").url == "s3://bucket/run/shards/code-00000"
    assert url.parent.url == "s3://bucket/run"
    assert as_place("file:///data/mixture") / "../shards" == RemotePath("file:///data/shards")
    for climbing in ("../../../other/x", "../../../../x"):
        with pytest.raises(DataError, match="leaves 'bucket'"):
            _ = url / climbing
    assert "secret" not in repr(url)
    assert pickle.loads(pickle.dumps(url)).options == {"key": "secret"}


def test_a_protocol_that_nobody_knows_is_named():
    with pytest.raises(ConfigError, match=r"nowhere://x: fsspec cannot open it \(ValueError: Protocol not known: nowhere"):
        RemotePath("nowhere://x").size()


def test_without_fsspec_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "fsspec.core", None)
    with pytest.raises(ConfigError, match=r"needs fsspec: pip install 'mathcode-data\[remote\]'"):
        RemotePath("memory://x").size()
