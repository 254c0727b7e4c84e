"""Which shards a path means."""

from __future__ import annotations

from pathlib import Path

import pytest

from mathcode_data.core.errors import DataError
from mathcode_data.core.manifest import Manifest, Shard, write_manifest
from mathcode_data.core.storage import sha256_file, write_json
from mathcode_data.shards.resolve import resolve_shards, token_result


@pytest.fixture
def result(write_shard, tmp_path: Path):
    """A finished result of ours with two shards."""

    def make(kind: str = "tokens") -> Path:
        folder = tmp_path / "code"
        folder.mkdir()
        for name in ("code-00001", "code-00000"):
            write_shard(folder / name, [[1, 2, 3]])
        shards = [Shard(path.name, path.stat().st_size, sha256_file(path)) for path in sorted(folder.iterdir())]
        write_manifest(folder, Manifest(kind, [], "f" * 32, [], shards, []))
        return folder

    return make


@pytest.mark.parametrize("name", ["foo_text_document", "code-00000", "a.b"])
@pytest.mark.parametrize("suffix", ["", ".bin", ".idx"])
def test_a_prefix_and_each_of_its_files_mean_the_shard(write_shard, tmp_path: Path, name: str, suffix: str):
    write_shard(tmp_path / name, [[1]])
    assert resolve_shards(tmp_path / f"{name}{suffix}") == [tmp_path / name]


def test_a_folder_means_all_pairs_in_name_order_but_not_those_below(write_shard, tmp_path: Path):
    (tmp_path / "below").mkdir()
    for name in ("b", "a", "below/c"):
        write_shard(tmp_path / name, [[1]])
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".tmp-1-z.bin").write_bytes(b"")
    assert [prefix.name for prefix in resolve_shards(tmp_path)] == ["a", "b"]


def test_the_pair_is_meant_where_megatron_put_a_cache_folder_beside_it(write_shard, tmp_path: Path):
    write_shard(tmp_path / "foo", [[1]])
    (tmp_path / "foo" / "cache").mkdir(parents=True)
    assert resolve_shards(tmp_path / "foo") == [tmp_path / "foo"]


@pytest.mark.parametrize("missing", [".bin", ".idx"])
@pytest.mark.parametrize("ask", ["", "b", "b.bin", "b.idx"])
def test_a_missing_half_is_named(write_shard, tmp_path: Path, missing: str, ask: str):
    write_shard(tmp_path / "a", [[1]])
    write_shard(tmp_path / "b", [[1]])
    (tmp_path / f"b{missing}").unlink()
    with pytest.raises(DataError, match=rf"b\{missing}: not there"):
        resolve_shards(tmp_path / ask)


def test_nothing_is_an_error(tmp_path: Path):
    for path in (tmp_path, tmp_path / "x", tmp_path / "x.bin"):
        with pytest.raises(DataError, match="x|without"):
            resolve_shards(path)


def test_a_result_of_ours_lists_its_shards(result):
    folder = result()
    assert [prefix.name for prefix in resolve_shards(folder)] == ["code-00000", "code-00001"]
    assert token_result(folder) is not None


def test_a_shard_of_another_size_than_the_manifest_says_is_refused(result):
    folder = result()
    (folder / "code-00001.bin").write_bytes(b"12")
    with pytest.raises(DataError, match="code-00001.bin: 2 bytes, the manifest says 6"):
        resolve_shards(folder)


def test_a_result_of_another_kind_is_refused(result):
    with pytest.raises(DataError, match="kind 'documents'"):
        resolve_shards(result("documents"))


def test_another_programs_manifest_makes_no_result(write_shard, tmp_path: Path):
    write_shard(tmp_path / "a", [[1]])
    write_json(tmp_path / "manifest.json", {"files": []})
    assert resolve_shards(tmp_path) == [tmp_path / "a"]
    assert token_result(tmp_path) is None
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="manifest.json"):
        resolve_shards(tmp_path)
