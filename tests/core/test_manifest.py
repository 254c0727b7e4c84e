"""Manifests: they hash themselves, and their names stay inside their folder."""

from __future__ import annotations

from pathlib import Path

import pytest

import mathcode_data
from mathcode_data.core.errors import DataError, VerificationError
from mathcode_data.core.fingerprint import FileHashes, canonical_json, fingerprint
from mathcode_data.core.manifest import Manifest, Shard, check_file_name, check_shards, made_by, read_result, self_hash, write_manifest
from mathcode_data.core.storage import read_json, sha256_file, write_json


def make(folder: Path) -> Path:
    (folder / "a.bin").write_bytes(b"12345")
    shard = Shard("a.bin", 5, sha256_file(folder / "a.bin"), rows=1, tokens=2)
    write_manifest(folder, Manifest("tokens", [], fingerprint(1), [], [shard], []))
    return folder


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a/b", "..", ".hidden", "", "CON", "nul.txt", "x" * 300, "a\0b", "a\nb", "a\\b"]
)
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str):
    with pytest.raises(DataError, match="no plain file name"):
        check_file_name(name, "here")
    make(tmp_path)
    data = read_json(tmp_path / "manifest.json")
    data["shards"][0]["name"] = name
    write_json(tmp_path / "manifest.json", data | {"self_hash": self_hash(data)})
    with pytest.raises(DataError, match="no plain file name"):
        read_result(tmp_path)


def test_a_symbolic_link_is_no_shard(tmp_path: Path):
    make(tmp_path)
    (tmp_path / "a.bin").rename(tmp_path / "b")
    (tmp_path / "a.bin").symlink_to(tmp_path / "b")
    with pytest.raises(DataError, match="symbolic link"):
        read_result(tmp_path)


def test_every_flipped_byte_of_a_manifest_is_found(tmp_path: Path):
    path = make(tmp_path) / "manifest.json"
    content = path.read_bytes()
    missed = []
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 0x20
        path.write_bytes(changed)
        try:
            if read_result(tmp_path) and changed.split() != content.split():
                missed.append(position)
        except (DataError, VerificationError):
            continue
    assert missed == []


def test_every_flipped_byte_of_a_shard_is_found_by_a_full_check(tmp_path: Path):
    result = read_result(make(tmp_path))
    assert list(check_shards(result, full=True)) == []
    (tmp_path / "a.bin").write_bytes(b"12335")
    assert [line for line in check_shards(result, full=True) if "a.bin: sha256 differs" in line]
    assert list(check_shards(result, full=False)) == []


def test_a_result_says_the_version_that_made_it_whatever_is_installed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mathcode_data.core.manifest.metadata.version", lambda _: "0.0.1")
    made_by.cache_clear()
    try:
        assert made_by()["mathcode_data"] == mathcode_data.__version__
    finally:
        made_by.cache_clear()


def test_a_fingerprint_refuses_what_has_no_stable_form():
    for value in [{1: 2}, {"a": {1, 2}}, float("nan"), object(), [float("inf")]]:
        with pytest.raises(Exception, match=r"finite|stable form|keys must be text"):
            canonical_json(value)


def test_input_hashes_follow_content_not_time(tmp_path: Path):
    path = tmp_path / "a"
    path.write_text("one")
    hashes = FileHashes(tmp_path / "cache.json")
    first = hashes.sha256(path)
    hashes.save()
    assert FileHashes(tmp_path / "cache.json").sha256(path) == first
    path.write_text("two")
    assert FileHashes(tmp_path / "cache.json").sha256(path) != first
    (tmp_path / "cache.json").write_text("{")
    path.write_text("one")
    assert FileHashes(tmp_path / "cache.json").sha256(path) == first
